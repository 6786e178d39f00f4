// What happened and what was predicted: annotations, spots, and what the reader adds.

// `origin` is "annotation", "spot" or "added". `label` and `frame` are as corrected, `label0` and `frame0` as given.
// `state`: "open" (nothing decided), "kept", "deleted"; "absent" is an added one that was undone.
class Event {
  constructor(fields) {
    Object.assign(this, { team: null, visible: true, confidence: null, partner: null, error: null, suspect: null, state: "open" });
    Object.assign(this, fields);
    this.label0 = this.label;
    this.frame0 = this.frame;
  }

  // When its frame begins, in seconds.
  get seconds() {
    return this.video.frames.start(this.place);
  }

  // What a correction of this event changes: of a hit, the annotation that it answers.
  get target() {
    return this.origin === "spot" && this.partner ? this.partner : this;
  }

  get isChanged() {
    return this.label !== this.label0 || this.frame !== this.frame0;
  }

  get isDecided() {
    return this.state !== "open" || this.isChanged;
  }

  // Whether it is an annotation of the corrected video.
  get counts() {
    if (this.state === "deleted" || this.state === "absent") return false;
    return this.origin !== "spot" || this.state === "kept";
  }

  // Where it stands on the timeline and in the list: a hit stays where the spot was found.
  get place() {
    return this.frame;
  }

  // "hit", "alarm", "spot", "annotation" (answered), "miss", "added"; null: below the confidence that is shown.
  kind(confidence, isAnnotated) {
    if (this.origin === "added") return this.state === "absent" ? null : "added";
    if (this.origin === "annotation") {
      return this.partner && this.partner.confidence >= confidence ? "annotation" : "miss";
    }
    if (this.confidence < confidence) return null;
    if (!isAnnotated) return "spot";
    return this.partner ? "hit" : "alarm";
  }
}

// One video of the page, its arrays unpacked.
class Video {
  constructor(json, frames, curves) {
    Object.assign(this, { json, frames, curves });
    this.name = json.name;
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
        label: columns.label[i],
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
      label: columns.label[i],
      confidence: columns.confidence[i],
      error: partner ? columns.error[i] : null,
      partner,
    });
    if (partner) partner.partner = spot;
    return spot;
  });
}

const KINDS = {
  hit: { name: "hit", plural: "hits", sign: "●" },
  miss: { name: "miss", plural: "misses", sign: "◇" },
  alarm: { name: "false alarm", plural: "false alarms", sign: "▲" },
  spot: { name: "spot", plural: "spots", sign: "●" },
  annotation: { name: "annotation", plural: "annotations", sign: "|" },
  added: { name: "added", plural: "added", sign: "+" },
};

// "mm:ss", rounded down; minutes go on above 59.
function minutesText(seconds) {
  const whole = Math.floor(seconds);
  const rest = Math.abs(whole);
  const text = `${String(Math.floor(rest / 60)).padStart(2, "0")}:${String(rest % 60).padStart(2, "0")}`;
  return whole < 0 ? `-${text}` : text;
}

// "mm:ss.cc"
function momentText(seconds) {
  const hundredths = Math.round(seconds * 100);
  const rest = String(hundredths % 100).padStart(2, "0");
  return `${minutesText(Math.floor(hundredths / 100))}.${rest}`;
}

// What was decided about an event.
function decisionText(event, labels) {
  const target = event.target;
  const parts = [];
  if (target.state === "deleted") parts.push("deleted");
  if (target.label !== target.label0) parts.push(`→ ${labels[target.label]}`);
  if (target.frame !== target.frame0) {
    const moved = target.frame - target.frame0;
    parts.push(`${moved > 0 ? "+" : "−"}${Math.abs(moved)} fr`);
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
