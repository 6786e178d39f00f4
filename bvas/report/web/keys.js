// What each key does, in the help and in fact.

const LABEL_KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

// The `act` names are methods of App, or of its part `on`. Without `page` a key is one of both pages.
const KEYS = [
  { keys: [" "], text: "Space", does: "play, pause", act: "togglePlay" },
  { keys: ["ArrowLeft", "ArrowRight"], text: "← →", does: "one frame back, on", act: "stepFrame" },
  { keys: ["Shift+ArrowLeft", "Shift+ArrowRight"], text: "Shift ← →", does: "one second back, on", act: "stepSecond" },
  { keys: ["ArrowUp", "ArrowDown"], text: "↑ ↓", does: "previous, next event of the list", act: "stepEvent" },
  { keys: ["p", "n"], text: "P N", does: "previous, next video", act: "stepVideo" },
  { keys: ["Home", "End"], text: "Home End", does: "first, last frame", act: "goToEdge" },
  { keys: ["-", "+", "="], text: "− +", does: "zoom the timeline out, in", act: "zoom" },
  { keys: LABEL_KEYS, text: "1 … 9", does: "mark that label at the frame on screen; a range: begin it, end it", act: "mark", on: "editing", page: "label" },
  { keys: ["t"], text: "T", does: "the label keys mark points, ranges", act: "toggleRanges", on: "editing", page: "label" },
  { keys: ["i", "o"], text: "I O", does: "begin a range at the frame on screen, end it there", act: "beginOrEnd", on: "editing" },
  { keys: ["Escape"], text: "Esc", does: "drop the range that was begun last", act: "drop", on: "editing" },
  { keys: ["k"], text: "K", does: "keep: the event is right", act: "keep", on: "editing", page: "report" },
  { keys: ["d", "Delete", "Backspace"], text: "D, Delete", does: "delete: it did not happen", act: "remove", on: "editing" },
  { keys: ["r"], text: "R", does: "go to the label of the chosen event", act: "focusLabel", on: "editing" },
  { keys: LABEL_KEYS, text: "1 … 9", does: "give it that label", act: "labelByNumber", on: "editing", page: "report" },
  { keys: LABEL_KEYS.map((key) => `Shift+${key}`), text: "Shift 1 … 9", does: "give it that label", act: "labelByNumber", on: "editing", page: "label" },
  { keys: [",", "."], text: ", .", does: "move it a frame earlier, later; of a range the shown end", act: "moveFrame", on: "editing" },
  { keys: ["h"], text: "H", does: "move it, or the shown end, to the frame on screen", act: "moveHere", on: "editing" },
  { keys: ["e"], text: "E", does: "go to the other end of a range", act: "goToOtherEnd" },
  { keys: ["a"], text: "A", does: "add an event at the frame on screen", act: "add", on: "editing" },
  { keys: ["Ctrl+z", "u"], text: "Ctrl Z, U", does: "undo", act: "undo", on: "editing" },
  { keys: ["Ctrl+Shift+z", "Ctrl+y"], text: "Ctrl Shift Z", does: "redo", act: "redo", on: "editing" },
  { keys: ["Ctrl+s"], text: "Ctrl S", does: "save", act: "save", on: "files" },
  { keys: ["m"], text: "M", does: "sound on, off", act: "toggleMute" },
  { keys: ["?"], text: "?", does: "this help", act: "help" },
];

function keysOf(page) {
  return KEYS.filter((key) => !key.page || key.page === page);
}
