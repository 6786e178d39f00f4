// What each key does, in the help and in fact.

// The `act` names are methods of App.
const KEYS = [
  { keys: [" "], text: "Space", does: "play, pause", act: "togglePlay" },
  { keys: ["ArrowLeft", "ArrowRight"], text: "← →", does: "one frame back, on", act: "stepFrame" },
  { keys: ["Shift+ArrowLeft", "Shift+ArrowRight"], text: "Shift ← →", does: "one second back, on", act: "stepSecond" },
  { keys: ["ArrowUp", "ArrowDown"], text: "↑ ↓", does: "previous, next event of the list", act: "stepEvent" },
  { keys: ["Home", "End"], text: "Home End", does: "first, last frame", act: "goToEdge" },
  { keys: ["-", "+", "="], text: "− +", does: "zoom the timeline out, in", act: "zoom" },
  { keys: ["k"], text: "K", does: "keep: the event is right", act: "keep" },
  { keys: ["d", "Delete", "Backspace"], text: "D, Delete", does: "delete: it did not happen", act: "remove" },
  { keys: ["r"], text: "R", does: "go to the label of the chosen event", act: "focusLabel" },
  { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], text: "1 … 9", does: "give it that label", act: "labelByNumber" },
  { keys: [",", "."], text: ", .", does: "move it a frame earlier, later", act: "moveFrame" },
  { keys: ["h"], text: "H", does: "move it to the frame on screen", act: "moveHere" },
  { keys: ["a"], text: "A", does: "add an event at the frame on screen", act: "add" },
  { keys: ["Ctrl+z", "u"], text: "Ctrl Z, U", does: "undo", act: "undo" },
  { keys: ["Ctrl+Shift+z", "Ctrl+y"], text: "Ctrl Shift Z", does: "redo", act: "redo" },
  { keys: ["Ctrl+s"], text: "Ctrl S", does: "save corrections", act: "save" },
  { keys: ["m"], text: "M", does: "sound on, off", act: "toggleMute" },
  { keys: ["?"], text: "?", does: "this help", act: "help" },
];

function nameOf(press) {
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
  document.addEventListener("keydown", (press) => {
    if (press.altKey || document.querySelector("dialog[open]")) return;
    const name = nameOf(press);
    const key = KEYS.find(({ keys }) => keys.includes(name));
    if (!key || isTaken(press.target, name)) return;
    press.preventDefault();
    app[key.act](key.keys.indexOf(name));
  });
}
