// The page: parts made from the data, and what each does to the others.

class App {
  constructor(data, videos) {
    Object.assign(this, { data, videos });
    this.page = data.labelling ? "label" : "report";
    this.isAnnotated = videos.length > 0 && videos.every((video) => video.isAnnotated);
    this.kinds = this.page === "label" ? ["mark"] : this.isAnnotated ? ["hit", "miss", "alarm", "annotation"] : ["spot"];
    this.filter = new Filter(data.labels.length, data.confidence, this.kinds);
    if (data.begins_with_suspects) Object.assign(this.filter, { suspectsOnly: true, order: "suspicion" });
    if (data.found === "intervals") Object.assign(KINDS.spot, { name: "interval", plural: "intervals" });
    this.corrections = new Corrections(data, videos);
    this.shelf = new Shelf(data);
    this.saver = new Saver();
    this.palette = new Palette(() => this.timeline.redraw());
    this.player = new Player(byId("video"));
    this.timeline = new Timeline(byId("timeline"), this.palette);
    this.list = new EventList(byId("list"), data);
    this.chosen = null;
    this.isAtEnd = false; // of a chosen range: its end is on screen, not its start
    this.marksRanges = data.labelling?.begins_with_ranges ?? false;
    this.isUnsaved = false;
    this.view = new View(this);
    this.view.fillPage();
    this.makeChips();
    this.connect();
    const kept = this.shelf.read();
    if (kept) {
      try {
        this.say(`From your last visit: ${this.corrections.load(kept)}.`);
      } catch {
        // Of another version of this page.
      }
      // Of videos that this page does not show; a label page is made again for others.
      this.others = (kept.videos ?? []).filter((entry) => !videos.some((video) => isAbout(entry, video)));
      this.corrections.done = [];
    }
    this.corrections.changed = () => this.correctionsChanged();
    if (videos.length) this.open(0);
    this.view.showCorrections();
  }

  get ofAll() {
    return this.videos.length > 1 ? `, of ${this.videos.length} videos` : "";
  }

  get frames() {
    return this.video.frames;
  }

  makeChips() {
    this.chips = { kinds: [], labels: [] };
    for (const kind of [...this.kinds, "added"]) this.chips.kinds.push(this.chip(byId("kinds"), kind, this.filter.kinds));
    const all = byId("labels").appendChild(element("button", "All"));
    all.className = "chip";
    all.title = "All labels, or none";
    all.hidden = this.data.labels.length < 3;
    all.addEventListener("click", () => {
      const { labels } = this.filter;
      if (labels.size === this.data.labels.length) labels.clear();
      else this.data.labels.forEach((_, label) => labels.add(label));
      this.refilter();
    });
    this.data.labels.forEach((_, label) => this.chips.labels.push(this.chip(byId("labels"), label, this.filter.labels)));
  }

  // A button that shows or hides a kind or a label.
  chip(root, value, chosen) {
    const chip = root.appendChild(element("button"));
    chip.append(element("span", typeof value === "number" ? this.data.labels[value] : KINDS[value].plural), element("b"));
    chip.value = value;
    chip.className = typeof value === "number" ? "chip" : `chip ${value}`;
    chip.addEventListener("click", () => {
      if (chosen.has(value)) chosen.delete(value);
      else chosen.add(value);
      this.refilter();
    });
    return { chip, value, chosen };
  }

  connect() {
    const { player, timeline, list } = this;
    const act = {
      previous: () => this.stepEvent(0),
      next: () => this.stepEvent(1),
      back: () => this.stepFrame(0),
      forward: () => this.stepFrame(1),
      play: () => this.togglePlay(),
      mute: () => this.toggleMute(),
      "help-button": () => this.help(),
      narrower: () => this.zoom(1),
      wider: () => this.zoom(0),
      keep: () => this.keep(),
      delete: () => this.remove(),
      earlier: () => this.moveFrame(0),
      later: () => this.moveFrame(1),
      here: () => this.moveHere(),
      "other-end": () => this.goToOtherEnd(),
      add: () => this.add(),
      begin: () => this.beginOrEnd(0),
      end: () => this.beginOrEnd(1),
      drop: () => this.drop(),
      "mark-ranges": () => this.toggleRanges(),
      "save-soccernet": () => this.saveSoccerNet(),
      undo: () => this.undo(),
      redo: () => this.redo(),
      "keep-all": () => this.keepAll(),
      save: () => this.save(),
      load: () => byId("file").click(),
    };
    for (const [id, does] of Object.entries(act)) byId(id).addEventListener("click", does);
    byId("video-choice").addEventListener("change", (change) => this.open(change.target.selectedIndex));
    byId("speed").addEventListener("change", (change) => (player.element.playbackRate = Number(change.target.value)));
    byId("relabel").addEventListener("change", (change) => this.relabel(Number(change.target.value)));
    byId("file").addEventListener("change", (change) => this.load(change.target));
    byId("confidence").addEventListener("input", (change) => {
      this.filter.confidence = Number(change.target.value);
      this.refilter();
    });
    byId("order").addEventListener("change", (change) => {
      this.filter.order = change.target.value;
      this.refilter();
    });
    byId("empty").addEventListener("change", (change) => {
      this.video.isEmpty = change.target.checked;
      this.correctionsChanged();
    });
    byId("undecided").addEventListener("change", (change) => {
      this.filter.undecidedOnly = change.target.checked;
      this.refilter();
    });
    byId("suspects").addEventListener("change", (change) => {
      this.filter.suspectsOnly = change.target.checked;
      this.filter.order = change.target.checked ? "suspicion" : "time";
      this.refilter();
    });
    player.moved = () => this.view.showPosition();
    player.stateChanged = () => this.view.showPlaying();
    player.failed = () => this.view.showNoVideo(`${this.video.json.href} cannot be played. It belongs beside this page.`);
    timeline.sought = (seconds) => player.goTo(this.frames.at(seconds));
    timeline.chose = list.chose = (event) => this.choose(event);
    window.addEventListener("pagehide", () => this.shelf.flush());
    window.addEventListener("beforeunload", (leave) => {
      this.shelf.flush();
      // What the browser keeps is not lost.
      if (this.isUnsaved && !this.shelf.read()) leave.preventDefault();
    });
    listenToKeys(this);
  }

  // ---- moving about ----

  open(number) {
    this.video = this.videos[number];
    byId("video-choice").selectedIndex = number;
    byId("detail").setAttribute("aria-valuemax", this.frames.count - 1);
    this.chosen = null;
    this.timeline.open(this.video, this.data.labels);
    const { href } = this.video.json;
    this.view.showNoVideo(href === null ? "This page has no video." : null);
    this.player.open(href, this.frames, 0);
    this.refilter();
    this.view.showCorrections();
  }

  // Makes an event the chosen one and shows its frame, of a range its first, or its last with `isAtEnd`.
  choose(event, isAtEnd = false) {
    if (event.video !== this.video) this.open(this.videos.indexOf(event.video));
    if (this.player.isPlaying) this.player.element.pause();
    this.player.goTo(isAtEnd ? event.target.last : event.place);
    this.select(event, isAtEnd);
  }

  // Makes an event the chosen one; the picture stays.
  select(event, isAtEnd = false) {
    [this.chosen, this.isAtEnd] = [event, isAtEnd];
    this.list.setChosen(event);
    this.timeline.setChosen(event, isAtEnd);
    this.view.showChosen();
    this.say(describe(event, this.data));
  }

  goToOtherEnd() {
    if (!this.chosen?.isRange) return this.warn("Choose a range first: ↓ goes to the next one.");
    this.choose(this.chosen, !this.isAtEnd);
  }

  togglePlay() {
    this.player.toggle();
  }

  stepFrame(way) {
    this.player.step(way ? 1 : -1);
  }

  stepSecond(way) {
    const seconds = this.frames.start(this.player.frame) + (way ? 1 : -1);
    this.player.step(this.frames.at(seconds) - this.player.frame);
  }

  stepVideo(way) {
    const next = this.videos.indexOf(this.video) + (way ? 1 : -1);
    if (next >= 0 && next < this.videos.length) this.open(next);
  }

  goToEdge(way) {
    this.player.goTo(way ? this.frames.count - 1 : 0);
  }

  // The event after or before the chosen one; without one, after or before the frame on screen.
  stepEvent(way) {
    const { shown } = this.list;
    if (!shown.length) return;
    const place = shown.indexOf(this.chosen);
    let next = place + (way ? 1 : -1);
    if (place < 0 && this.filter.order !== "time") next = 0;
    else if (place < 0) {
      const after = shown.findIndex((event) => event.place > this.player.frame);
      if (way) next = after < 0 ? shown.length - 1 : after;
      else next = (after < 0 ? shown.length : after) - 1;
    }
    this.choose(shown[Math.min(Math.max(next, 0), shown.length - 1)]);
  }

  zoom(way) {
    this.timeline.zoom(way ? 0.5 : 2);
  }

  toggleMute() {
    this.player.element.muted = !this.player.element.muted;
  }

  help() {
    byId("help").showModal();
  }

  // ---- correcting ----

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
    if (number < this.data.labels.length) this.relabel(number);
  }

  focusLabel() {
    byId("relabel").focus();
  }

  moveFrame(way) {
    const last = this.frames.count - 1;
    const edge = (target) => (this.isAtEnd ? target.last : target.frame);
    const moved = (target) => Math.min(Math.max(edge(target) + (way ? 1 : -1), 0), last);
    this.correct((target) => this.edgeAt(target, moved(target)));
    if (this.chosen) this.player.step(edge(this.chosen.target) - this.player.frame);
  }

  moveHere() {
    this.correct((target) => this.edgeAt(target, this.player.frame));
  }

  // What changes where a point, or the end of a range that is on screen, goes to a frame.
  edgeAt(target, frame) {
    const change = { state: revived(target) };
    if (!target.isRange) return { ...change, frame };
    if (target.state === "begun") return { frame, end: frame + 1 };
    const isInside = this.isAtEnd ? frame >= target.frame : frame < target.end;
    if (!isInside) return null;
    return this.isAtEnd ? { ...change, end: frame + 1 } : { ...change, frame };
  }

  correct(change) {
    if (!this.chosen) return this.warn("Choose an event first.");
    const { target } = this.chosen;
    const changed = change(target);
    if (changed === null) return this.warn("A range cannot end before it starts: E goes to its other end.");
    const { inTheWay } = this.corrections.change([target], () => changed);
    if (inTheWay.length) return this.warnOf(inTheWay[0]);
    this.say(describe(this.chosen ?? target, this.data));
  }

  add() {
    const [event, other] = this.corrections.add(this.video, { frame: this.player.frame, label: this.addLabel });
    if (other) return this.warnOf(other);
    if (event.shownKind) this.select(event);
  }

  get addLabel() {
    return Number(byId("add-label").value);
  }

  // The key or button of a label on a label page.
  mark(label) {
    if (label >= this.data.labels.length) return;
    byId("add-label").value = String(label);
    if (!this.marksRanges) this.add();
    else if (this.begun.some((event) => event.label === label)) this.end(label);
    else this.begin(label);
  }

  toggleRanges() {
    this.marksRanges = !this.marksRanges;
    this.view.showMarks();
  }

  // The ranges without an end in this video, the last one last.
  get begun() {
    return this.video?.added.filter((event) => event.state === "begun") ?? [];
  }

  beginOrEnd(way) {
    if (way) this.end();
    else this.begin(this.addLabel);
  }

  begin(label) {
    const { frame } = this.player;
    const again = this.begun.find((event) => event.label === label);
    if (again) this.corrections.change([again], () => ({ frame, end: frame + 1 }));
    else this.corrections.add(this.video, { frame, end: frame + 1, label, state: "begun" });
    this.say(`${this.data.labels[label]} begins at frame ${frame}.`);
  }

  // Ends a range at the frame on screen, which belongs to it: the last that was begun, or that of a label.
  end(label = null) {
    const event = this.begun.filter((one) => label === null || one.label === label).at(-1);
    if (!event) return this.warn("No range is begun here: press I at its first frame.");
    const [first, last] = [event.frame, this.player.frame].sort((a, b) => a - b);
    const ended = () => ({ frame: first, end: last + 1, state: "kept" });
    const { inTheWay } = this.corrections.change([event], ended);
    if (inTheWay.length) return this.warnOf(inTheWay[0]);
    if (event.shownKind) this.select(event, last === this.player.frame);
  }

  drop() {
    const event = this.begun.at(-1);
    if (event) this.corrections.change([event], () => ({ state: "absent" }));
    this.say(event ? "The begun range is dropped." : "No range is begun.");
  }

  keepAll() {
    const open = this.list.shown.filter((event) => event.target.state === "open");
    const { count, inTheWay } = this.corrections.change(open, () => ({ state: "kept" }));
    if (inTheWay.length) this.warn(`${count} kept; ${inTheWay.length} not, which overlap kept ones.`);
    else this.say(`${count} kept.`);
  }

  undo() {
    this.showStep(this.corrections.undo(), "undone");
  }

  redo() {
    this.showStep(this.corrections.redo(), "done again");
  }

  // Goes where a step was, so that the reader sees what it did.
  showStep(targets, what) {
    if (!targets.length) return this.say(what === "undone" ? "Nothing to undo." : "Nothing to redo.");
    const { video } = targets[0];
    if (video !== this.video) this.open(this.videos.indexOf(video));
    const shown = this.list.shown.find((event) => event.target === targets[0]);
    if (shown) this.choose(shown);
    this.say(`${targets.length === 1 ? "1 correction" : `${targets.length} corrections`} ${what}.`);
  }

  async save() {
    const { corrections, data, videos } = this;
    const isLabels = this.page === "label";
    const content = isLabels ? datasetOf(data, videos) : corrections.toJson();
    const name = await this.saveFile(isLabels ? data.labelling.file : "corrections.json", content);
    if (name === null) return;
    this.isUnsaved = false;
    if (!isLabels) return;
    corrections.markSaved();
    this.keepOnShelf();
  }

  saveSoccerNet() {
    const { labels } = this.data;
    return this.saveFile("Labels-ball.json", soccerNetOf(this.video, labels));
  }

  async saveFile(name, content) {
    const saved = await this.saver.save(name, `${JSON.stringify(content, null, 1)}\n`);
    if (saved !== null) this.say(`Saved as ${saved}.`);
    return saved;
  }

  async load(input) {
    try {
      let content = JSON.parse(await input.files[0].text());
      if (this.page === "label") content = correctionsOf(content, this.data, this.videos);
      this.say(`${this.corrections.load(content)}.`);
    } catch (error) {
      this.warn(`Not loaded: ${error.message}.`);
    }
    input.value = "";
  }

  keepOnShelf() {
    this.shelf.write(() => {
      const content = this.corrections.toJson();
      return JSON.stringify({ ...content, videos: [...content.videos, ...(this.others ?? [])] });
    });
  }

  correctionsChanged() {
    this.isUnsaved = true;
    this.keepOnShelf();
    this.refilter();
    this.view.showCorrections();
  }

  // ---- showing ----

  // Filters anew; what depends on it is drawn before the next picture.
  refilter() {
    const { data, filter, video } = this;
    const videos = filter.suspectsOnly ? this.videos : [video];
    const { listed, marked, byKind, byLabel } = filter.apply(videos, data.labels.length);
    for (const [chips, counts] of [[this.chips.kinds, byKind], [this.chips.labels, byLabel]]) {
      for (const { chip, value, chosen } of chips) {
        chip.setAttribute("aria-pressed", chosen.has(value));
        chip.lastChild.textContent = counts[value];
      }
    }
    this.chips.kinds.at(-1).chip.hidden = !video.added.some((event) => event.state !== "absent");
    byId("confidence-text").textContent = filter.confidence.toFixed(2);
    byId("order").value = filter.order;
    byId("suspects").checked = filter.suspectsOnly;
    const all = videos.flatMap(({ events }) => events.filter((event) => event.origin !== "annotation" || !event.partner));
    const possible = filter.suspectsOnly ? all.filter((event) => event.suspect) : all;
    byId("count").textContent = `${listed.length} of ${possible.length} shown${filter.suspectsOnly ? this.ofAll : ""}`;
    if (this.chosen && !this.chosen.shownKind) this.chosen = null;
    this.list.setEvents(listed, filter.suspectsOnly);
    this.list.chosen = this.chosen;
    const here = marked.filter((event) => event.video === video);
    this.timeline.setEvents(here, [...filter.labels].sort((a, b) => a - b), filter.confidence);
    this.timeline.setChosen(this.chosen, this.isAtEnd);
    this.view.showChosen();
    if (this.page === "report") this.showFiguresSoon();
  }

  // At once, but while a hand moves the slider only when it rests for a moment.
  showFiguresSoon() {
    clearTimeout(this.figuresTimer);
    const now = performance.now();
    const wait = now - (this.refiltered ?? -1000) > 250 ? 0 : 150;
    this.refiltered = now;
    this.figuresTimer = setTimeout(() => this.view.showFigures(), wait);
  }

  say(text) {
    byId("said").textContent = text;
    byId("warning").textContent = "";
  }

  // What everybody must see: why something was not done.
  warn(text) {
    byId("said").textContent = "";
    byId("warning").textContent = text;
  }

  warnOf(event) {
    const what = `${this.data.labels[event.label]} stands at ${framesText(event)} already`;
    this.warn(`Not done: ${what}${event.isRange ? ", and ranges of one label do not overlap" : ""}.`);
  }
}

// What is changed is no longer deleted, and a spot that is changed is one that is kept.
function revived(target) {
  return target.origin === "spot" || target.state === "deleted" ? "kept" : target.state;
}

async function start() {
  const data = JSON.parse(byId("data").textContent);
  const videos = await Promise.all(data.videos.map((video) => Video.from(video)));
  document.body.dataset.ready = "yes";
  return new App(data, videos);
}

start().catch((error) => {
  byId("about").textContent = `This page does not work in this browser: ${error.message}`;
  throw error;
});
