// The page's data: arrays unpacked, times of frames, score curves.

// An array that Python packed: base64 of zlib; `kind` is the typed array of its values.
async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.zlib), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const kinds = { u8: Uint8Array, u32: Uint32Array, i32: Int32Array };
  return new kinds[packed.kind](buffer);
}

// Times that Python packed as their steps, in ticks of 0.1 ms.
async function unpackTimes(packed) {
  const steps = await unpack(packed);
  const times = new Float64Array(steps.length);
  let ticks = 0;
  for (let i = 0; i < steps.length; i++) times[i] = (ticks += steps[i]) / 10000;
  return times;
}

// How many values of an ascending array lie at or below `value`.
function countUpTo(count, valueAt, value) {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (valueAt(middle) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

// When each frame of the video is on screen, by the source's index.
class FrameTimes {
  constructor(count, rate, times, duration) {
    this.count = count;
    this.rate = rate;
    this.times = times;
    this.duration = duration;
  }

  static async from(json) {
    const times = json.times ? await unpackTimes(json.times) : null;
    return new FrameTimes(json.count, json.rate[0] / json.rate[1], times, json.duration);
  }

  start(frame) {
    return this.times ? this.times[frame] : frame / this.rate;
  }

  // A moment inside the frame's interval: no rounding by a player leads to a neighbor.
  middle(frame) {
    return (this.start(frame) + Math.max(this.stop(frame), this.start(frame))) / 2;
  }

  // When a frame leaves the screen.
  stop(frame) {
    return frame + 1 < this.count ? this.start(frame + 1) : this.duration;
  }

  at(seconds) {
    const shown = countUpTo(this.count, (frame) => this.start(frame), seconds + 0.0005) - 1;
    return Math.min(Math.max(shown, 0), this.count - 1);
  }
}

const HOLE = 255; // a row that could not be decoded; 254 is a score of 1

// Score curves of all labels, with maxima over 8, 64, ... rows, so that a half is drawn as fast as a second.
class Curves {
  constructor(rows, seconds, columns) {
    this.rows = rows;
    this.seconds = seconds;
    this.levels = [columns];
    for (let size = rows; size > 2000; size = Math.ceil(size / 8)) {
      this.levels.push(this.levels.at(-1).map((column) => maxima(column)));
    }
  }

  static async from(json) {
    const [scores, times] = await Promise.all([unpack(json.scores), json.times ? unpackTimes(json.times) : null]);
    const columns = [];
    for (let start = 0; start < scores.length; start += json.rows) {
      columns.push(scores.subarray(start, start + json.rows));
    }
    const seconds = times ? (row) => times[row] : (row) => json.start + row * json.step;
    return new Curves(json.rows, seconds, columns);
  }

  // The level at which a stretch of `seconds` has no more than about 3 values for each of `pixels`.
  level(start, stop, pixels) {
    const [first, last] = this.range(start, stop);
    let level = 0;
    while (level + 1 < this.levels.length && (last - first) / 8 ** level > 3 * pixels) level++;
    return level;
  }

  // The rows in a stretch of time, one more on each side.
  range(start, stop) {
    const first = countUpTo(this.rows, this.seconds, start) - 2;
    const last = countUpTo(this.rows, this.seconds, stop) + 1;
    return [Math.max(first, 0), Math.min(last, this.rows)];
  }

  // The score of a label at a row of level 0, NaN in a hole.
  score(label, row) {
    const value = this.levels[0][label][Math.min(Math.max(row, 0), this.rows - 1)];
    return value === HOLE ? NaN : value / 254;
  }
}

function maxima(column) {
  const joined = new Uint8Array(Math.ceil(column.length / 8));
  for (let i = 0; i < joined.length; i++) {
    let best = -1;
    const stop = Math.min(i * 8 + 8, column.length);
    for (let k = i * 8; k < stop; k++) if (column[k] !== HOLE && column[k] > best) best = column[k];
    joined[i] = best < 0 ? HOLE : best;
  }
  return joined;
}
