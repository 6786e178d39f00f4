// Editing: what the reader does to points and ranges. Each method is the act of a button or a key.

class Editing {
  constructor(app, corrections) {
    Object.assign(this, { app, corrections });
    // On a label page: keys of labels begin and end ranges instead of marking points.
    this.marksRanges = app.data.labelling?.begins_with_ranges ?? false;
  }

  keep() {
    this.correct(({ state, origin }) => {
      if (state === "begun") return {};
      return { state: state === "kept" && origin !== "added" ? "open" : "kept" };
    });
  }

  remove() {
    this.correct(({ state, origin }) => {
      if (state === "begun") return { state: "absent" };
      return { state: state === "deleted" ? (origin === "added" ? "kept" : "open") : "deleted" };
    });
  }

  relabel(label) {
    this.correct((target) => ({ label, state: revived(target) }));
  }

  labelByNumber(number) {
    if (number < this.app.data.labels.length) this.relabel(number);
  }

  focusLabel() {
    byId("relabel").focus();
  }

  moveFrame(way) {
    const last = this.app.frames.count - 1;
    const edge = (target) => (this.app.isAtEnd ? target.last : target.frame);
    const moved = (target) => Math.min(Math.max(edge(target) + (way ? 1 : -1), 0), last);
    this.correct((target) => this.edgeAt(target, moved(target)));
    if (this.app.chosen) this.app.player.step(edge(this.app.chosen.target) - this.app.player.frame);
  }

  moveHere() {
    this.correct((target) => this.edgeAt(target, this.app.player.frame));
  }

  // What changes where a point, or the end of a range that is on screen, goes to a frame.
  edgeAt(target, frame) {
    const change = { state: revived(target) };
    if (!target.isRange) return { ...change, frame };
    if (target.state === "begun") return { frame, end: frame + 1 };
    const isInside = this.app.isAtEnd ? frame >= target.frame : frame < target.end;
    if (!isInside) return null;
    return this.app.isAtEnd ? { ...change, end: frame + 1 } : { ...change, frame };
  }

  correct(change) {
    if (!this.app.chosen) return this.app.warn("Choose an event first.");
    const { target } = this.app.chosen;
    const changed = change(target);
    if (changed === null) return this.app.warn("A range cannot end before it starts: E goes to its other end.");
    const { inTheWay } = this.corrections.change([target], () => changed);
    if (inTheWay.length) return this.app.warnOf(inTheWay[0]);
    this.app.say(describe(this.app.chosen ?? target, this.app.data));
  }

  add() {
    const [event, other] = this.corrections.add(this.app.video, { frame: this.app.player.frame, label: this.addLabel });
    if (other) return this.app.warnOf(other);
    if (event.shownKind) this.app.select(event);
  }

  get addLabel() {
    return Number(byId("add-label").value);
  }

  // The key or button of a label on a label page.
  mark(label) {
    if (label >= this.app.data.labels.length) return;
    byId("add-label").value = String(label);
    this.app.filter.labels.add(label);
    if (!this.marksRanges) this.add();
    else if (this.begun.some((event) => event.label === label)) this.end(label);
    else this.begin(label);
  }

  toggleRanges() {
    this.marksRanges = !this.marksRanges;
    this.app.view.showMarks();
  }

  // The ranges without an end in this video, the last one last.
  get begun() {
    return this.app.video?.added.filter((event) => event.state === "begun") ?? [];
  }

  beginOrEnd(way) {
    if (way) this.end();
    else this.begin(this.addLabel);
  }

  begin(label) {
    const { frame } = this.app.player;
    const isAround = (one) => one.counts && one.isRange && one.label === label && one.frame <= frame && frame < one.end;
    const around = this.app.video.events.find(isAround);
    if (around) return this.app.warnOf(around);
    const again = this.begun.find((event) => event.label === label);
    if (again) this.corrections.change([again], () => ({ frame, end: frame + 1 }));
    else this.corrections.add(this.app.video, { frame, end: frame + 1, label, state: "begun" });
    this.app.say(`${this.app.data.labels[label]} begins at frame ${frame}.`);
  }

  // Ends a range at the frame on screen, which belongs to it: the last that was begun, or that of a label.
  end(label = null) {
    const event = this.begun.filter((one) => label === null || one.label === label).at(-1);
    if (!event) return this.app.warn("No range is begun here: press I at its first frame.");
    const [first, last] = [event.frame, this.app.player.frame].sort((a, b) => a - b);
    const ended = () => ({ frame: first, end: last + 1, state: "kept" });
    const { inTheWay } = this.corrections.change([event], ended);
    if (inTheWay.length) return this.app.warnOf(inTheWay[0]);
    if (event.shownKind) this.app.select(event, last === this.app.player.frame);
  }

  drop() {
    const event = this.begun.at(-1);
    if (event) this.corrections.change([event], () => ({ state: "absent" }));
    this.app.say(event ? "The begun range is dropped." : "No range is begun.");
  }

  keepAll() {
    const open = this.app.list.shown.filter((event) => event.target.state === "open");
    const { count, inTheWay } = this.corrections.change(open, () => ({ state: "kept" }));
    if (inTheWay.length) this.app.warn(`${count} kept; ${inTheWay.length} not, which overlap kept ones.`);
    else this.app.say(`${count} kept.`);
  }

  undo() {
    this.showStep(this.corrections.undo(), "undone");
  }

  redo() {
    this.showStep(this.corrections.redo(), "done again");
  }

  // Goes where a step was, so that the reader sees what it did.
  showStep(targets, what) {
    if (!targets.length) return this.app.say(what === "undone" ? "Nothing to undo." : "Nothing to redo.");
    const { video } = targets[0];
    if (video !== this.app.video) this.app.open(this.app.videos.indexOf(video));
    const shown = this.app.list.shown.find((event) => event.target === targets[0]);
    if (shown) this.app.choose(shown);
    this.app.say(`${targets.length === 1 ? "1 correction" : `${targets.length} corrections`} ${what}.`);
  }
}

// State of an event after an edit: a deleted one is restored, a spot is kept.
function revived(target) {
  return target.origin === "spot" || target.state === "deleted" ? "kept" : target.state;
}
