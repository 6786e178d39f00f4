// Choosing players: boxes drawn by mouse or by key. Each method is the act of a button or a key.

const LEAST_SIDE = 2; // of a box, in pixels of the source

class Choosing {
  constructor(app) {
    this.app = app;
    this.chosen = null; // place in the list
    this.draft = null; // a box that is being drawn or moved: {box, place, before}, of a new one without a place
    this.history = new Undoable([]);
  }

  // {name, frame, box} in order of the list.
  get rois() {
    return this.history.now;
  }

  get roi() {
    return this.rois[this.chosen] ?? null;
  }

  get size() {
    const [height, width] = this.app.data.size;
    return { width, height };
  }

  boxes(frame) {
    const found = this.rois.flatMap((roi, place) => {
      if (roi.frame !== frame || place === this.draft?.place) return [];
      const isChosen = place === this.chosen && !this.draft;
      return [{ key: place, number: place + 1, box: roi.box, caption: captionOf(roi, place), isChosen, hasHandles: isChosen }];
    });
    if (!this.draft) return found;
    const place = this.draft.place ?? this.rois.length;
    const caption = captionOf(this.rois[place], place);
    return [...found, { key: place, number: place + 1, box: this.draft.box, caption, isChosen: true, hasHandles: true }];
  }

  entries() {
    return this.rois.map((roi, place) => ({
      key: place,
      number: place + 1,
      name: captionOf(roi, place),
      about: `${momentText(this.app.frames.start(roi.frame))} · frame ${roi.frame}`,
      more: `${roi.box[2]} × ${roi.box[3]}`,
    }));
  }

  choose(place) {
    this.settle();
    this.chosen = place;
    this.app.refresh();
  }

  goTo(place) {
    this.choose(place);
    if (this.roi) this.app.player.step(this.roi.frame - this.app.player.frame);
  }

  step(way) {
    if (!this.rois.length) return;
    const next = this.chosen === null ? (way ? 0 : this.rois.length - 1) : this.chosen + (way ? 1 : -1);
    this.goTo(Math.min(Math.max(next, 0), this.rois.length - 1));
  }

  // A box at the center, of a player's shape, for the arrow keys.
  begin() {
    this.settle();
    const before = this.chosen;
    this.chosen = null;
    const { width, height } = this.size;
    const [w, h] = [Math.round(height * 0.15), Math.round(height * 0.35)];
    this.pause();
    this.draft = { box: [Math.round((width - w) / 2), Math.round((height - h) / 2), w, h], place: null, before };
    this.app.say("");
    this.app.refresh();
  }

  // Moves the box that the keys hold, or resizes it; false without one.
  nudge(across, down, resizes) {
    if (!this.draft) return false;
    const step = Math.max(Math.round(this.size.height / 200), 1);
    const [x, y, width, height] = this.draft.box;
    const [dx, dy] = [across * step, down * step];
    this.draft.box = resizes
      ? [x, y, Math.max(width + dx, LEAST_SIDE), Math.max(height + dy, LEAST_SIDE)]
      : [x + dx, y + dy, width, height];
    this.draft.box = within(this.draft.box, this.size);
    this.app.refresh();
    return true;
  }

  keepOrChange() {
    if (this.draft) return this.keep();
    if (!this.roi) return this.app.warn("No box is chosen: press B, or draw one.");
    this.goTo(this.chosen);
    this.draft = { box: this.roi.box, place: this.chosen };
    this.app.refresh();
  }

  keep() {
    const { box, place } = this.draft;
    this.draft = null;
    const kept = within(box.map(Math.round), this.size);
    const roi = { name: "", ...this.rois[place], frame: this.app.player.frame, box: kept };
    const rois = place === null ? [...this.rois, roi] : this.rois.with(place, roi);
    this.chosen = place ?? rois.length - 1;
    this.make(rois, `${captionOf(roi, this.chosen)} stands in frame ${roi.frame}.`);
  }

  drop() {
    if (this.draft) this.app.say("Dropped.");
    this.chosen ??= this.draft?.before ?? null;
    this.draft = null;
    this.app.refresh();
  }

  // A draft is kept before something else begins.
  settle() {
    if (this.draft) this.keep();
  }

  pause() {
    if (this.app.player.isPlaying) this.app.player.element.pause();
  }

  rename(name) {
    if (!this.roi || name === this.roi.name) return;
    this.make(this.rois.with(this.chosen, { ...this.roi, name }), name ? `Box ${this.chosen + 1} is ${name}.` : "The name is removed.");
  }

  remove() {
    this.draft = null;
    if (!this.roi) return this.app.warn("No box is chosen.");
    const words = `${captionOf(this.roi, this.chosen)} is deleted.`;
    const rois = this.rois.toSpliced(this.chosen, 1);
    this.chosen = rois.length ? Math.min(this.chosen, rois.length - 1) : null;
    this.make(rois, words);
  }

  make(rois, words) {
    this.history.push(rois);
    this.app.say(words);
    this.app.changed();
  }

  undo() {
    this.stepped(this.history.canUndo ? "Undone." : "Nothing to undo.", () => this.history.undo());
  }

  redo() {
    this.stepped(this.history.canRedo ? "Done again." : "Nothing to redo.", () => this.history.redo());
  }

  stepped(words, act) {
    this.draft = null;
    act();
    if (this.chosen >= this.rois.length) this.chosen = this.rois.length ? this.rois.length - 1 : null;
    this.app.say(words);
    this.app.changed();
  }

  get waiting() {
    if (this.draft) return "Arrows move the box, Shift with them resizes it. Enter keeps it, Esc drops it.";
    return this.rois.length ? "" : "Go to a frame and draw a box around a player, or press B; ? lists the keys.";
  }

  get summary() {
    const count = this.rois.length;
    return `${count} ${count === 1 ? "box" : "boxes"}`;
  }

  content() {
    const { file } = this.app.data;
    const rois = this.rois.map(({ name, frame, box }) => ({ name, seconds: this.app.frames.start(frame), frame, box }));
    return { format: "bvas-rois-1", video: file, rois };
  }

  load({ format, video, rois }) {
    const { file } = this.app.data;
    if (format !== "bvas-rois-1" || !Array.isArray(rois)) throw new Error("it holds no drawn boxes");
    if (video && video !== file) throw new Error(`it is of ${video}, not of ${file}`);
    const isBox = ({ box }) => box?.length === 4 && box.every(Number.isFinite) && box[2] > 0 && box[3] > 0;
    const wrong = rois.findIndex((roi) => !isBox(roi) || !(roi.seconds >= 0));
    if (wrong >= 0) throw new Error(`box ${wrong + 1} is not a box with a time`);
    const placed = rois.map(({ name, seconds, box }) => ({ name: name ?? "", frame: this.app.frames.at(seconds), box }));
    this.history.push(placed);
    this.chosen = null;
    return this.summary;
  }
}

function captionOf(roi, place) {
  return roi?.name || `box ${place + 1}`;
}

// A box moved, and if need be cut, so that it lies in the picture.
function within([x, y, width, height], size) {
  const [w, h] = [Math.min(width, size.width), Math.min(height, size.height)];
  return [Math.min(Math.max(x, 0), size.width - w), Math.min(Math.max(y, 0), size.height - h), w, h];
}
