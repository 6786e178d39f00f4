// Presses of keys: the act of a page that belongs to each.

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

// A list that was opened by hand gives the keys back once something is chosen in it.
function giveKeysBack() {
  let isByHand = false;
  document.addEventListener("pointerdown", () => (isByHand = true));
  document.addEventListener("keydown", () => (isByHand = false));
  document.addEventListener("change", ({ target }) => {
    if (isByHand && target.matches("select")) target.blur();
  });
}

// The `act` names of the keys are methods of the app, or of its part `on`.
function listenToKeys(app, known) {
  giveKeysBack();
  document.addEventListener("keydown", (press) => {
    if (press.altKey || document.querySelector("dialog[open]")) return;
    const name = nameOf(press);
    const key = known.find(({ keys }) => keys.includes(name));
    if (!key || isTaken(press.target, name)) return;
    press.preventDefault();
    (key.on ? app[key.on] : app)[key.act](key.keys.indexOf(name));
  });
}
