// Tracks of the page's data: boxes by frame, stretches with boxes, windows of actions.

const BOX_STEPS = 4; // boxes come in quarters of a pixel
const TICK_SECONDS = 0.0001; // of the times of frames

class PlayersTable {
  constructor(data, frames) {
    Object.assign(this, { labels: data.labels, every: data.every, numFrames: frames.count, times: frames });
    this.frames = new Uint32Array(0);
    this.boxes = new Int32Array(0); // left, upper, width and height of row after row
  }

  // The table of the data, and the state before all edits.
  static async from(data, frames) {
    const table = new PlayersTable(data, frames);
    const state = { players: new Map(), highest: 0 };
    const unpacked = await Promise.all(data.players.map(({ frames, boxes }) => Promise.all([unpack(frames), unpack(boxes)])));
    const total = unpacked.reduce((sum, [own]) => sum + own.length, 0);
    table.frames = new Uint32Array(total);
    table.boxes = new Int32Array(4 * total);
    let start = 0;
    data.players.forEach(({ number, name, actions }, place) => {
      const count = table.fill(start, ...unpacked[place]);
      const rows = Uint32Array.from({ length: count }, (_, i) => start + i);
      const columns = actions.seconds.map((seconds, i) => ({
        seconds,
        frame: actions.frame[i],
        label: data.labels[actions.label[i]],
        confidence: actions.confidence[i],
      }));
      state.players.set(number, { number, name, rows, actions: columns });
      state.highest = Math.max(state.highest, number);
      start += count;
    });
    return [table, state];
  }

  // Adds up the steps of one track, whose first row is `start`.
  fill(start, steps, boxSteps) {
    const count = steps.length;
    const sums = [0, 0, 0, 0];
    let frame = 0;
    for (let i = 0; i < count; i++) {
      this.frames[start + i] = frame += steps[i];
      for (let k = 0; k < 4; k++) this.boxes[4 * (start + i) + k] = sums[k] += boxSteps[k * count + i];
    }
    return count;
  }

  // [left, upper, width, height] of a player in a frame, in pixels of the source, or null.
  boxAt(player, frame) {
    const place = cutOf(this, player, frame);
    const row = player.rows[place];
    if (place === player.rows.length || this.frames[row] !== frame) return null;
    return Array.from(this.boxes.subarray(4 * row, 4 * row + 4), (side) => side / BOX_STEPS);
  }

  first(player) {
    return this.frames[player.rows[0]];
  }

  last(player) {
    return this.frames[player.rows.at(-1)];
  }

  // The frame with a box of the player that is nearest to a frame.
  nearest(player, frame) {
    const place = cutOf(this, player, frame);
    const found = [place - 1, place].filter((i) => i >= 0 && i < player.rows.length).map((i) => this.frames[player.rows[i]]);
    return found.sort((a, b) => Math.abs(a - frame) - Math.abs(b - frame))[0];
  }

  // Stretches of frames with a box of the player, as [first, last].
  runs(player) {
    this.known ??= new WeakMap(); // rows never change
    if (!this.known.has(player.rows)) {
      const runs = [];
      for (const row of player.rows) {
        const frame = this.frames[row];
        if (runs.length && runs.at(-1)[1] === frame - 1) runs.at(-1)[1] = frame;
        else runs.push([frame, frame]);
      }
      this.known.set(player.rows, runs);
    }
    return this.known.get(player.rows);
  }

  // The action of a player at a frame: of the nearest window, at most half of `every` away; of two the earlier.
  actionAt(player, frame) {
    const seconds = this.times.start(frame);
    const { actions } = player;
    const after = countUpTo(actions.length, (i) => actions[i].seconds, seconds);
    const away = (action) => Math.abs(action.seconds - seconds);
    const near = [actions[after - 1], actions[after]].filter((action) => action && away(action) <= this.every / 2 + TICK_SECONDS);
    return near.length > 1 && away(near[1]) + TICK_SECONDS < away(near[0]) ? near[1] : (near[0] ?? null);
  }
}
