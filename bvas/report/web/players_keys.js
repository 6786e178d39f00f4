// Keys of the players page, in the help and in fact.

// The `act` names are methods of App, or of its part `on`. Without `mode` a key is one of both.
const PLAYERS_KEYS = [
  { keys: [" "], text: "Space", does: "play, pause", act: "togglePlay" },
  { keys: ["ArrowLeft", "ArrowRight"], text: "← →", does: "one frame back, on", act: "stepFrame" },
  { keys: ["Shift+ArrowLeft", "Shift+ArrowRight"], text: "Shift ← →", does: "one second back, on", act: "stepSecond" },
  { keys: ["Home", "End"], text: "Home End", does: "first, last frame", act: "goToEdge" },
  { keys: ["ArrowUp", "ArrowDown"], text: "↑ ↓", does: "previous, next player of the list", act: "stepEntry", mode: "correct" },
  { keys: ["ArrowUp", "ArrowDown"], text: "↑ ↓", does: "previous, next box of the list", act: "stepEntry", mode: "choose" },
  { keys: ["-", "+", "="], text: "− +", does: "zoom the timeline out, in", act: "zoom", mode: "correct" },

  { keys: ["b"], text: "B", does: "a box at the center: the arrows move it, Shift with them resizes it", act: "begin", on: "editing", mode: "choose" },
  { keys: ["Enter"], text: "Enter", does: "keep that box; or move the chosen one again", act: "keepOrChange", on: "editing", mode: "choose" },
  { keys: ["Shift+ArrowUp", "Shift+ArrowDown"], text: "Shift ↑ ↓", does: "make that box lower, higher", act: "stepHeight", mode: "choose" },
  { keys: ["Escape"], text: "Esc", does: "drop what was begun", act: "drop", on: "editing" },

  { keys: ["m"], text: "M", does: "merge another player into the chosen one", act: "beginMerge", on: "editing", mode: "correct" },
  { keys: ["x"], text: "X", does: "exchange the chosen player with another from this frame on", act: "beginSwap", on: "editing", mode: "correct" },
  { keys: ["Enter"], text: "Enter", does: "do it with the player that ↑ ↓ picked", act: "finish", on: "editing", mode: "correct" },
  { keys: ["s"], text: "S", does: "split: from this frame on a new player", act: "split", on: "editing", mode: "correct" },
  { keys: ["n"], text: "N", does: "name the chosen one; Enter ends it", act: "focusName" },
  { keys: ["d", "Delete", "Backspace"], text: "D, Delete", does: "remove the chosen one", act: "remove", on: "editing" },
  { keys: [",", "."], text: ", .", does: "previous, next action of the chosen player", act: "stepAction", on: "editing", mode: "correct" },
  { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], text: "1 … 9", does: "give the action at this frame that label", act: "relabelByNumber", on: "editing", mode: "correct" },
  { keys: ["r"], text: "R", does: "go to the label of the action", act: "focusLabel", mode: "correct" },
  { keys: ["Ctrl+z", "u"], text: "Ctrl Z, U", does: "undo", act: "undo", on: "editing" },
  { keys: ["Ctrl+Shift+z", "Ctrl+y"], text: "Ctrl Shift Z", does: "redo", act: "redo", on: "editing" },
  { keys: ["Ctrl+s"], text: "Ctrl S", does: "save", act: "save", on: "files" },
  { keys: ["v"], text: "V", does: "sound on, off", act: "toggleMute" },
  { keys: ["?"], text: "?", does: "this help", act: "help" },
];

function playersKeysOf(mode) {
  return PLAYERS_KEYS.filter((key) => !key.mode || key.mode === mode);
}
