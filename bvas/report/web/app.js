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
    this.editing = new Editing(this, this.corrections);
    this.files = new Files(this, this.corrections);
    this.palette = new Palette(() => this.timeline.redraw());
    this.player = new Player(byId("video"));
    this.timeline = new Timeline(byId("timeline"), this.palette);
    this.list = new EventList(byId("list"), data);
    this.chosen = null;
    this.isAtEnd = false; // of a chosen range: its end is on screen, not its start
    this.view = new View(this);
    this.view.fillPage();
    this.makeChips();
    this.connect();
    this.files.restore();
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
    const { player, timeline, list, editing, files } = this;
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
      keep: () => editing.keep(),
      delete: () => editing.remove(),
      earlier: () => editing.moveFrame(0),
      later: () => editing.moveFrame(1),
      here: () => editing.moveHere(),
      "other-end": () => this.goToOtherEnd(),
      add: () => editing.add(),
      begin: () => editing.beginOrEnd(0),
      end: () => editing.beginOrEnd(1),
      drop: () => editing.drop(),
      "mark-ranges": () => editing.toggleRanges(),
      "save-soccernet": () => files.saveSoccerNet(),
      undo: () => editing.undo(),
      redo: () => editing.redo(),
      "keep-all": () => editing.keepAll(),
      save: () => files.save(),
      load: () => byId("file").click(),
    };
    for (const [id, does] of Object.entries(act)) byId(id).addEventListener("click", does);
    byId("video-choice").addEventListener("change", (change) => this.open(change.target.selectedIndex));
    byId("speed").addEventListener("change", (change) => (player.element.playbackRate = Number(change.target.value)));
    byId("relabel").addEventListener("change", (change) => editing.relabel(Number(change.target.value)));
    byId("file").addEventListener("change", (change) => files.load(change.target));
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
    window.addEventListener("pagehide", () => files.shelf.flush());
    window.addEventListener("beforeunload", (leave) => files.leave() && leave.preventDefault());
    listenToKeys(this, keysOf(this.page));
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

  correctionsChanged() {
    this.files.isUnsaved = true;
    this.files.keep();
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
