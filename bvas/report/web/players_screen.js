// Boxes over the picture, at the frame on screen.

const DASHES = [[], [7, 5], [2, 3]]; // solid, dashed, dotted

class Screen {
  constructor(canvas, video, size, colors) {
    Object.assign(this, { canvas, video, colors });
    [this.sourceHeight, this.sourceWidth] = size;
    this.boxes = [];
    new ResizeObserver(() => this.draw()).observe(video);
    video.addEventListener("loadedmetadata", () => this.draw());
  }

  // Shows boxes {box, number, caption, isChosen, isOther, hasHandles}; the chosen one lies on top.
  show(boxes) {
    this.boxes = boxes;
    this.draw();
  }

  colorOf(number) {
    return this.colors[(number - 1) % this.colors.length];
  }

  // Where the picture stands in the canvas: the preview's pixels are square, those of the source maybe not.
  place() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    const shape = this.video.videoWidth ? this.video.videoWidth / this.video.videoHeight : this.sourceWidth / this.sourceHeight;
    const outer = { width: this.video.clientWidth || width, height: this.video.clientHeight || height };
    const shown = Math.min(outer.width, outer.height * shape);
    const size = { width: shown, height: shown / shape };
    return { left: (width - size.width) / 2, top: (height - size.height) / 2, ...size };
  }

  toCanvas([x, y, width, height]) {
    const place = this.place();
    const [across, down] = [place.width / this.sourceWidth, place.height / this.sourceHeight];
    return [place.left + x * across, place.top + y * down, width * across, height * down];
  }

  // Pixels of the source at a point of the window.
  toSource(clientX, clientY) {
    const place = this.place();
    const around = this.canvas.getBoundingClientRect();
    return [
      ((clientX - around.left - place.left) / place.width) * this.sourceWidth,
      ((clientY - around.top - place.top) / place.height) * this.sourceHeight,
    ];
  }

  // How many pixels of the source one of the window is.
  get pixel() {
    return this.sourceWidth / this.place().width;
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    const context = prepare(this.canvas, width, height);
    const isOnTop = (one) => (one.isChosen ? 1 : 0);
    for (const one of [...this.boxes].sort((a, b) => isOnTop(a) - isOnTop(b))) this.drawBox(context, one);
  }

  drawBox(context, { box, number, caption, isChosen, isOther, hasHandles }) {
    const [x, y, width, height] = this.toCanvas(box);
    const color = this.colorOf(number);
    const strokes = isChosen ? [["#000", 7], ["#fff", 5], [color, 3]] : [["rgb(0 0 0 / .65)", 4], [color, 2]];
    for (const [style, thickness] of isOther ? [["#000", 6], ["#fff", 4]] : strokes) {
      // Colors come again with another line, as in the annotated video.
      const again = style === color ? Math.floor((number - 1) / this.colors.length) % DASHES.length : 0;
      context.setLineDash(isOther && style === "#fff" ? DASHES[1] : DASHES[again]);
      [context.strokeStyle, context.lineWidth] = [style, thickness];
      context.strokeRect(x, y, width, height);
    }
    context.setLineDash([]);
    if (hasHandles) for (const [cx, cy] of cornersOf([x, y, width, height])) this.drawHandle(context, cx, cy);
    this.drawCaption(context, caption, x, y, color, isChosen);
  }

  drawHandle(context, x, y) {
    context.fillStyle = "#fff";
    context.strokeStyle = "#000";
    context.lineWidth = 1.5;
    context.beginPath();
    context.rect(x - 5, y - 5, 10, 10);
    context.fill();
    context.stroke();
  }

  drawCaption(context, caption, x, y, color, isChosen) {
    context.font = `${isChosen ? "bold " : "600 "}13px system-ui, sans-serif`;
    context.textBaseline = "middle";
    const width = context.measureText(caption).width + 10;
    const left = Math.min(Math.max(x - 1, 0), Math.max(this.canvas.parentElement.clientWidth - width, 0));
    const top = y >= 20 ? y - 20 : y + 2;
    context.fillStyle = color;
    context.fillRect(left, top, width, 19);
    if (isChosen) {
      [context.strokeStyle, context.lineWidth] = ["#fff", 1.5];
      context.strokeRect(left, top, width, 19);
    }
    context.fillStyle = inkOn(color);
    context.fillText(caption, left + 5, top + 10.5);
  }

  // The box at a point of the source: of several the smallest.
  boxAt([x, y]) {
    const isIn = ({ box }) => x >= box[0] && y >= box[1] && x <= box[0] + box[2] && y <= box[1] + box[3];
    return this.boxes.filter(isIn).sort((a, b) => a.box[2] * a.box[3] - b.box[2] * b.box[3])[0] ?? null;
  }
}

function cornersOf([x, y, width, height]) {
  return [[x, y], [x + width, y], [x, y + height], [x + width, y + height]];
}

// Black or white, whichever reads better on "#RRGGBB".
function inkOn(color) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));
  return 0.3 * red + 0.59 * green + 0.11 * blue > 140 ? "#000" : "#fff";
}
