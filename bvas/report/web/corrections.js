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

  // Changes the targets of several events in one step: `change` takes a target and returns the new label, frame, state.
  change(events, change) {
    const step = [];
    for (const target of new Set(events.map((event) => event.target))) {
      const before = { label: target.label, frame: target.frame, state: target.state };
      const after = { ...before, ...change(target) };
      if (Object.keys(before).some((key) => before[key] !== after[key])) step.push({ target, before, after });
    }
    if (step.length) this.take(step);
    return step.length;
  }

  add(video, frame, label) {
    const target = new Event({ origin: "added", video, frame, label, state: "absent" });
    video.added.push(target);
    this.take([{ target, before: { label, frame, state: "absent" }, after: { label, frame, state: "kept" } }]);
    return target;
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
      else if (event.frame !== event.frame0) counts.moved++;
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
    const known = video.events.filter((event) => event.state !== "absent" && (event.origin !== "added" || event.counts));
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
    };
  }

  entry(event, video) {
    const { labels } = this.data;
    const entry = {
      frame: event.frame,
      seconds: Math.round(video.frames.start(event.frame) * 1000) / 1000,
      label: labels[event.label],
      origin: event.origin,
    };
    if (event.team) entry.team = event.team;
    if (!event.visible) entry.visible = false;
    if (event.confidence !== null) entry.confidence = event.confidence;
    if (event.isChanged && event.origin !== "added") entry.was = { frame: event.frame0, label: labels[event.label0] };
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
      if (event.origin !== "added") known.set(`${event.origin} ${event.frame0} ${event.label0}`, event);
      else if (event.state !== "absent") step.push(stepOf(event, { state: "absent" }));
    }
    const seen = new Set();
    let unknown = 0;
    for (const [list, isDeleted] of [[entry.annotations ?? [], false], [entry.deleted ?? [], true]]) {
      for (const item of list) {
        const label = this.data.labels.indexOf(item.label);
        const was = item.was ?? item;
        const event = known.get(`${item.origin} ${was.frame} ${this.data.labels.indexOf(was.label)}`);
        // A spot that an annotation answers by now, or a correction that was taken over into the annotations.
        if (event && event.target !== event) {
          seen.add(event);
          continue;
        }
        if (!event && known.has(`annotation ${item.frame} ${label}`)) continue;
        if (label < 0 || !Number.isInteger(item.frame) || item.frame < 0 || item.frame >= video.frames.count) continue;
        if (event) {
          seen.add(event);
          const isKept = event.origin === "spot" || item.confirmed === true;
          const state = isDeleted ? "deleted" : isKept ? "kept" : "open";
          step.push(stepOf(event, { label, frame: item.frame, state }));
        } else if (!isDeleted) {
          const target = new Event({ origin: "added", video, frame: item.frame, label, state: "absent" });
          video.added.push(target);
          step.push(stepOf(target, { state: "kept" }));
          if (item.origin !== "added") unknown++;
        }
      }
    }
    for (const event of known.values()) {
      if (seen.has(event)) continue;
      step.push(stepOf(event, { label: event.label0, frame: event.frame0, state: "open" }));
    }
    for (let i = step.length - 1; i >= 0; i--) {
      const { before, after } = step[i];
      if (Object.keys(before).every((key) => before[key] === after[key])) step.splice(i, 1);
    }
    return unknown;
  }
}

function stepOf(target, change) {
  const before = { label: target.label, frame: target.frame, state: target.state };
  return { target, before, after: { ...before, ...change } };
}

function isAbout(entry, video) {
  const { match, part, file } = video.json;
  return entry.match === match && entry.part === part && entry.file === file && entry.num_frames === video.frames.count;
}
