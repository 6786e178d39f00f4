// The list of shown events. Only rows in sight exist, so two thousand cost what twenty do.

class EventList {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.inside = root.querySelector(".inside");
    this.rows = [];
    this.shown = [];
    this.chosen = null;
    this.chose = () => {};
    this.isDue = false;
    root.addEventListener("scroll", () => this.redraw());
    new ResizeObserver(() => this.redraw()).observe(root);
    this.inside.addEventListener("click", (press) => {
      const row = press.target.closest(".row");
      if (row) this.chose(this.shown[row.place]);
    });
  }

  get rowHeight() {
    return this.rows.length ? this.rows[0].offsetHeight || 40 : 40;
  }

  // `isOfAll`: of all videos, with what makes them suspects.
  setEvents(shown, isOfAll) {
    this.shown = shown;
    this.isOfAll = isOfAll;
    this.root.classList.toggle("of-all", isOfAll);
    this.root.scrollTop = Math.min(this.root.scrollTop, this.rowHeight * shown.length);
    this.redraw();
  }

  setChosen(event) {
    this.chosen = event;
    const place = this.shown.indexOf(event);
    if (place >= 0) {
      const top = place * this.rowHeight;
      const { scrollTop, clientHeight } = this.root;
      if (top < scrollTop) this.root.scrollTop = top - this.rowHeight;
      else if (top + this.rowHeight > scrollTop + clientHeight) {
        this.root.scrollTop = top + 2 * this.rowHeight - clientHeight;
      }
    }
    this.redraw();
  }

  redraw() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.draw();
    });
  }

  draw() {
    if (!this.rows.length) this.rows.push(this.newRow());
    const height = this.rowHeight;
    const first = Math.max(Math.floor(this.root.scrollTop / height) - 2, 0);
    const wanted = Math.ceil(this.root.clientHeight / height) + 5;
    this.inside.style.height = `${this.shown.length * height}px`;
    while (this.rows.length < wanted) this.rows.push(this.newRow());
    const places = new Set();
    for (let place = first; place < Math.min(first + wanted, this.shown.length); place++) {
      this.fill(this.rows[place % this.rows.length], place, height);
      places.add(place % this.rows.length);
    }
    this.rows.forEach((row, i) => (row.hidden = !places.has(i)));
    const place = this.shown.indexOf(this.chosen);
    const row = place >= 0 && places.has(place % this.rows.length) ? this.rows[place % this.rows.length] : null;
    if (row && row.place === place) this.root.setAttribute("aria-activedescendant", row.id);
    else this.root.removeAttribute("aria-activedescendant");
  }

  newRow() {
    const row = document.createElement("div");
    row.className = "row";
    row.id = `row-${this.rows.length}`;
    row.setAttribute("role", "option");
    row.cells = {};
    for (const name of ["sign", "moment", "label", "flag", "figure", "decision", "why"]) {
      row.cells[name] = row.appendChild(document.createElement("span"));
      row.cells[name].className = name;
    }
    row.cells.sign.setAttribute("aria-hidden", "true");
    this.inside.append(row);
    return row;
  }

  // Where a video belongs, as far as this page needs it.
  whereOf(video) {
    const isOne = this.data.videos.every(({ match }) => match === video.json.match);
    return `half ${video.json.part}${isOne ? "" : ` of ${video.json.match.split("/").at(-1)}`}`;
  }

  fill(row, place, height) {
    const event = this.shown[place];
    const { video, seconds, suspect } = event;
    const kind = KINDS[event.shownKind];
    const isChosen = event === this.chosen;
    const decision = decisionText(event, this.data.labels);
    row.place = place;
    row.style.transform = `translateY(${place * height}px)`;
    row.className = `row ${event.shownKind}${isChosen ? " chosen" : ""}`;
    row.classList.toggle("deleted", event.target.state === "deleted");
    row.setAttribute("aria-selected", isChosen);
    row.setAttribute("aria-posinset", place + 1);
    row.setAttribute("aria-setsize", this.shown.length);
    row.setAttribute("aria-label", describe(event, this.data));
    row.cells.sign.textContent = kind.sign;
    row.cells.moment.textContent = momentText(seconds);
    row.cells.moment.title = video.json.clock_offset ? `match clock ${video.clock(seconds)}` : "";
    row.cells.label.textContent = this.data.labels[event.listedLabel];
    row.cells.flag.textContent = suspect ? suspect.rank : "";
    row.cells.flag.title = suspect ? `suspect ${suspect.rank}, suspicion ${suspect.suspicion.toFixed(2)}` : "";
    row.cells.why.textContent = this.isOfAll ? `${suspectText(event, this.data)} · ${this.whereOf(video)}` : "";
    row.cells.figure.textContent = figureText(event);
    row.cells.decision.textContent = decision;
  }
}

function figureText(event) {
  const end = event.isRange && event.state !== "begun" ? `to ${momentText(event.stopSeconds)}` : "";
  if (event.confidence === null) return end;
  const confidence = event.confidence.toFixed(2);
  if (event.isRange) return `${end}  ${confidence}`;
  if (event.shownKind !== "hit") return confidence;
  return `${confidence}  ${event.error < 0 ? "−" : "+"}${Math.abs(event.error).toFixed(2)} s`;
}

// An event in words, for those who hear the page.
function describe(event, data) {
  const { labels } = data;
  const parts = [KINDS[event.shownKind ?? event.origin]?.name ?? event.origin, labels[event.listedLabel]];
  parts.push(event.state === "begun" ? momentText(event.seconds) : spanText(event));
  if (event.confidence !== null) parts.push(`confidence ${event.confidence.toFixed(2)}`);
  if (event.shownKind === "hit") {
    const begins = event.isRange ? "begins " : "";
    parts.push(`${begins}${event.error < 0 ? "early" : "late"} by ${Math.abs(event.error).toFixed(2)} s`);
  }
  if (event.suspect) parts.push(`suspect ${event.suspect.rank}`, suspectText(event, data));
  const decision = decisionText(event, labels);
  if (decision) parts.push(decision);
  return parts.join(", ");
}
