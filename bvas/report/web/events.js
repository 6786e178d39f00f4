// What happened and what was predicted: annotations, spots, and what the reader adds.

// What decides about an event, and is undone.
const DECIDED = ["label", "frame", "end", "state"];

// `origin` is "annotation", "spot" or "added". `label`, `frame` and `end` are as corrected, `label0` and so on as given.
// A range has an `end`, the first frame after it; of a point it is null.
// `state`: "open" (nothing decided), "kept", "deleted"; "begun" is a range without an end yet; "absent" is an added
// one that was undone. `saved` is how it stands in the file that a label page saved last.
class Event {
  constructor(fields) {
    Object.assign(this, { end: null, team: null, visible: true, more: null, confidence: null, state: "open" });
    Object.assign(this, { partner: null, error: null, suspect: null, saved: null });
    Object.assign(this, fields);
    [this.label0, this.frame0, this.end0] = [this.label, this.frame, this.end];
  }

  get isRange() {
    return this.end !== null;
  }

  // The last frame of a range, the frame of a point.
  get last() {
    return this.isRange ? this.end - 1 : this.frame;
  }

  // When its frame begins, in seconds.
  get seconds() {
    return this.video.frames.start(this.place);
  }

  // When its last frame leaves the screen; of a point the same as `seconds`.
  get stopSeconds() {
    return this.isRange ? this.video.frames.stop(this.last) : this.seconds;
  }

  // The label that it is listed under: of a report the given one.
  get listedLabel() {
    return this.video.isLabelled ? this.label : this.label0;
  }

  // What a correction of this event changes: of a hit, the annotation that it answers.
  get target() {
    return this.origin === "spot" && this.partner ? this.partner : this;
  }

  get isChanged() {
    return this.label !== this.label0 || this.frame !== this.frame0 || this.end !== this.end0;
  }

  get isDecided() {
    return this.state !== "open" || this.isChanged;
  }

  // Whether it is an annotation of the corrected video.
  get counts() {
    return isCounted(this.origin, this.state);
  }

  // Where it stands on the timeline and in the list: a hit stays where the spot was found.
  get place() {
    return this.frame;
  }

  // "hit", "alarm", "spot", "annotation" (answered), "miss", "added"; null: below the confidence that is shown.
  // On a label page "mark".
  kind(confidence, isAnnotated) {
    if (this.video.isLabelled) return this.state === "absent" ? null : "mark";
    if (this.origin === "added") return this.state === "absent" ? null : "added";
    if (this.origin === "annotation") {
      return this.partner && this.partner.confidence >= confidence ? "annotation" : "miss";
    }
    if (this.confidence < confidence) return null;
    if (!isAnnotated) return "spot";
    return this.partner ? "hit" : "alarm";
  }
}

function isCounted(origin, state) {
  if (state === "deleted" || state === "absent" || state === "begun") return false;
  return origin !== "spot" || state === "kept";
}

// One video of the page, its arrays unpacked.
class Video {
  constructor(json, frames, curves) {
    Object.assign(this, { json, frames, curves });
    this.name = json.name;
    this.isLabelled = json.entry !== undefined;
    this.isEmpty = json.empty === true; // on a label page: nothing happens in it
    this.isAnnotated = json.annotations !== null;
    this.annotations = this.isAnnotated ? annotationsOf(json.annotations) : [];
    this.spots = spotsOf(json.spots, this.annotations);
    this.added = [];
    const { rank, suspicion, kind, support, usual, trust, annotation, spot } = json.suspects;
    this.suspects = rank.map((number, i) => ({
      rank: number,
      suspicion: suspicion[i],
      kind: kind[i],
      support: support[i],
      usual: usual[i],
      trust: trust[i],
      annotation: this.annotations[annotation[i]] ?? null,
      spot: this.spots[spot[i]] ?? null,
    }));
    for (const suspect of this.suspects) {
      for (const event of [suspect.annotation, suspect.spot]) if (event) event.suspect = suspect;
    }
    for (const event of this.events) event.video = this;
  }

  static async from(json) {
    const [frames, curves] = await Promise.all([
      FrameTimes.from(json.frames),
      json.curves ? Curves.from(json.curves) : null,
    ]);
    return new Video(json, frames, curves);
  }

  get events() {
    return [...this.annotations, ...this.spots, ...this.added];
  }

  clock(seconds) {
    return minutesText(seconds + this.json.clock_offset);
  }
}

function annotationsOf(columns) {
  return columns.frame.map(
    (frame, i) =>
      new Event({
        origin: "annotation",
        frame,
        end: columns.end ? columns.end[i] : null,
        label: columns.label[i],
        more: columns.more ? columns.more[i] : null,
        team: columns.team ? columns.team[i] : null,
        visible: columns.visible ? columns.visible[i] : true,
      }),
  );
}

function spotsOf(columns, annotations) {
  return columns.frame.map((frame, i) => {
    const partner = columns.answers && columns.answers[i] >= 0 ? annotations[columns.answers[i]] : null;
    const spot = new Event({
      origin: "spot",
      frame,
      end: columns.end ? columns.end[i] : null,
      label: columns.label[i],
      confidence: columns.confidence[i],
      error: partner ? columns.error[i] : null,
      partner,
    });
    if (partner) partner.partner = spot;
    return spot;
  });
}

// The kinds of events that a video has without the reader.
function kindsOf(video) {
  if (video.isLabelled) return ["mark"];
  return video.isAnnotated ? ["hit", "miss", "alarm", "annotation"] : ["spot"];
}

const KINDS = {
  hit: { name: "hit", plural: "hits", sign: "●" },
  miss: { name: "miss", plural: "misses", sign: "◇" },
  alarm: { name: "false alarm", plural: "false alarms", sign: "▲" },
  spot: { name: "spot", plural: "spots", sign: "●" },
  annotation: { name: "annotation", plural: "annotations", sign: "|" },
  added: { name: "added", plural: "added", sign: "+" },
  mark: { name: "label", plural: "labels", sign: "■" },
};

// "mm:ss.cc", of a range with its end.
function spanText(event) {
  return event.isRange ? `${momentText(event.seconds)} to ${momentText(event.stopSeconds)}` : momentText(event.seconds);
}

// "frame 12", or "frames 12 to 20".
function framesText({ frame, last, isRange }) {
  return isRange ? `frames ${frame} to ${last}` : `frame ${frame}`;
}

// What was decided about an event.
function decisionText(event, labels) {
  const target = event.target;
  const parts = [];
  if (target.state === "begun") parts.push("not ended");
  if (target.state === "deleted") parts.push("deleted");
  // On a label page nothing is proposed that a change could differ from.
  if (event.video.isLabelled) return parts.join(" ");
  if (target.label !== target.label0) parts.push(`→ ${labels[target.label]}`);
  for (const [moved, what] of [[target.frame - target.frame0, "start "], [target.end - target.end0, "end "]]) {
    if (moved) parts.push(`${target.isRange ? what : ""}${moved > 0 ? "+" : "−"}${Math.abs(moved)} fr`);
  }
  if (target.state === "kept" && target.origin !== "added") parts.push("kept");
  return parts.join(" ");
}

// Why an event is a suspect: an annotation that may be wrong or missing.
function suspectText(event, data) {
  const { suspect } = event;
  const { kind, annotation, spot } = suspect;
  if (kind === "no annotation") {
    return `nothing annotated, but such spots are right ${Math.round(100 * suspect.trust)} %`;
  }
  if (kind === "no spot") {
    return `its score is ${suspect.support.toFixed(2)}, usually ${suspect.usual.toFixed(2)}`;
  }
  const isSpot = event === spot;
  const other = isSpot ? annotation : spot;
  const what = isSpot ? "annotated" : `spotted with ${spot.confidence.toFixed(2)}`;
  if (kind === "other label") return `${what} as ${data.labels[other.label0]}`;
  const away = other.seconds - event.seconds;
  return `${what} ${Math.abs(away).toFixed(2)} s ${away < 0 ? "earlier" : "later"}`;
}
