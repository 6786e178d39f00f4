// Elements of a page, and texts of counts and times.

const plural = (count, name) => `${count} ${name}${count === 1 ? "" : "s"}`;

const byId = (id) => document.getElementById(id);

function element(name, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
}

// "mm:ss", rounded down; minutes go on above 59.
function minutesText(seconds) {
  const whole = Math.floor(seconds);
  const rest = Math.abs(whole);
  const text = `${String(Math.floor(rest / 60)).padStart(2, "0")}:${String(rest % 60).padStart(2, "0")}`;
  return whole < 0 ? `-${text}` : text;
}

// "mm:ss.cc"
function momentText(seconds) {
  const hundredths = Math.round(seconds * 100);
  const rest = String(hundredths % 100).padStart(2, "0");
  return `${minutesText(Math.floor(hundredths / 100))}.${rest}`;
}
