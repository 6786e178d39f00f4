// Lines, signs and texts on a canvas.

// Sets a canvas to a size in CSS pixels and returns its context, empty.
function prepare(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const size = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) {
    [canvas.width, canvas.height] = size;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

function line(context, x0, y0, x1, y1, color) {
  context.strokeStyle = color;
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function hatch(context, left, right, height, color) {
  context.save();
  context.beginPath();
  context.rect(left, 0, Math.max(right - left, 2), height);
  context.clip();
  context.lineWidth = 1;
  for (let x = left - height; x < right; x += 7) line(context, x, height, x + height, 0, color);
  context.restore();
}

// Each outcome has a shape of its own, so that no reading depends on color.
function drawSign(context, kind, x, y, colors, isDeleted) {
  const shape = new Path2D();
  if (kind === "miss") diamond(shape, x, y, 5);
  else if (kind === "alarm") triangle(shape, x, y, 5.5);
  else if (kind === "added" || kind === "mark") shape.rect(x - 4, y - 4, 8, 8);
  else shape.arc(x, y, 4.2, 0, 7);
  context.globalAlpha = isDeleted ? 0.35 : 1;
  context.lineWidth = 1.6;
  context.fillStyle = kind === "miss" ? colors.back : colors[kind];
  context.strokeStyle = kind === "alarm" ? colors.alarmEdge : colors[kind];
  context.fill(shape);
  context.stroke(shape);
  context.globalAlpha = 1;
  if (isDeleted) {
    line(context, x - 6, y - 6, x + 6, y + 6, colors.text);
    line(context, x - 6, y + 6, x + 6, y - 6, colors.text);
  }
}

function diamond(shape, x, y, size) {
  shape.moveTo(x, y - size);
  shape.lineTo(x + size, y);
  shape.lineTo(x, y + size);
  shape.lineTo(x - size, y);
  shape.closePath();
}

function triangle(shape, x, y, size) {
  shape.moveTo(x, y - size);
  shape.lineTo(x + size, y + size * 0.8);
  shape.lineTo(x - size, y + size * 0.8);
  shape.closePath();
}

function shortened(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let kept = text.slice(0, 40);
  while (kept && context.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}

// The colors of the style sheet, for canvases.
class Palette {
  constructor(changed) {
    this.read();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.read();
      changed();
    });
  }

  read() {
    const style = getComputedStyle(document.documentElement);
    const names = ["back", "text", "faint", "line", "grid", "hit", "miss", "alarm", "annotation", "curve", "fill", "gap"];
    this.colors = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.colors.alarmEdge = style.getPropertyValue("--alarm-edge").trim();
    this.colors.spot = this.colors.hit;
    this.colors.added = this.colors.mark = style.getPropertyValue("--added").trim();
  }
}
