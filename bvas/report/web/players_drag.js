// Boxes drawn, moved and resized by mouse or finger.

const REACH = { mouse: 9, touch: 18, pen: 12 }; // of a corner, in pixels of the window

function drawByHand(screen, choosing) {
  screen.canvas.addEventListener("pointerdown", (press) => {
    if (press.button !== 0) return;
    press.preventDefault();
    choosing.pause();
    const begin = screen.toSource(press.clientX, press.clientY);
    const drag = dragAt(screen, choosing, begin, (REACH[press.pointerType] ?? 9) * screen.pixel);
    screen.canvas.setPointerCapture(press.pointerId);
    let isMoved = false;
    const follow = (move) => {
      const now = screen.toSource(move.clientX, move.clientY);
      isMoved ||= Math.hypot(now[0] - begin[0], now[1] - begin[1]) > 3 * screen.pixel;
      if (!isMoved) return;
      choosing.draft = { box: drag.boxAt(now), place: drag.place };
      choosing.app.refresh();
    };
    const release = (end) => {
      screen.canvas.removeEventListener("pointermove", follow);
      for (const name of ["pointerup", "pointercancel"]) screen.canvas.removeEventListener(name, release);
      if (!isMoved) return;
      const [, , width, height] = choosing.draft.box;
      const isLarge = Math.min(width, height) >= LEAST_SIDE;
      if (end.type === "pointerup" && isLarge) choosing.keep();
      else choosing.drop();
    };
    screen.canvas.addEventListener("pointermove", follow);
    for (const name of ["pointerup", "pointercancel"]) screen.canvas.addEventListener(name, release);
  });
}

// What a drag from a point does: resizes the chosen box by a corner, moves the box there, or draws a new one.
function dragAt(screen, choosing, begin, reach) {
  const corner = screen.boxes.find((one) => one.hasHandles && cornerNear(one.box, begin, reach));
  if (corner) {
    const place = choosing.draft ? choosing.draft.place : corner.key;
    const [x, y] = oppositeOf(corner.box, cornerNear(corner.box, begin, reach));
    choosing.draft = null;
    return { place, boxAt: (now) => spanned([x, y], now, choosing.size) };
  }
  const found = screen.boxAt(begin);
  const isDraft = found && choosing.draft && found.isChosen;
  if (isDraft) {
    const { box, place } = choosing.draft;
    return { place, boxAt: moved(box, begin, choosing.size) };
  }
  choosing.settle();
  if (!found) {
    choosing.choose(null);
    return { place: null, boxAt: (now) => spanned(begin, now, choosing.size) };
  }
  choosing.choose(found.key);
  return { place: found.key, boxAt: moved(found.box, begin, choosing.size) };
}

function moved(box, begin, size) {
  return (now) => within([box[0] + now[0] - begin[0], box[1] + now[1] - begin[1], box[2], box[3]], size);
}

function cornerNear(box, [x, y], reach) {
  return cornersOf(box).find((corner) => Math.abs(corner[0] - x) < reach && Math.abs(corner[1] - y) < reach);
}

function oppositeOf([x, y, width, height], corner) {
  return [corner[0] === x ? x + width : x, corner[1] === y ? y + height : y];
}

// The box between two points, cut at the picture.
function spanned(one, other, { width, height }) {
  const cut = ([x, y]) => [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
  const [first, second] = [cut(one), cut(other)];
  const [x, y] = [0, 1].map((axis) => Math.min(first[axis], second[axis]));
  return [x, y, Math.abs(first[0] - second[0]), Math.abs(first[1] - second[1])];
}
