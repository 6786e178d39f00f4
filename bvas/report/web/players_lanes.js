// Timeline of the players: a lane each with stretches of presence and labelled actions.

const LANE = { plain: 20, full: 30 };
const AXIS = 20;

class PlayersPalette extends Palette {
  read() {
    super.read();
    const style = getComputedStyle(document.documentElement);
    this.colors.chosen = style.getPropertyValue("--chosen").trim();
    this.colors.actions = [0, 1, 2, 3, 4, 5].map((number) => style.getPropertyValue(`--label-${number}`).trim());
  }
}

class Lanes {
  constructor(root, palette, colorOf) {
    Object.assign(this, { root, palette, colorOf });
    this.canvas = root.querySelector("canvas");
    this.playhead = root.querySelector(".head");
    this.players = [];
    this.marked = new Map(); // of chosen and named lanes: the kind
    this.view = { start: 0, span: 1 };
    this.seconds = 0;
    this.sought = () => {};
    this.chose = () => {};
    new ResizeObserver(() => this.draw()).observe(this.canvas.parentElement);
    this.listen();
  }

  open(table) {
    this.table = table;
    this.duration = table.times.duration;
    this.view = { start: 0, span: this.duration };
  }

  setPlayers(players, marked) {
    Object.assign(this, { players, marked });
    this.draw();
    for (const kind of ["chosen", "other"]) this.reveal(players.findIndex(({ number }) => marked.get(number) === kind));
  }

  // Scrolls a lane into sight.
  reveal(place) {
    if (place < 0) return;
    const top = AXIS + place * this.laneHeight;
    const { scrollTop, clientHeight } = this.root;
    if (top - AXIS < scrollTop) this.root.scrollTop = top - AXIS;
    else if (top + this.laneHeight > scrollTop + clientHeight) this.root.scrollTop = top + this.laneHeight - clientHeight;
  }

  get laneHeight() {
    return this.table.labels.length ? LANE.full : LANE.plain;
  }

  get gutter() {
    return this.width < 500 ? 64 : 104;
  }

  x(seconds) {
    return this.gutter + ((seconds - this.view.start) / this.view.span) * (this.width - this.gutter);
  }

  time(x) {
    const share = (x - this.gutter) / (this.width - this.gutter);
    return Math.min(Math.max(this.view.start + share * this.view.span, 0), this.duration);
  }

  // Zooms around the position.
  zoom(factor) {
    const span = Math.min(Math.max(this.view.span * factor, Math.min(2, this.duration)), this.duration);
    const share = Math.min(Math.max((this.seconds - this.view.start) / this.view.span, 0), 1);
    this.look(this.seconds - share * span, span);
  }

  look(start, span) {
    this.view = { start: Math.min(Math.max(start, 0), this.duration - span), span };
    this.draw();
  }

  // The view follows a position that leaves it.
  setPosition(seconds) {
    this.seconds = seconds;
    const { start, span } = this.view;
    if (seconds < start || seconds > start + span) this.look(seconds - span / 10, span);
    this.placeHead();
  }

  placeHead() {
    if (this.width) this.playhead.style.transform = `translateX(${this.x(this.seconds)}px)`;
  }

  draw() {
    this.width = this.canvas.parentElement.clientWidth;
    if (!this.table || !this.width) return;
    const height = AXIS + this.players.length * this.laneHeight;
    const context = prepare(this.canvas, this.width, height);
    this.drawAxis(context, height);
    this.players.forEach((player, place) => this.drawLane(context, player, AXIS + place * this.laneHeight));
    this.placeHead();
  }

  drawAxis(context, height) {
    const { colors } = this.palette;
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600];
    const step = steps.find((one) => (one / this.view.span) * (this.width - this.gutter) >= 70) ?? 7200;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.lineWidth = 1;
    for (let k = Math.ceil(this.view.start / step); k * step <= this.view.start + this.view.span; k++) {
      const x = this.x(k * step);
      line(context, x, AXIS - 5, x, height, colors.grid);
      context.fillStyle = colors.faint;
      const text = step < 1 ? momentText(k * step) : minutesText(k * step);
      context.fillText(text, Math.min(x + 3, this.width - context.measureText(text).width), 8);
    }
  }

  drawLane(context, player, top) {
    const { colors } = this.palette;
    const mark = this.marked.get(player.number);
    if (mark) {
      context.fillStyle = colors.chosen;
      context.fillRect(0, top, this.width, this.laneHeight - 2);
    }
    this.bar(context, player, 0, top + 3, 6, this.laneHeight - 8);
    context.fillStyle = colors.text;
    context.font = `${mark ? "bold " : ""}12px system-ui, sans-serif`;
    const name = player.name ? `${player.number} ${player.name}` : String(player.number);
    context.fillText(shortened(context, name, this.gutter - 16), 11, top + this.laneHeight / 2 - 1);
    context.save();
    context.beginPath();
    context.rect(this.gutter, top, this.width - this.gutter, this.laneHeight);
    context.clip();
    this.drawPresence(context, player, top + 3);
    this.drawActions(context, player, top + 12);
    context.restore();
  }

  drawPresence(context, player, top) {
    const { times } = this.table;
    const height = this.table.labels.length ? 6 : 11;
    for (const [first, last] of this.table.runs(player)) {
      const [left, right] = [this.x(times.start(first)), this.x(times.stop(last))];
      if (right >= this.gutter && left <= this.width) this.bar(context, player, left, top, Math.max(right - left, 1.5), height);
    }
  }

  // In the color of the player; the edge shows light colors on a light page.
  bar(context, { number }, x, y, width, height) {
    context.fillStyle = this.colorOf(number);
    context.fillRect(x, y, width, height);
    context.strokeStyle = "rgb(0 0 0 / .4)";
    context.lineWidth = 1;
    if (width > 3) context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
  }

  drawActions(context, player, top) {
    const { colors } = this.palette;
    const stop = this.view.start + this.view.span;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (const { start, end, label, isCorrected } of this.stretches(player, this.view.start, stop)) {
      const [left, right] = [Math.max(this.x(start), this.gutter), Math.min(this.x(end), this.width)];
      const place = this.table.labels.indexOf(label);
      context.fillStyle = colors.actions[place % colors.actions.length];
      context.globalAlpha = 0.3;
      context.fillRect(left, top, Math.max(right - left - 1, 0.5), 14);
      context.globalAlpha = 1;
      context.fillStyle = colors.text;
      if (isCorrected) context.fillRect(left, top + 12.5, Math.max(right - left - 1, 0.5), 1.5);
      if (right - left > 22) context.fillText(shortened(context, label, right - left - 5), left + 2.5, top + 7.5);
    }
  }

  // Windows of one label in a row as one stretch; those by hand apart.
  stretches(player, start, stop) {
    const half = this.table.every / 2;
    const { actions } = player;
    const found = [];
    for (let i = countUpTo(actions.length, (k) => actions[k].seconds, start - half); i < actions.length; i++) {
      const { seconds, label, confidence } = actions[i];
      if (seconds - half > stop) break;
      const [last, isCorrected] = [found.at(-1), confidence === null];
      const goesOn = last && last.label === label && last.isCorrected === isCorrected && seconds - half - last.end < 0.001;
      if (goesOn) last.end = seconds + half;
      else found.push({ start: Math.max(seconds - half, last ? last.end : 0), end: seconds + half, label, isCorrected });
    }
    return found;
  }

  playerAt(y) {
    return this.players[Math.floor((y - AXIS) / this.laneHeight)] ?? null;
  }

  listen() {
    this.canvas.addEventListener("pointerdown", (press) => {
      if (press.button !== 0) return;
      const around = this.canvas.getBoundingClientRect();
      const player = this.playerAt(press.clientY - around.top);
      if (player) this.chose(player.number);
      if (press.clientX - around.left < this.gutter) return;
      this.canvas.setPointerCapture(press.pointerId);
      const follow = (move) => this.sought(this.time(move.clientX - around.left));
      const release = () => this.canvas.removeEventListener("pointermove", follow);
      this.canvas.addEventListener("pointermove", follow);
      for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, release, { once: true });
      follow(press);
    });
    this.canvas.addEventListener("wheel", (turn) => {
      if (turn.ctrlKey || turn.metaKey) {
        turn.preventDefault();
        this.zoom(Math.exp(turn.deltaY / 300));
      } else if (Math.abs(turn.deltaX) > Math.abs(turn.deltaY)) {
        turn.preventDefault();
        this.look(this.view.start + (turn.deltaX / this.width) * this.view.span, this.view.span);
      }
    }, { passive: false });
  }
}
