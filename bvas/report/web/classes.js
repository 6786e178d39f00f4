// Error page of kind clip: figures, confusion matrix, table, and examples that play while they are on screen.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

function make(tag, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

function button(text, description, act) {
  const element = make("button", text);
  element.title = description;
  element.setAttribute("aria-label", description);
  element.addEventListener("click", act);
  return element;
}

const percent = (share) => `${Math.round(100 * share)} %`;
const plural = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

function showHead() {
  byId("title").textContent = data.title;
  byId("about").textContent = data.notes.join(" ");
  byId("sheet").href = data.sheet;
  for (const { name, value, remark } of data.figures) {
    const item = make("li");
    item.append(make("b", value), make("span", name), make("span", remark && `(${remark})`, "remark"));
    byId("figures").append(item);
  }
}

function choose(truth, predicted, outcome = "") {
  byId("truth").value = truth;
  byId("predicted").value = predicted;
  byId("outcome").value = outcome;
  showExamples();
  byId("examples").scrollIntoView({ block: "start" });
}

function cell(row, column, count, support) {
  const truth = data.shown[row], predicted = data.shown[column];
  const place = make("td");
  if (!count) {
    place.append(make("span"));
    return place;
  }
  const share = count / support;
  const words = row === column
    ? `${data.labels[truth]}: ${count} of ${support} right`
    : `${data.labels[truth]} taken for ${data.labels[predicted]}: ${count} of ${support}`;
  const element = button(String(count), words, () => choose(truth, predicted));
  element.append(make("small", percent(share)));
  const color = row === column ? "0, 114, 178" : "185, 79, 0";
  element.style.background = `rgba(${color}, ${0.12 + 0.88 * share})`;
  if (share > 0.7) element.className = "strong";
  place.append(element);
  return place;
}

function showMatrix() {
  const table = byId("matrix"), head = table.createTHead().insertRow(), body = table.createTBody();
  table.className = data.shown.length > 20 ? "many" : "";
  head.append(make("td"));
  for (const label of data.shown) {
    const title = make("th");
    title.scope = "col";
    title.append(button(data.labels[label], `all that was taken for ${data.labels[label]}`, () => choose("", label)));
    head.append(title);
  }
  data.confusion.forEach((counts, row) => {
    const line = body.insertRow(), label = data.shown[row], title = make("th");
    title.scope = "row";
    title.append(button(data.labels[label], `all of ${data.labels[label]}`, () => choose(label, "")));
    line.append(title);
    counts.forEach((count, column) => line.append(cell(row, column, count, data.classes[label].support)));
  });
}

function showTable() {
  const table = byId("classes"), head = table.createTHead().insertRow(), body = table.createTBody();
  for (const name of ["class", "precision", "recall", "F1", "samples", "right", "mostly taken for"]) {
    const title = make("th", name);
    title.scope = "col";
    head.append(title);
  }
  data.classes.forEach((one, number) => {
    const line = body.insertRow(), name = make("th", data.labels[number]);
    name.scope = "row";
    name.title = data.labels[number];
    line.append(name);
    for (const value of [one.precision, one.recall, one.f1]) line.append(make("td", value.toFixed(2)));
    line.append(make("td", one.support), make("td", one.right));
    const last = make("td");
    if (one.takenFor !== null) {
      const link = make("a", `${data.labels[one.takenFor]} (${one.taken})`);
      link.href = "#examples";
      link.addEventListener("click", (event) => { event.preventDefault(); choose(number, one.takenFor); });
      if (data.shown.includes(number)) last.append(link); else last.textContent = link.textContent;
    } else last.textContent = "none";
    line.append(last);
  });
}

const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
let isPaused = still;
// A browser has players for some dozens of videos at a time: those off screen give theirs back.
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) {
      target.src = target.dataset.href;
      target.playbackRate = target.defaultPlaybackRate = Number(byId("speed").value);
      if (!isPaused) target.play().catch(() => {});
    } else if (target.hasAttribute("src")) {
      target.removeAttribute("src");
      target.load();
    }
  }
}, { rootMargin: "150px" });

function card(one) {
  const isRight = one.truth === one.predicted;
  const element = make("article", "", isRight ? "card" : "card wrong"), picture = make("div", "", "picture");
  if (one.href) {
    const video = make("video");
    Object.assign(video, { muted: true, loop: true, playsInline: true });
    video.dataset.href = one.href;
    video.setAttribute("aria-label", `${data.labels[one.truth]}, predicted ${data.labels[one.predicted]}`);
    picture.append(video);
    watcher.observe(video);
  } else picture.textContent = "cannot be decoded";
  const first = make("p");
  first.append(make("b", `${data.labels[one.predicted]} ${one.confidence.toFixed(2)}`, isRight ? "hit" : "miss"));
  element.append(picture, first);
  const second = isRight ? "right" : `true: ${data.labels[one.truth]} ${one.trueConfidence.toFixed(2)}`;
  element.append(make("p", second), make("p", `${one.name}, group ${one.group}`, "faint"));
  return element;
}

function block(title, examples, total, pairs = []) {
  const found = document.createDocumentFragment();
  const more = examples.length < total ? `, ${examples.length} shown` : "";
  found.append(make("h4", `${title}: ${total}${more}${pairs.length ? ", taken for" : ""}`));
  if (pairs.length) {
    const links = make("div", "", "pairs");
    links.append(...pairs);
    found.append(links);
  }
  const cards = make("div", "", "cards");
  cards.append(...examples.map(card));
  if (examples.length) found.append(cards);
  return found;
}

function showClass(label, chosen, predicted, outcome) {
  const of = data.classes[label], section = make("section", "", "class");
  section.append(make("h3", data.labels[label]));
  if (!of.support) {
    section.append(make("p", "no sample of this class", "faint"));
    return section;
  }
  const own = data.shown.indexOf(label);
  if (outcome !== "wrong" && (predicted === "" || predicted === label)) {
    section.append(block("right", chosen.filter((one) => one.predicted === label), of.right));
  }
  if (outcome === "right") return section;
  if (predicted !== "") {
    if (predicted !== label) section.append(block(`taken for ${data.labels[predicted]}`, chosen, data.confusion[own][data.shown.indexOf(predicted)]));
    return section;
  }
  const taken = data.confusion[own].map((count, place) => [data.shown[place], count]);
  const pairs = taken.filter(([other, count]) => count && other !== label).sort((a, b) => b[1] - a[1]);
  const rank = new Map(pairs.map(([other], place) => [other, place]));
  const wrong = chosen.filter((one) => one.predicted !== label);
  // Those of a pair stay in their order: the surest first.
  wrong.sort((a, b) => (rank.get(a.predicted) ?? pairs.length) - (rank.get(b.predicted) ?? pairs.length));
  if (of.right < of.support) section.append(block("wrong", wrong, of.support - of.right, pairs.map(([other, count]) => {
    const name = data.labels[other];
    return button(`${count} ${name}`, `${data.labels[label]} taken for ${name}`, () => choose(label, other));
  })));
  if (of.right === of.support && predicted === "") section.append(make("p", "no wrong sample", "faint"));
  return section;
}

function showExamples() {
  const [truth, predicted] = ["truth", "predicted"].map((id) => (byId(id).value === "" ? "" : Number(byId(id).value)));
  const outcome = byId("outcome").value, list = byId("list-of-classes");
  watcher.disconnect();
  list.replaceChildren();
  let shown = 0;
  for (const label of data.shown) {
    if (truth !== "" && truth !== label) continue;
    const own = data.confusion[data.shown.indexOf(label)];
    if (predicted !== "" && !own[data.shown.indexOf(predicted)]) continue;
    const chosen = data.examples.filter((one) => one.truth === label
      && (predicted === "" || one.predicted === predicted)
      && (outcome === "" || (outcome === "right") === (one.predicted === label)));
    if (outcome === "wrong" && predicted === label) continue;
    if (outcome === "right" && predicted !== "" && predicted !== label) continue;
    list.append(showClass(label, chosen, predicted, outcome));
    shown += chosen.length;
  }
  byId("count").textContent = `${plural(shown, "example")}. More with bvas report --examples.`;
}

function showChoices() {
  for (const id of ["truth", "predicted"]) {
    byId(id).append(new Option("all", ""), ...data.shown.map((label) => new Option(data.labels[label], label)));
    byId(id).addEventListener("change", showExamples);
  }
  byId("outcome").addEventListener("change", showExamples);
  byId("all").addEventListener("click", () => choose("", ""));
  const videos = () => document.querySelectorAll(".card video[src]");
  byId("speed").addEventListener("change", () => {
    for (const video of videos()) video.playbackRate = video.defaultPlaybackRate = Number(byId("speed").value);
  });
  const showPlaying = () => { byId("play").textContent = isPaused ? "Play" : "Pause"; };
  byId("play").addEventListener("click", () => {
    isPaused = !isPaused;
    for (const video of videos()) isPaused ? video.pause() : video.play().catch(() => {});
    showPlaying();
  });
  byId("play").removeAttribute("aria-pressed");
  showPlaying();
}

showHead();
showMatrix();
showTable();
showChoices();
showExamples();
document.body.dataset.ready = "";
