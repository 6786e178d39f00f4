// Correcting tracks: what the reader does to players. Each method is the act of a button or a key.

const NOBODY = "Choose a player first: click a box or a row.";

class Correcting {
  constructor(app, state) {
    this.app = app;
    this.chosen = null; // number of a player
    this.begun = null; // {act, other}: a merge or a swap that waits for the other player
    this.history = new Undoable({ edits: [], state, words: "" });
  }

  get state() {
    return this.history.now.state;
  }

  get edits() {
    return this.history.now.edits;
  }

  get players() {
    return [...this.state.players.values()].sort((a, b) => a.number - b.number);
  }

  get player() {
    return this.state.players.get(this.chosen) ?? null;
  }

  // What the screen shows at a frame.
  boxes(frame) {
    const { table } = this.app;
    return this.players.flatMap((player) => {
      const box = table.boxAt(player, frame);
      if (!box) return [];
      const action = table.actionAt(player, frame);
      const { number } = player;
      const caption = `${nameOfPlayer(player)}${action ? ` · ${action.label}` : ""}`;
      const isOther = number === this.begun?.other;
      return [{ key: number, number, box, caption, isChosen: number === this.chosen, isOther, hasHandles: false }];
    });
  }

  // Rows of the list: key, color, name, texts; `isOther` is the player that Enter would take.
  entries() {
    const { table } = this.app;
    return this.players.map((player) => {
      const { times } = table;
      const [start, stop] = [times.start(table.first(player)), times.stop(table.last(player))];
      const gaps = table.runs(player).length - 1;
      return {
        key: player.number,
        number: player.number,
        name: player.name ? `${player.number} ${player.name}` : String(player.number),
        about: `${momentText(start)} to ${momentText(stop)}`,
        more: [gaps ? plural(gaps, "gap") : "", table.labels.length ? plural(player.actions.length, "action") : ""].filter(Boolean).join(", "),
        isOther: player.number === this.begun?.other,
      };
    });
  }

  // Chooses a player; while a merge or a swap waits, this is the other one.
  choose(number) {
    if (this.begun) {
      this.begun.other = number;
      return this.finish();
    }
    this.chosen = number;
    this.app.refresh();
  }

  // The player before or after the chosen one; while something waits, only names the other.
  step(way) {
    const numbers = this.players.map(({ number }) => number).filter((number) => !this.begun || number !== this.chosen);
    if (!numbers.length) return;
    const from = this.begun ? (this.begun.other ?? this.chosen) : this.chosen;
    const after = numbers.findIndex((number) => number > from);
    const place = after < 0 ? numbers.length : after;
    const before = numbers.filter((number) => number < from).length;
    const next = numbers[Math.min(Math.max(way ? place : before - 1, 0), numbers.length - 1)];
    if (!this.begun) return this.goTo(next);
    this.begun.other = next;
    this.app.refresh();
  }

  // Chooses a player and shows a frame with him.
  goTo(number) {
    this.choose(number);
    if (!this.player || this.begun) return;
    const { player } = this.app;
    const nearest = this.app.table.nearest(this.player, player.frame);
    if (nearest !== player.frame) player.step(nearest - player.frame);
  }

  beginMerge() {
    this.beginWith("merge");
  }

  beginSwap() {
    this.beginWith("swap");
  }

  beginWith(act) {
    if (!this.player) return this.app.warn(NOBODY);
    if (this.players.length < 2) return this.app.warn("No other player found.");
    this.begun = { act, other: null };
    this.app.refresh();
  }

  finish() {
    if (!this.begun) return;
    const { act, other } = this.begun;
    if (other === null) return this.app.warn("Pick the other player first: click one, or press ↓.");
    if (other === this.chosen) return this.app.warn("That is the chosen player; take another.");
    const frame = this.app.player.frame;
    const { table } = this.app;
    if (act === "merge") {
      const shared = sharedFrames(table, this.player, this.state.players.get(other));
      const both = shared ? ` In ${plural(shared, "frame")} both had a box: that of ${this.chosen} stays.` : "";
      this.make({ edit: "merge", player: other, into: this.chosen }, `Player ${other} is merged into ${this.chosen}.${both}`);
    } else {
      this.make({ edit: "swap", players: [this.chosen, other], frame }, `Players ${this.chosen} and ${other} are exchanged from frame ${frame} on.`);
    }
    this.begun = null;
    this.app.refresh();
  }

  drop() {
    const what = this.begun ? "Dropped." : "";
    this.begun = null;
    this.app.say(what);
    this.app.refresh();
  }

  split() {
    const frame = this.app.player.frame;
    const number = this.state.highest + 1;
    this.makeOfChosen((player) => ({ edit: "split", player, frame, new: number }), `From frame ${frame} on he is player ${number}.`);
  }

  rename(name) {
    if (!this.player || name === this.player.name) return;
    this.makeOfChosen((player) => ({ edit: "name", player, name }), name ? `Player ${this.chosen} is ${name}.` : "The name is removed.");
  }

  remove() {
    const number = this.chosen;
    this.makeOfChosen((player) => ({ edit: "remove", player }), `Player ${number} is removed.`);
  }

  // The action of the chosen player at the frame on screen.
  get action() {
    return this.player && this.app.table.actionAt(this.player, this.app.player.frame);
  }

  relabel(label) {
    if (!this.player) return this.app.warn(NOBODY);
    if (!this.action) return this.app.warn("The chosen player has no action at this frame: , and . go to one.");
    const { seconds } = this.action;
    this.makeOfChosen((player) => ({ edit: "relabel", player, seconds, label }), `The action at ${momentText(seconds)} is ${label}.`);
  }

  relabelByNumber(number) {
    const label = this.app.table.labels[number];
    if (label) this.relabel(label);
  }

  stepAction(way) {
    if (!this.player) return this.app.warn(NOBODY);
    const { actions } = this.player;
    const seconds = this.action?.seconds ?? this.app.table.times.start(this.app.player.frame);
    const next = way ? actions.find((one) => one.seconds > seconds) : actions.findLast((one) => one.seconds < seconds);
    if (next) this.app.player.step(next.frame - this.app.player.frame);
  }

  makeOfChosen(editOf, text) {
    if (!this.player) return this.app.warn(NOBODY);
    this.make(editOf(this.chosen), text);
  }

  make(edit, text) {
    try {
      const state = applyEdit(this.app.table, this.state, edit);
      this.history.push({ edits: [...this.edits, edit], state, words: wordsOf(edit) });
    } catch (error) {
      return this.app.warn(`Not done: ${error.message}.`);
    }
    this.app.say(text);
    this.app.changed();
  }

  undo() {
    this.app.say(this.history.canUndo ? `Undone: ${this.history.now.words}.` : "Nothing to undo.");
    this.history.undo();
    this.stepped();
  }

  redo() {
    const can = this.history.canRedo;
    this.history.redo();
    this.app.say(can ? `Done again: ${this.history.now.words}.` : "Nothing to redo.");
    this.stepped();
  }

  stepped() {
    this.begun = null;
    this.app.changed();
  }

  // What waits for the reader.
  get waiting() {
    if (!this.begun) return "";
    const { act, other } = this.begun;
    const what = act === "merge" ? `Merge into ${this.chosen}` : `Exchange ${this.chosen} from frame ${this.app.player.frame} on`;
    return `${what}: click the other player, or pick it with ↑ ↓ and press Enter${other === null ? "" : ` (now ${other})`}. Esc drops it.`;
  }

  get finishText() {
    const other = this.begun?.other ?? "…";
    return this.begun?.act === "merge" ? `Merge ${other}` : `Swap with ${other}`;
  }

  get summary() {
    return this.edits.length ? plural(this.edits.length, "correction") : "No corrections yet.";
  }

  content() {
    const { file, fingerprint } = this.app.data;
    return { format: "bvas-players-corrections-1", video: file, tracks: fingerprint, corrections: this.edits };
  }

  // Takes edits over from a file; one step of the history.
  load({ format, video, tracks, corrections }) {
    const { data, table } = this.app;
    if (format !== "bvas-players-corrections-1") throw new Error("it holds no corrections of players");
    if (video && video !== data.file) throw new Error(`it is of ${video}, not of ${data.file}`);
    if (tracks && tracks !== data.fingerprint) throw new Error("it was made for other tracks of this video");
    if (!Array.isArray(corrections)) throw new Error("it has no list of corrections");
    let [{ state }] = this.history.values;
    corrections.forEach((edit, place) => {
      try {
        state = applyEdit(table, state, edit);
      } catch (error) {
        throw new Error(`correction ${place + 1}: ${error.message}`);
      }
    });
    const words = plural(corrections.length, "correction");
    this.history.push({ edits: corrections, state, words: `${words} from a file` });
    return words;
  }
}

function nameOfPlayer({ number, name }) {
  return name || String(number);
}

function wordsOf(edit) {
  const players = edit.players?.join(" and ") ?? edit.player;
  return `${edit.edit} ${players}${edit.into ? ` into ${edit.into}` : ""}`;
}
