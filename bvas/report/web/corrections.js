// Corrections: done and undone one step at a time, written as corrections.json and read back.

const FORMAT = "bvas-corrections-1";

class Corrections {
  constructor(data, videos) {
    this.data = data;
    this.videos = videos;
    this.done = [];
    this.undone = [];
    this.changed = () => {};
  }

  // Changes the targets of several events in one step: `change` takes a target and returns what is new of it.
  // Returns how many were changed, and for each that was refused the annotation in its way.
  change(events, change) {
    const plan = new Map();
    const inTheWay = [];
    for (const target of new Set(events.map((event) => event.target))) {
      const entry = stepOf(target, change(target));
      if (!isChange(entry)) continue;
      const other = clash(entry, plan);
      if (other) inTheWay.push(other);
      else plan.set(target, entry);
    }
    if (plan.size) this.take([...plan.values()]);
    return { count: plan.size, inTheWay };
  }

  // Adds a point or, with `end`, a range. Returns the event, or null and the annotation in its way.
  add(video, { frame, end = null, label, state = "kept" }) {
    const event = new Event({ origin: "added", video, frame, end, label, state: "absent" });
    const entry = stepOf(event, { state });
    const other = clash(entry);
    if (other) return [null, other];
    video.added.push(event);
    this.take([entry]);
    return [event, null];
  }

  take(step) {
    for (const { target, after } of step) Object.assign(target, after);
    this.done.push(step);
    this.undone = [];
    this.changed();
  }

  // Takes the last step back and returns the events that it was about; none if there is none.
  undo() {
    const step = this.done.pop();
    if (!step) return [];
    for (const { target, before } of step) Object.assign(target, before);
    this.undone.push(step);
    this.changed();
    return step.map(({ target }) => target);
  }

  redo() {
    const step = this.undone.pop();
    if (!step) return [];
    for (const { target, after } of step) Object.assign(target, after);
    this.done.push(step);
    this.changed();
    return step.map(({ target }) => target);
  }

  counts() {
    const counts = { kept: 0, deleted: 0, relabelled: 0, moved: 0, added: 0 };
    for (const event of this.videos.flatMap((video) => video.events)) {
      if (event.state === "absent") continue;
      if (event.origin === "added") {
        if (event.state !== "deleted") counts.added++;
        continue;
      }
      if (event.state === "deleted") counts.deleted++;
      else if (event.label !== event.label0) counts.relabelled++;
      else if (event.isChanged) counts.moved++;
      else if (event.state === "kept") counts.kept++;
    }
    return counts;
  }

  toJson() {
    const { title, experiment, labels } = this.data;
    return { format: FORMAT, title, experiment, labels, videos: this.videos.map((video) => this.videoJson(video)) };
  }

  videoJson(video) {
    const { match, part, file, path } = video.json;
    const isKnown = (event) => event.origin !== "added" || event.counts || event.saved !== null;
    const known = video.events.filter((event) => event.state !== "absent" && isKnown(event));
    const begun = video.added.filter((event) => event.state === "begun");
    const annotations = known.filter((event) => event.counts).sort(byTime);
    const deleted = known.filter((event) => event.state === "deleted").sort(byTime);
    return {
      match,
      part,
      file,
      path,
      num_frames: video.frames.count,
      reviewed: video.isAnnotated || known.some((event) => event.isDecided),
      annotations: annotations.map((event) => this.entry(event, video)),
      deleted: deleted.map((event) => this.entry(event, video)),
      // Not to be lost with the page; no annotations yet.
      ...(begun.length ? { begun: begun.map((event) => this.entry(event, video)) } : {}),
      ...(video.isEmpty ? { empty: true } : {}),
    };
  }

  entry(event, video) {
    const { labels } = this.data;
    const entry = {
      ...spanOf(event),
      seconds: Math.round(video.frames.start(event.frame) * 1000) / 1000,
      label: labels[event.label],
      origin: event.origin,
    };
    if (event.team) entry.team = event.team;
    if (!event.visible) entry.visible = false;
    if (event.confidence !== null) entry.confidence = event.confidence;
    if (event.isChanged && event.origin !== "added") {
      entry.was = { ...spanOf({ frame: event.frame0, end: event.end0 }), label: labels[event.label0] };
    }
    if (event.saved) entry.saved = { ...spanOf(event.saved), label: labels[event.saved.label] };
    if (event.origin === "annotation" && event.state === "kept") entry.confirmed = true;
    return entry;
  }

  // Puts back what a corrections.json of these videos says, as one step; returns a sentence on what came of it.
  // Throws an Error for a file that is none, or that is about other videos.
  load(content) {
    if (content === null || typeof content !== "object" || content.format !== FORMAT) {
      throw new Error(`this is no corrections.json of the format ${FORMAT}`);
    }
    const step = [];
    let known = 0;
    let added = 0;
    for (const entry of content.videos ?? []) {
      const video = this.videos.find((video) => isAbout(entry, video));
      if (!video) continue;
      known++;
      added += this.loadVideo(video, entry, step);
    }
    if (!known) throw new Error("these corrections are about other videos than this page");
    if (step.length) this.take(step);
    const others = (content.videos ?? []).length - known;
    return (
      `${step.length} corrections loaded` +
      (added ? `, ${added} of them about spots that this page does not have` : "") +
      (others ? `; ${others} other videos left out` : "")
    );
  }

  loadVideo(video, entry, step) {
    const known = new Map();
    for (const event of video.events) {
      if (event.origin !== "added") known.set(keyOf(event.origin, event.frame0, event.end0, event.label0), event);
      else if (event.state !== "absent") step.push(stepOf(event, { state: "absent" }));
    }
    const { labels } = this.data;
    const placeOf = (span) => [span.from_frame ?? span.frame, span.to_frame ?? null, labels.indexOf(span.label)];
    const find = (origin, span) => known.get(keyOf(origin, ...placeOf(span)));
    const seen = new Set();
    let unknown = 0;
    for (const [list, isDeleted] of [[entry.annotations ?? [], false], [entry.deleted ?? [], true]]) {
      for (const item of list) {
        const [frame, end, label] = placeOf(item);
        const event = find(item.origin, item.was ?? item) ?? (item.saved && find("annotation", item.saved));
        // A spot that an annotation answers by now, or a correction that was taken over into the annotations.
        if (event && event.target !== event) {
          seen.add(event);
          continue;
        }
        if (!event && known.has(keyOf("annotation", frame, end, label))) continue;
        if (label < 0 || !isSpan(frame, end, video.frames.count)) continue;
        if (event) {
          seen.add(event);
          const isKept = event.origin === "spot" || item.confirmed === true;
          const state = isDeleted ? "deleted" : isKept ? "kept" : "open";
          step.push(stepOf(event, { label, frame, end, state }));
          this.noteSaved(event, item);
        } else if (!isDeleted) {
          step.push(this.added(video, frame, end, label, "kept"));
          this.noteSaved(step.at(-1).target, item);
          if (item.origin !== "added") unknown++;
        }
      }
    }
    for (const item of entry.begun ?? []) {
      const [frame, end, label] = placeOf(item);
      if (label >= 0 && isSpan(frame, end, video.frames.count)) step.push(this.added(video, frame, end, label, "begun"));
    }
    if (entry.empty) video.isEmpty = true;
    for (const event of known.values()) {
      if (seen.has(event)) continue;
      step.push(stepOf(event, { label: event.label0, frame: event.frame0, end: event.end0, state: "open" }));
    }
    // Annotations that have changed since may be in the way of some.
    const plan = new Map(step.map((one) => [one.target, one]));
    for (let i = step.length - 1; i >= 0; i--) {
      if (isChange(step[i]) && !clash(step[i], plan)) continue;
      plan.delete(step[i].target);
      step.splice(i, 1);
    }
    return unknown;
  }

  added(video, frame, end, label, state) {
    const event = new Event({ origin: "added", video, frame, end, label, state: "absent" });
    video.added.push(event);
    return stepOf(event, { state });
  }

  noteSaved(event, { saved }) {
    if (!saved) return;
    const [frame, end] = [saved.from_frame ?? saved.frame, saved.to_frame ?? null];
    event.saved = { frame, end, label: this.data.labels.indexOf(saved.label) };
  }

  // Notes that a file holds what counts now.
  markSaved() {
    for (const event of this.videos.flatMap((video) => video.events)) {
      const { frame, end, label } = event;
      event.saved = event.counts ? { frame, end, label } : null;
    }
  }
}

function stepOf(target, change) {
  const before = Object.fromEntries(DECIDED.map((key) => [key, target[key]]));
  return { target, before, after: { ...before, ...change } };
}

function isChange({ before, after }) {
  return DECIDED.some((key) => before[key] !== after[key]);
}

// The annotation in the way of a change: a range of its label that overlaps, or a point of its label at its frame.
// `plan` has other changes of the same step. What stands there already is in nobody's way.
function clash({ target, before, after }, plan = new Map()) {
  if (!isCounted(target.origin, after.state)) return null;
  const stays = DECIDED.every((key) => key === "state" || before[key] === after[key]);
  if (stays && isCounted(target.origin, before.state)) return null;
  const isInTheWay = (other) => {
    const its = plan.get(other)?.after ?? other;
    if (other === target || its.label !== after.label || (its.end === null) !== (after.end === null)) return false;
    if (!isCounted(other.origin, its.state)) return false;
    return after.end === null ? its.frame === after.frame : its.frame < after.end && after.frame < its.end;
  };
  return target.video.events.find(isInTheWay) ?? null;
}

// The frames of a point or range, as files name them.
function spanOf({ frame, end }) {
  return end === null ? { frame } : { from_frame: frame, to_frame: end };
}

function isSpan(frame, end, count) {
  if (!Number.isInteger(frame) || frame < 0 || frame >= count) return false;
  return end === null || (Number.isInteger(end) && frame < end && end <= count);
}

function keyOf(origin, frame, end, label) {
  return `${origin} ${frame} ${end} ${label}`;
}

function isAbout(entry, video) {
  const { match, part, file } = video.json;
  return entry.match === match && entry.part === part && entry.file === file && entry.num_frames === video.frames.count;
}
