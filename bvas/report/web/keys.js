// What each key does, in the help and in fact.

const LABEL_KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

// The `act` names are methods of App. Without `page` a key is one of both pages.
const KEYS = [
  { keys: [" "], text: "Space", does: "play, pause", act: "togglePlay" },
  { keys: ["ArrowLeft", "ArrowRight"], text: "← →", does: "one frame back, on", act: "stepFrame" },
  { keys: ["Shift+ArrowLeft", "Shift+ArrowRight"], text: "Shift ← →", does: "one second back, on", act: "stepSecond" },
  { keys: ["ArrowUp", "ArrowDown"], text: "↑ ↓", does: "previous, next event of the list", act: "stepEvent" },
  { keys: ["PageUp", "PageDown"], text: "Page ↑ ↓", does: "previous, next video", act: "stepVideo" },
  { keys: ["Home", "End"], text: "Home End", does: "first, last frame", act: "goToEdge" },
  { keys: ["-", "+", "="], text: "− +", does: "zoom the timeline out, in", act: "zoom" },
  { keys: LABEL_KEYS, text: "1 … 9", does: "mark that label at the frame on screen; a range: begin it, end it", act: "mark", page: "label" },
  { keys: ["t"], text: "T", does: "the label keys mark points, ranges", act: "toggleRanges", page: "label" },
  { keys: ["i", "o"], text: "I O", does: "begin a range at the frame on screen, end it there", act: "beginOrEnd" },
  { keys: ["Escape"], text: "Esc", does: "drop the range that was begun last", act: "drop" },
  { keys: ["k"], text: "K", does: "keep: the event is right", act: "keep", page: "report" },
  { keys: ["d", "Delete", "Backspace"], text: "D, Delete", does: "delete: it did not happen", act: "remove" },
  { keys: ["r"], text: "R", does: "go to the label of the chosen event", act: "focusLabel" },
  { keys: LABEL_KEYS, text: "1 … 9", does: "give it that label", act: "labelByNumber", page: "report" },
  { keys: LABEL_KEYS.map((key) => `Shift+${key}`), text: "Shift 1 … 9", does: "give it that label", act: "labelByNumber", page: "label" },
  { keys: [",", "."], text: ", .", does: "move it a frame earlier, later; of a range the shown end", act: "moveFrame" },
  { keys: ["h"], text: "H", does: "move it, or the shown end, to the frame on screen", act: "moveHere" },
  { keys: ["e"], text: "E", does: "go to the other end of a range", act: "goToOtherEnd" },
  { keys: ["a"], text: "A", does: "add an event at the frame on screen", act: "add" },
  { keys: ["Ctrl+z", "u"], text: "Ctrl Z, U", does: "undo", act: "undo" },
  { keys: ["Ctrl+Shift+z", "Ctrl+y"], text: "Ctrl Shift Z", does: "redo", act: "redo" },
  { keys: ["Ctrl+s"], text: "Ctrl S", does: "save", act: "save" },
  { keys: ["m"], text: "M", does: "sound on, off", act: "toggleMute" },
  { keys: ["?"], text: "?", does: "this help", act: "help" },
];

function keysOf(page) {
  return KEYS.filter((key) => !key.page || key.page === page);
}

function nameOf(press) {
  // Digits with Shift are other signs, which differ from keyboard to keyboard.
  const digit = /^Digit([1-9])$/.exec(press.code ?? "");
  if (digit && press.shiftKey && !/[0-9]/.test(press.key) && !press.ctrlKey && !press.metaKey) return `Shift+${digit[1]}`;
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  const control = press.ctrlKey || press.metaKey;
  // Shift is part of signs such as ? and + on some keyboards.
  const shift = press.shiftKey && (press.key.length > 1 || control);
  return `${control ? "Ctrl+" : ""}${shift ? "Shift+" : ""}${key}`;
}

// Whether the element with the focus has a use of its own for the key.
function isTaken(element, name) {
  if (name.startsWith("Ctrl+")) return element.matches("input:not([type=range]):not([type=checkbox]), textarea");
  if (element.matches("input, select, textarea")) return !(element.type === "checkbox" && name !== " ");
  return element.matches("button, a, summary") && (name === " " || name === "Enter");
}

function listenToKeys(app) {
  const known = keysOf(app.page);
  document.addEventListener("keydown", (press) => {
    if (press.altKey || document.querySelector("dialog[open]")) return;
    const name = nameOf(press);
    const key = known.find(({ keys }) => keys.includes(name));
    if (!key || isTaken(press.target, name)) return;
    press.preventDefault();
    app[key.act](key.keys.indexOf(name));
  });
}
