// Edits of players, by the rules of bvas/players/corrections.py. Nothing here knows the page.
//
// A table holds the rows of all tracks; a player is {number, name, rows, actions}, `rows` ascending by frame. A state is
// {players, highest}: players by number, and the highest number ever used. An edit makes a new state, which shares
// what it did not change; one that contradicts the state throws.

function applyEdit(table, state, edit) {
  if (!Object.hasOwn(EDITS, edit.edit)) throw new Error(`${edit.edit} is not an edit: ${Object.keys(EDITS).join(", ")}`);
  const made = { players: new Map(state.players), highest: state.highest };
  EDITS[edit.edit](table, made, edit);
  return made;
}

const EDITS = {
  merge(table, state, { player, into }) {
    const [given, own] = pairOf(state, player, into);
    state.players.delete(player);
    const rows = mergedRows(table, own.rows, given.rows);
    const actions = joinedActions(own.actions, given.actions);
    state.players.set(into, { ...own, name: own.name || given.name, rows, actions });
  },

  split(table, state, { player, frame, new: number }) {
    const one = playerOf(state, player);
    const cut = cutOf(table, one, frame);
    if (cut === 0) throw new Error(`player ${player} has no box before frame ${frame}`);
    if (cut === one.rows.length) throw new Error(`player ${player} has no box from frame ${frame} on`);
    if (number <= state.highest) throw new Error(`number ${number} is or was that of a player; the next free one is ${state.highest + 1}`);
    const [before, after] = dividedActions(one.actions, frame);
    state.players.set(player, { ...one, rows: one.rows.subarray(0, cut), actions: before });
    state.players.set(number, { number, name: "", rows: one.rows.subarray(cut), actions: after });
    state.highest = number;
  },

  swap(table, state, { players, frame }) {
    const [one, other] = pairOf(state, ...players);
    const cuts = [cutOf(table, one, frame), cutOf(table, other, frame)];
    if (cuts[0] === one.rows.length && cuts[1] === other.rows.length) {
      throw new Error(`players ${players.join(" and ")} have no box from frame ${frame} on`);
    }
    const rows = joinedRows(one.rows.subarray(0, cuts[0]), other.rows.subarray(cuts[1]));
    const otherRows = joinedRows(other.rows.subarray(0, cuts[1]), one.rows.subarray(cuts[0]));
    for (const [number, left] of [[one.number, rows], [other.number, otherRows]]) {
      if (!left.length) throw new Error(`player ${number} would be left without a box; merge the two instead`);
    }
    const [before, after] = dividedActions(one.actions, frame);
    const [otherBefore, otherAfter] = dividedActions(other.actions, frame);
    state.players.set(one.number, { ...one, rows, actions: joinedActions(before, otherAfter) });
    state.players.set(other.number, { ...other, rows: otherRows, actions: joinedActions(otherBefore, after) });
  },

  name(_, state, { player, name }) {
    state.players.set(player, { ...playerOf(state, player), name });
  },

  remove(_, state, { player }) {
    playerOf(state, player);
    state.players.delete(player);
  },

  relabel(table, state, { player, seconds, label }) {
    const one = playerOf(state, player);
    if (!table.labels.includes(label)) throw new Error(`${label} is not a label of the experiment`);
    const place = one.actions.findIndex((action) => milliseconds(action.seconds) === milliseconds(seconds));
    if (place < 0) throw new Error(`player ${player} has no window with its center at ${seconds.toFixed(3)} s`);
    const action = { ...one.actions[place], label, confidence: null };
    state.players.set(player, { ...one, actions: one.actions.with(place, action) });
  },
};

function playerOf(state, number) {
  const found = state.players.get(number);
  if (!found) throw new Error(`no player ${number} at this point`);
  return found;
}

function pairOf(state, first, second) {
  if (first === second) throw new Error(`two players are needed, and both are ${first}`);
  return [playerOf(state, first), playerOf(state, second)];
}

// How many rows of a player lie before a frame.
function cutOf(table, { rows }, frame) {
  if (frame >= table.numFrames) throw new Error(`frame ${frame} is outside of the video, whose last is ${table.numFrames - 1}`);
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (table.frames[rows[middle]] < frame) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Rows of both in order of frames; in a frame with rows of both, the own alone.
function mergedRows(table, own, given) {
  const merged = new Uint32Array(own.length + given.length);
  let [count, i, k] = [0, 0, 0];
  while (i < own.length || k < given.length) {
    const frame = i < own.length ? table.frames[own[i]] : Infinity;
    const other = k < given.length ? table.frames[given[k]] : Infinity;
    if (other <= frame) k++;
    if (frame <= other) merged[count++] = own[i++];
    else merged[count++] = given[k - 1];
  }
  return merged.slice(0, count);
}

// In how many frames both players have a box.
function sharedFrames(table, one, other) {
  return one.rows.length + other.rows.length - mergedRows(table, one.rows, other.rows).length;
}

function joinedRows(first, second) {
  const joined = new Uint32Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

function dividedActions(actions, frame) {
  return [actions.filter((action) => action.frame < frame), actions.filter((action) => action.frame >= frame)];
}

// Both in order of time; of two with one center the own.
function joinedActions(own, given) {
  const byCenter = new Map([...given, ...own].map((action) => [milliseconds(action.seconds), action]));
  return [...byCenter.keys()].sort((a, b) => a - b).map((center) => byCenter.get(center));
}

function milliseconds(seconds) {
  return Math.floor(seconds * 1000 + 0.5);
}
