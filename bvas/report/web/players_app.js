// The players page: parts made from the data, and what each does to the others.

class PlayersApp {
  constructor(data, frames, table, state) {
    Object.assign(this, { data, frames, table, mode: data.mode });
    document.body.classList.add(this.mode);
    this.palette = new PlayersPalette(() => this.lanes?.draw());
    this.player = new Player(byId("video"));
    this.screen = new Screen(byId("boxes"), byId("video"), data.size, data.colors);
    const colorOf = (number) => this.screen.colorOf(number);
    this.list = new PlayersList(byId("players"), colorOf);
    this.editing = this.mode === "choose" ? new Choosing(this) : new Correcting(this, state);
    if (this.mode === "correct") this.makeLanes(colorOf);
    this.files = new PlayersFiles(this);
    this.fillPage();
    this.connect();
    this.files.restore();
    this.showNoVideo(data.href === null ? "This page has no video." : null);
    this.player.open(data.href, frames, 0);
    this.refresh();
  }

  makeLanes(colorOf) {
    this.lanes = new Lanes(byId("lanes"), this.palette, colorOf);
    this.lanes.open(this.table);
    this.lanes.sought = (seconds) => this.player.goTo(this.frames.at(seconds));
    this.lanes.chose = (number) => this.editing.choose(number);
  }

  fillPage() {
    const { data } = this;
    document.title = data.title;
    byId("title").textContent = data.title;
    byId("about").textContent = data.about;
    byId("seek").max = String(this.frames.count - 1);
    byId("save").textContent = `Save ${this.files.name}`;
    data.labels.forEach((label, place) => byId("relabel").append(new Option(place < 9 ? `${place + 1} ${label}` : label, label)));
    byId("labels-of-actions").hidden = !data.labels.length;
    const actions = data.labels.length ? " Below: actions; underlined are those by hand." : "";
    byId("lanes-text").textContent = `Bars: frames with a box.${actions}`;
    for (const { text, does } of playersKeysOf(this.mode)) byId("keys").append(element("dt", text), element("dd", does));
    byId("zoom").hidden = this.mode !== "correct";
  }

  connect() {
    const { player, editing, files, screen } = this;
    const act = {
      back: () => player.step(-1),
      forward: () => player.step(1),
      play: () => this.togglePlay(),
      mute: () => this.toggleMute(),
      "help-button": () => this.help(),
      narrower: () => this.zoom(1),
      wider: () => this.zoom(0),
      begin: () => editing.begin(),
      keep: () => editing.keepOrChange(),
      merge: () => editing.beginMerge(),
      swap: () => editing.beginSwap(),
      split: () => editing.split(),
      finish: () => editing.finish(),
      drop: () => editing.drop(),
      remove: () => editing.remove(),
      "previous-action": () => editing.stepAction(0),
      "next-action": () => editing.stepAction(1),
      undo: () => editing.undo(),
      redo: () => editing.redo(),
      save: () => files.save(),
      load: () => byId("file").click(),
    };
    for (const [id, does] of Object.entries(act)) byId(id).addEventListener("click", does);
    byId("speed").addEventListener("change", (change) => (player.element.playbackRate = Number(change.target.value)));
    byId("seek").addEventListener("input", (change) => player.goTo(Number(change.target.value)));
    byId("seek").addEventListener("change", (change) => change.target.blur());
    byId("relabel").addEventListener("change", (change) => editing.relabel(change.target.value));
    byId("file").addEventListener("change", (change) => files.load(change.target));
    this.connectName();
    this.list.chose = (key) => editing.goTo(key);
    if (this.mode === "choose") drawByHand(screen, editing);
    else this.chooseByClick();
    player.moved = () => this.showPosition();
    player.stateChanged = () => this.showPlaying();
    player.failed = () => this.showNoVideo(`${this.data.href} cannot be played. It belongs beside this page.`);
    window.addEventListener("pagehide", () => files.shelf.flush());
    window.addEventListener("beforeunload", (leave) => files.leave() && leave.preventDefault());
    listenToKeys(this, playersKeysOf(this.mode));
  }

  connectName() {
    const name = byId("name");
    name.addEventListener("change", () => this.editing.rename(name.value.trim()));
    name.addEventListener("keydown", (press) => {
      if (press.key === "Escape") name.value = this.nameOfChosen;
      if (press.key === "Enter" || press.key === "Escape") name.blur();
    });
  }

  chooseByClick() {
    this.screen.canvas.addEventListener("click", ({ clientX, clientY }) => {
      const found = this.screen.boxAt(this.screen.toSource(clientX, clientY));
      if (found) this.editing.choose(found.key);
    });
  }

  // ---- acts of keys and buttons ----

  togglePlay() {
    this.editing.settle?.();
    this.player.toggle();
  }

  // The arrows move a box that the keys hold, else they go to another frame or entry.
  stepFrame(way) {
    if (!this.editing.nudge?.(way ? 1 : -1, 0, false)) this.player.step(way ? 1 : -1);
  }

  stepSecond(way) {
    if (this.editing.nudge?.(way ? 1 : -1, 0, true)) return;
    const seconds = this.frames.start(this.player.frame) + (way ? 1 : -1);
    this.player.step(this.frames.at(seconds) - this.player.frame);
  }

  stepEntry(way) {
    if (!this.editing.nudge?.(0, way ? 1 : -1, false)) this.editing.step(way);
  }

  stepHeight(way) {
    this.editing.nudge(0, way ? 1 : -1, true);
  }

  goToEdge(way) {
    this.player.step(way ? this.frames.count : -this.frames.count);
  }

  zoom(way) {
    this.lanes.zoom(way ? 0.5 : 2);
  }

  toggleMute() {
    this.player.element.muted = !this.player.element.muted;
  }

  focusName() {
    if (!byId("name").disabled) byId("name").focus();
    else this.warn("Nothing is chosen: click a box or a row.");
  }

  focusLabel() {
    byId("relabel").focus();
  }

  help() {
    byId("help").showModal();
  }

  // ---- showing ----

  // After an edit.
  changed() {
    this.files.keep();
    byId("command").hidden = true;
    this.refresh();
  }

  refresh() {
    const { editing } = this;
    const entries = editing.entries();
    this.list.show(entries, editing.chosen);
    byId("count").textContent = this.mode === "choose" ? "" : plural(entries.length, "player");
    byId("waiting").textContent = editing.waiting;
    byId("summary").textContent = editing.summary;
    byId("undo").disabled = !editing.history.canUndo;
    byId("redo").disabled = !editing.history.canRedo;
    if (this.lanes) {
      const marked = new Map([[editing.chosen, "chosen"], [editing.begun?.other, "other"]]);
      this.lanes.setPlayers(editing.players, marked);
    }
    this.showChosen(entries.find(({ key }) => key === editing.chosen));
    this.showPosition();
  }

  get nameOfChosen() {
    return (this.mode === "choose" ? this.editing.roi : this.editing.player)?.name ?? "";
  }

  showChosen(entry) {
    const { editing } = this;
    byId("chosen").textContent = entry ? [entry.name, entry.about, entry.more].filter(Boolean).join(" · ") : editing.draft ? "A new box" : "Nothing chosen: click a box or a row.";
    byId("name").value = this.nameOfChosen;
    for (const id of ["name", "remove", "merge", "swap", "split", "previous-action", "next-action"]) byId(id).disabled = !entry;
    byId("keep").disabled = !entry && !editing.draft;
    byId("keep").textContent = editing.draft ? "Keep" : "Change";
    byId("finish").hidden = !editing.begun;
    byId("finish").textContent = editing.finishText ?? "";
    byId("finish").disabled = !editing.begun || editing.begun.other === null;
    byId("drop").hidden = !editing.begun && !editing.draft;
  }

  showPosition() {
    const { frame, isPlaying } = this.player;
    const seconds = this.frames.start(frame);
    byId("position").textContent = `${momentText(seconds)} · frame ${frame}`;
    byId("seek").value = String(frame);
    byId("seek").setAttribute("aria-valuetext", `${momentText(seconds)}, frame ${frame}`);
    const boxes = this.editing.boxes(frame);
    this.screen.show(boxes);
    this.lanes?.setPosition(seconds);
    // While it plays nobody can follow the words.
    if (!isPlaying) byId("boxes").setAttribute("aria-label", boxesText(frame, boxes));
    if (this.mode === "correct") this.showAction();
  }

  showAction() {
    const { action } = this.editing;
    byId("relabel").disabled = !action;
    byId("relabel").value = action?.label ?? "";
    const confidence = action?.confidence === null ? "by hand" : action?.confidence?.toFixed(2);
    byId("action").textContent = action ? `window at ${momentText(action.seconds)} · ${confidence}` : "no action here";
    if (this.editing.begun) byId("waiting").textContent = this.editing.waiting;
  }

  showPlaying() {
    const { isPlaying, element: video } = this.player;
    byId("play").textContent = isPlaying ? "❚❚" : "▶";
    byId("play").setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    byId("mute").setAttribute("aria-pressed", video.muted);
    this.showPosition();
  }

  showNoVideo(text) {
    byId("no-video").hidden = text === null;
    byId("no-video").textContent = text ?? "";
    byId("video").hidden = text !== null;
  }

  showCommand(name) {
    byId("command").hidden = false;
    byId("command-text").textContent = `${this.data.command} ${/^[\w.-]+$/.test(name) ? name : `'${name}'`}`;
  }

  say(text) {
    byId("told").textContent = text;
    byId("warning").textContent = "";
  }

  // Why something was not done.
  warn(text) {
    byId("told").textContent = "";
    byId("warning").textContent = text;
  }
}

function boxesText(frame, boxes) {
  const text = boxes.map(({ caption, box, number }) => `${number}: ${caption} at ${box.join(" ")}`).join("; ");
  return `Frame ${frame}. ${text || "No box."}`;
}

async function startPlayers() {
  const data = JSON.parse(byId("data").textContent);
  const frames = await FrameTimes.from(data.frames);
  const [table, state] = await PlayersTable.from(data, frames);
  new PlayersApp(data, frames, table, state);
  document.body.dataset.ready = "yes";
}

startPlayers().catch((error) => {
  byId("about").textContent = `This page does not work in this browser: ${error.message}`;
  throw error;
});
