// The timeline: a stretch of time with a lane for each label, and the whole video below it.
// Canvases are drawn anew only when what they show changes; position and choice are elements that move over them.

const LANE_FILL = 0.72; // share of a lane that a score of 1 reaches
const AXIS = 20;
const STEPS = [0.04, 0.2, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200];

class Timeline {
  constructor(root, palette) {
    this.palette = palette;
    this.canvas = root.querySelector("#detail");
    this.overview = root.querySelector("#overview");
    this.playhead = root.querySelector("#playhead");
    this.ring = root.querySelector("#ring");
    this.window = root.querySelector("#window");
    this.overviewHead = root.querySelector("#overview-head");
    this.video = null;
    this.view = { start: 0, span: 60 };
    this.lanes = [];
    this.shown = [];
    this.chosen = null;
    this.isAtEnd = false;
    this.seconds = 0;
    this.isDue = { detail: false, overview: false };
    this.sought = () => {};
    this.chose = () => {};
    this.listen();
    new ResizeObserver(() => this.redraw()).observe(root);
  }

  open(video, labels) {
    this.video = video;
    this.labels = labels;
    this.view = { start: 0, span: Math.min(60, video.frames.duration) };
    this.redraw();
  }

  // `shown` in any order, `lanes` the labels to draw.
  setEvents(shown, lanes, confidence) {
    this.shown = [...shown].sort(byTime);
    this.lanes = lanes;
    this.confidence = confidence;
    this.redraw();
  }

  // `isAtEnd`: of a range, its end is what a correction moves.
  setChosen(event, isAtEnd = false) {
    this.chosen = event;
    this.isAtEnd = isAtEnd;
    this.placeMarkers();
  }

  // Moves the playhead; the view follows when it would leave, unless a hand holds the timeline.
  setPosition(seconds) {
    this.seconds = seconds;
    // A range without an end reaches to the playhead.
    if (this.shown.some((event) => event.state === "begun")) this.redraw("detail");
    const { start, span } = this.view;
    if (!this.isHeld && (seconds < start + span * 0.02 || seconds > start + span * 0.98)) this.look(seconds - span * 0.25, span);
    this.placeMarkers();
  }

  look(start, span) {
    const whole = this.video.frames.duration;
    span = Math.min(Math.max(span, 1), whole);
    start = Math.min(Math.max(start, 0), whole - span);
    if (start === this.view.start && span === this.view.span) return;
    this.view = { start, span };
    this.redraw("detail");
  }

  zoom(factor, around = this.seconds) {
    const { start, span } = this.view;
    const share = Math.min(Math.max((around - start) / span, 0), 1);
    const next = Math.min(Math.max(span * factor, 1), this.video.frames.duration);
    this.look(around - share * next, next);
  }

  redraw(only) {
    const isIdle = !this.isDue.detail && !this.isDue.overview;
    if (only !== "overview") this.isDue.detail = true;
    if (only !== "detail") this.isDue.overview = true;
    if (isIdle) requestAnimationFrame(() => this.drawDue());
  }

  drawDue() {
    const { detail, overview } = this.isDue;
    this.isDue = { detail: false, overview: false };
    if (!this.video) return;
    if (detail) this.drawDetail();
    if (overview) this.drawOverview();
    this.placeMarkers();
  }

  get gutter() {
    return this.width >= 620 ? 128 : 0;
  }

  get laneHeight() {
    return Math.min(Math.max(Math.round(300 / Math.max(this.lanes.length, 1)), 26), 84);
  }

  // Columns from a time and back, in the detail.
  x(seconds) {
    return this.gutter + ((seconds - this.view.start) / this.view.span) * (this.width - this.gutter);
  }

  time(x) {
    return this.view.start + ((x - this.gutter) / (this.width - this.gutter)) * this.view.span;
  }

  y(event) {
    const lane = this.laneOf.get(event.label);
    if (lane === undefined) return null;
    const isProposed = event.shownKind === "hit" || event.shownKind === "annotation";
    const height = event.confidence ?? (isProposed ? 1 : event.shownKind === "mark" ? 0.6 : 1.08);
    return (lane + 1) * this.laneHeight - 3 - height * LANE_FILL * this.laneHeight;
  }

  drawDetail() {
    const height = this.lanes.length * this.laneHeight + AXIS;
    this.width = this.canvas.parentElement.clientWidth;
    this.laneOf = new Map(this.lanes.map((label, lane) => [label, lane]));
    const context = prepare(this.canvas, this.width, height);
    const colors = this.palette.colors;
    const { start, span } = this.view;
    const bottom = height - AXIS;
    context.save();
    context.beginPath();
    context.rect(this.gutter, 0, this.width - this.gutter, height);
    context.clip();
    this.drawAxis(context, bottom);
    for (const [from, to] of this.video.json.gaps) hatch(context, this.x(from), this.x(to), bottom, colors.gap);
    this.lanes.forEach((label, lane) => this.drawCurve(context, label, (lane + 1) * this.laneHeight - 3));
    const first = countUpTo(this.shown.length, (i) => this.video.frames.start(this.shown[i].frame), start - span * 0.02);
    const last = countUpTo(this.shown.length, (i) => this.video.frames.start(this.shown[i].frame), start + span * 1.02);
    const reaching = this.shown.slice(0, first).filter((event) => event.isRange && this.stopOf(event) > start);
    const visible = [...reaching, ...this.shown.slice(first, last)];
    const isLine = (event) => event.origin === "annotation" && event.shownKind !== "mark";
    for (const event of visible) if (isLine(event)) this.drawLine(context, event);
    for (const event of visible) {
      // The annotation that a hit answers stands beside it.
      if (event.shownKind === "hit" && !event.partner.shownKind) this.drawLine(context, event.partner);
    }
    for (const event of visible) this.drawMark(context, event);
    context.restore();
    this.drawNames(context);
  }

  drawAxis(context, bottom) {
    const colors = this.palette.colors;
    const { start, span } = this.view;
    const width = this.width - this.gutter;
    const step = STEPS.find((step) => (step / span) * width >= 64) ?? 3000;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let i = Math.ceil(start / step); i * step <= start + span; i++) {
      const x = Math.round(this.x(i * step)) + 0.5;
      line(context, x, 0, x, bottom, colors.grid);
      context.fillStyle = colors.faint;
      const text = step < 1 ? momentText(i * step) : minutesText(i * step + 1e-6);
      context.fillText(text, Math.min(Math.max(x, this.gutter + 18), this.width - 20), bottom + AXIS / 2 + 1);
    }
  }

  drawCurve(context, label, floor) {
    const colors = this.palette.colors;
    const { start, span } = this.view;
    const scale = LANE_FILL * this.laneHeight;
    const curves = this.video.curves;
    line(context, this.gutter, floor + 0.5, this.width, floor + 0.5, colors.line);
    if (!curves) return;
    const level = curves.level(start, start + span, this.width);
    const size = 8 ** level;
    const column = curves.levels[level][label];
    let [first, last] = curves.range(start, start + span);
    first = Math.floor(first / size);
    last = Math.min(Math.ceil(last / size), column.length);
    const outline = new Path2D();
    const area = new Path2D();
    let left = null;
    let x = 0;
    for (let i = first; i <= last; i++) {
      const value = i < last ? column[i] : HOLE;
      if (value === HOLE) {
        if (left !== null) area.lineTo(x, floor), area.closePath(), (left = null);
        continue;
      }
      // Where nothing happens, a line from end to end is the same picture.
      if (left !== null && value === column[i - 1] && value === column[i + 1] && i + 1 < last) continue;
      const row = Math.min(i * size + (size >> 1), curves.rows - 1);
      x = this.x(curves.seconds(row));
      const y = floor - (value / 254) * scale;
      if (left === null) area.moveTo((left = x), floor), area.lineTo(x, y), outline.moveTo(x, y);
      else area.lineTo(x, y), outline.lineTo(x, y);
    }
    context.fillStyle = colors.fill;
    context.fill(area);
    context.strokeStyle = colors.curve;
    context.lineWidth = 1;
    context.stroke(outline);
    context.setLineDash([4, 4]);
    const level0 = Math.round(floor - this.confidence * scale) + 0.5;
    line(context, this.gutter, level0, this.width, level0, colors.curve);
    context.setLineDash([]);
  }

  drawLine(context, event) {
    const lane = this.laneOf.get(event.label);
    if (lane === undefined) return;
    const floor = (lane + 1) * this.laneHeight - 3;
    context.globalAlpha = event.state === "deleted" ? 0.3 : 1;
    context.lineWidth = 1.5;
    const edges = event.isRange ? [event.seconds, event.stopSeconds] : [event.seconds];
    for (const x of edges.map((seconds) => this.x(seconds))) {
      line(context, x, floor, x, floor - LANE_FILL * this.laneHeight, this.palette.colors.annotation);
    }
    if (event.isRange) {
      context.globalAlpha *= 0.18;
      context.fillStyle = this.palette.colors.annotation;
      const [left, right] = edges.map((seconds) => this.x(seconds));
      context.fillRect(left, floor - LANE_FILL * this.laneHeight, right - left, LANE_FILL * this.laneHeight);
    }
    context.globalAlpha = 1;
  }

  drawMark(context, event) {
    const y = this.y(event);
    if (y === null || event.shownKind === "annotation") return;
    const x = this.x(this.video.frames.start(event.place));
    const target = event.target;
    if (event.isRange) this.drawBar(context, event, y);
    drawSign(context, event.shownKind, x, y, this.palette.colors, target.state === "deleted");
    if (target.state === "kept" && event.origin !== "added") {
      context.lineWidth = 1.5;
      context.strokeStyle = this.palette.colors.text;
      context.beginPath();
      context.arc(x, y, 7.5, 0, 7);
      context.stroke();
    }
  }

  // A range: hollow where it is a miss, dashed until it has an end.
  drawBar(context, event, y) {
    const colors = this.palette.colors;
    const [left, right] = [event.seconds, this.stopOf(event)].map((seconds) => this.x(seconds)).sort((a, b) => a - b);
    const kind = event.shownKind;
    context.globalAlpha = event.target.state === "deleted" ? 0.35 : 1;
    context.lineWidth = 1.6;
    context.strokeStyle = kind === "alarm" ? colors.alarmEdge : colors[kind];
    context.fillStyle = colors[kind];
    context.beginPath();
    context.rect(left, y - 3.5, Math.max(right - left, 2), 7);
    if (event.state === "begun") context.setLineDash([4, 3]);
    else if (kind !== "miss") context.fill();
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  // Where a range ends on the timeline; one that is only begun, at the playhead.
  stopOf(event) {
    return event.state === "begun" ? this.seconds : event.stopSeconds;
  }

  drawNames(context) {
    const colors = this.palette.colors;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.font = "12px system-ui, sans-serif";
    this.lanes.forEach((label, lane) => {
      const name = this.labels[label];
      const y = (lane + (this.gutter ? 0.6 : 0)) * this.laneHeight;
      context.fillStyle = colors.text;
      if (this.gutter) context.fillText(shortened(context, name, this.gutter - 12), 2, y);
      else {
        context.font = "10px system-ui, sans-serif";
        context.globalAlpha = 0.75;
        context.fillText(shortened(context, name, 130), 4, y + 7);
        context.globalAlpha = 1;
      }
    });
  }

  drawOverview() {
    const width = this.overview.parentElement.clientWidth;
    const height = 40;
    const context = prepare(this.overview, width, height);
    const colors = this.palette.colors;
    const duration = this.video.frames.duration;
    for (const [from, to] of this.video.json.gaps) {
      hatch(context, (from / duration) * width, (to / duration) * width, height, colors.gap);
    }
    const rows = kindsOf(this.video).filter((kind) => kind !== "annotation");
    const share = (height - 4) / rows.length;
    for (const event of this.shown) {
      const row = rows.indexOf(event.shownKind === "added" ? rows[0] : event.shownKind);
      if (row < 0) continue;
      const [left, right] = [event.seconds, event.stopSeconds].map((seconds) => (seconds / duration) * width);
      context.fillStyle = colors[event.shownKind];
      context.globalAlpha = 0.7;
      context.fillRect(left - 0.75, 2 + row * share, right - left + 1.5, share - 1);
    }
    context.globalAlpha = 1;
  }

  placeMarkers() {
    if (!this.video || !this.width) return;
    const x = this.x(this.seconds);
    this.playhead.hidden = x < this.gutter - 1 || x > this.width + 1;
    this.playhead.style.transform = `translateX(${x}px)`;
    const whole = this.video.frames.duration;
    const overall = this.overview.clientWidth;
    this.overviewHead.style.transform = `translateX(${(this.seconds / whole) * overall}px)`;
    this.window.style.transform = `translateX(${(this.view.start / whole) * overall}px)`;
    this.window.style.width = `${(this.view.span / whole) * overall}px`;
    const event = this.chosen;
    const y = event && event.shownKind && this.laneOf ? this.y(event) : null;
    const at = event ? this.x(this.isAtEnd ? this.stopOf(event) : event.seconds) : 0;
    this.ring.hidden = y === null || at < this.gutter || at > this.width;
    if (!this.ring.hidden) this.ring.style.transform = `translate(${at}px, ${y}px)`;
  }

  // The event whose mark lies nearest to a point, within reach of a finger or a mouse.
  eventAt(x, y, reach) {
    let best = null;
    let least = reach;
    for (const event of this.shown) {
      const left = this.x(event.seconds);
      const right = this.x(this.stopOf(event));
      if (right < x - reach || left > x + reach) continue;
      const top = this.y(event);
      if (top === null) continue;
      const isLine = event.shownKind === "annotation";
      const aside = Math.max(left - x, x - right, 0);
      const away = Math.hypot(aside, isLine && !event.isRange ? Math.max(top - y, 0) : top - y);
      if (away < least && Math.abs(top - y) < this.laneHeight) [best, least] = [event, away];
    }
    return best;
  }

  listen() {
    this.isHeld = false;
    const drag = (element, timeAt, began) => {
      element.addEventListener("pointerdown", (press) => {
        if (press.button !== 0 || !this.video) return;
        const box = element.getBoundingClientRect();
        if (began?.(press.clientX - box.left, press.clientY - box.top, press.pointerType === "touch" ? 20 : 10)) return;
        element.setPointerCapture(press.pointerId);
        this.isHeld = true;
        const follow = (move) => this.sought(timeAt(move.clientX - box.left, box.width));
        const release = () => {
          this.isHeld = false;
          for (const name of ["pointermove", "pointerup", "pointercancel"]) {
            element.removeEventListener(name, name === "pointermove" ? follow : release);
          }
        };
        element.addEventListener("pointermove", follow);
        element.addEventListener("pointerup", release);
        element.addEventListener("pointercancel", release);
        follow(press);
      });
    };
    drag(this.canvas, (x) => this.time(x), (x, y, reach) => {
      const event = this.eventAt(x, y, reach);
      if (event) this.chose(event);
      return event !== null;
    });
    drag(this.overview, (x, width) => {
      const seconds = (x / width) * this.video.frames.duration;
      this.look(seconds - this.view.span / 2, this.view.span);
      return seconds;
    });
    this.canvas.addEventListener(
      "wheel",
      (turn) => {
        if (!this.video) return;
        if (turn.ctrlKey || turn.metaKey) {
          turn.preventDefault();
          this.zoom(Math.exp(turn.deltaY / 300), this.time(turn.offsetX));
        } else if (Math.abs(turn.deltaX) > Math.abs(turn.deltaY)) {
          turn.preventDefault();
          this.look(this.view.start + (turn.deltaX / this.width) * this.view.span, this.view.span);
        }
      },
      { passive: false },
    );
  }
}
