// What the page says about the state of things; all text goes in as text.

class View {
  constructor(app) {
    this.app = app;
  }

  // What never changes.
  fillPage() {
    const { data } = this.app;
    document.title = data.title;
    byId("title").textContent = data.title;
    byId("about").textContent = data.about;
    for (const note of data.notes) byId("notes").append(element("p", note));
    byId("notes").append(element("p", "Made by bvas."));
    byId("plots").hidden = !this.app.isAnnotated;
    for (const video of this.app.videos) byId("video-choice").append(element("option", video.name));
    byId("choice").hidden = this.app.videos.length < 2;
    for (const select of [byId("relabel"), byId("add-label")]) {
      data.labels.forEach((label, i) => select.append(new Option(label, String(i))));
    }
    const numSuspects = this.app.videos.reduce((sum, video) => sum + video.suspects.length, 0);
    byId("suspects-choice").hidden = !numSuspects;
    byId("suspects-count").textContent = numSuspects;
    byId("order").querySelector("[value=suspicion]").hidden = !numSuspects;
    const slider = byId("confidence");
    [slider.min, slider.max] = [String(data.confidence), "1"];
    slider.value = String(data.confidence);
    document.body.classList.add(this.app.page);
    if (this.app.page === "label") this.fillMarks();
    for (const { text, does } of keysOf(this.app.page)) byId("keys").append(element("dt", text), element("dd", does));
    for (const kind of this.app.page === "label" ? [] : this.app.kinds) {
      const sign = byId("key").appendChild(element("span", `${KINDS[kind].sign} ${KINDS[kind].name}`));
      sign.className = kind;
    }
  }

  // A button for each label.
  fillMarks() {
    const { data } = this.app;
    this.marks = data.labels.map((label, number) => {
      const button = byId("marks").appendChild(element("button"));
      if (number < 9) button.append(element("kbd", String(number + 1)), " ");
      button.append(label);
      button.addEventListener("click", () => this.app.editing.mark(number));
      return button;
    });
    byId("save").textContent = `Save ${data.labelling.file}`;
    byId("place").textContent = data.labelling.path;
  }

  showMarks() {
    const { marksRanges, begun } = this.app.editing;
    byId("mark-ranges").setAttribute("aria-pressed", marksRanges);
    this.marks.forEach((button, label) => {
      button.setAttribute("aria-pressed", begun.some((event) => event.label === label));
    });
  }

  showFigures() {
    const { data, filter, videos } = this.app;
    const figures = data.figures.map(([value, name]) => ["", value, name]);
    const counts = tally(videos, data.labels.length, filter.confidence);
    if (counts === null) {
      figures.push(["spot", String(drawSpotTable(byId("table"), data, videos, filter.confidence)), data.found]);
    } else {
      const total = drawTable(byId("table"), data, counts);
      const { hit, miss, alarm } = total;
      const percent = (whole) => (whole ? `${Math.round((100 * hit) / whole)} %` : "-");
      figures.push(["hit", String(hit), `hits of ${hit + miss} annotations`], ["miss", String(miss), "misses"]);
      figures.push(["alarm", String(alarm), "false alarms"]);
      figures.push(["", percent(hit + alarm), "precision"], ["", percent(hit + miss), "recall"]);
      const labels = [...filter.labels].sort((a, b) => a - b);
      drawPrecisionRecall(byId("precision-recall"), data, labels, counts);
      this.showPlotKey(labels);
      const errors = labels.flatMap((label) => counts[label].errors);
      byId("timing-text").textContent = drawTiming(byId("timing"), errors, data.tolerance);
    }
    byId("figures").replaceChildren(
      ...figures.map(([kind, value, name]) => {
        const figure = element("li");
        figure.className = kind;
        figure.append(element("b", value), element("span", name));
        return figure;
      }),
    );
    const all = videos.length > 1 ? `, all ${videos.length} videos` : "";
    byId("table-title").textContent = `By label${all}, confidence ${filter.confidence.toFixed(2)} and more`;
  }

  showPlotKey(labels) {
    byId("plot-key").replaceChildren(
      ...labels.map((label) => {
        const sample = svg("svg", { viewBox: "0 0 24 8", width: 24, height: 8, "aria-hidden": "true" });
        sample.append(svg("line", { x1: 0, x2: 24, y1: 4, y2: 4, "stroke-width": 2, ...strokeOf(label) }));
        const entry = element("span");
        entry.append(sample, ` ${this.app.data.labels[label]}`);
        return entry;
      }),
    );
  }

  showPosition() {
    const { frame } = this.app.player;
    const seconds = this.app.frames.start(frame);
    const clock = this.app.video.json.clock_offset ? ` · clock ${this.app.video.clock(seconds)}` : "";
    byId("position").textContent = `${momentText(seconds)} · frame ${frame}${clock}`;
    const slider = byId("detail");
    slider.setAttribute("aria-valuenow", frame);
    slider.setAttribute("aria-valuetext", `${momentText(seconds)}, frame ${frame}`);
    this.app.timeline.setPosition(seconds);
  }

  showPlaying() {
    const { isPlaying, element: video } = this.app.player;
    byId("play").textContent = isPlaying ? "❚❚" : "▶";
    byId("play").setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    byId("mute").setAttribute("aria-pressed", video.muted);
  }

  showNoVideo(text) {
    byId("no-video").hidden = text === null;
    byId("no-video").textContent = text ?? "";
    byId("video").hidden = text !== null;
  }

  showChosen() {
    const event = this.app.chosen;
    const text = byId("chosen");
    text.replaceChildren();
    for (const id of ["keep", "delete", "relabel", "earlier", "later", "here"]) byId(id).disabled = !event;
    byId("other-end").hidden = !event?.isRange;
    byId("other-end").textContent = this.app.isAtEnd ? "To the start" : "To the end";
    if (!event) {
      text.textContent = "No event chosen: click one, or press ↓.";
      return;
    }
    const sign = text.appendChild(element("b", `${KINDS[event.shownKind].sign} ${KINDS[event.shownKind].name}`));
    sign.className = event.shownKind;
    const parts = [this.app.data.labels[event.listedLabel], spanText(event), framesText(event)];
    if (event.confidence !== null) parts.push(`confidence ${event.confidence.toFixed(2)}`);
    if (event.shownKind === "hit") parts.push(`${event.isRange ? "start " : ""}${signed(event.error)} s off`);
    if (event.suspect) parts.push(`suspect ${event.suspect.rank}: ${suspectText(event, this.app.data)}`);
    const decision = decisionText(event, this.app.data.labels);
    text.append(` ${parts.join(" · ")}`);
    if (event.isRange && this.app.isAtEnd) text.append(" · at its end");
    if (decision) text.append(" · ", element("strong", decision));
    byId("relabel").value = String(event.target.label);
    byId("keep").setAttribute("aria-pressed", event.target.state === "kept");
    byId("delete").setAttribute("aria-pressed", event.target.state === "deleted");
  }

  showCorrections() {
    const { done, undone } = this.app.corrections;
    byId("undo").disabled = !done.length;
    byId("redo").disabled = !undone.length;
    const { data, video, editing } = this.app;
    const open = editing.begun.map(({ label, seconds, frame }) => `${data.labels[label]} begun at ${momentText(seconds)}, frame ${frame}`);
    const isFresh = this.app.page === "label" && !video.events.length;
    byId("begun").textContent = isFresh ? "Go to a frame and press the key of a label; ? lists the keys." : open.join("; ");
    for (const id of ["end", "drop"]) byId(id).disabled = !editing.begun.length;
    if (this.app.page === "label") {
      const counted = this.app.videos.map((one) => one.events.filter((event) => event.counts));
      const ranges = counted.flat().filter((event) => event.isRange).length;
      const [points, all] = [counted.flat().length - ranges, counted.length > 1 ? `, ${counted.length} videos` : ""];
      byId("corrected").textContent = `${plural(points, "point")}, ${plural(ranges, "range")}${all}`;
      byId("empty").checked = video.isEmpty;
      byId("empty-choice").hidden = counted[this.app.videos.indexOf(video)].length > 0;
      this.showMarks();
      return;
    }
    const counts = Object.entries(this.app.corrections.counts()).filter(([, count]) => count);
    byId("corrected").textContent = counts.length
      ? counts.map(([what, count]) => `${count} ${what}`).join(", ")
      : "No corrections yet.";
  }
}
