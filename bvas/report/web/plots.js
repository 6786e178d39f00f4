// Plots and the table of figures, as SVG and HTML elements; all text goes in as text.

function svg(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const PLOT = { width: 440, height: 300, left: 42, right: 12, top: 10, bottom: 40 };
const DASHES = ["", "6 3", "2 3", "8 3 2 3"];

// A color and a dash for each label: six colors that are told apart with every common color blindness.
function strokeOf(label) {
  return { stroke: `var(--label-${label % 6})`, "stroke-dasharray": DASHES[Math.floor(label / 6) % 4] };
}

// Precision over recall of the chosen labels, from all candidates; a dot stands at the confidence that is shown.
function drawPrecisionRecall(root, data, chosen, counts) {
  const { width, height, left, right, top, bottom } = PLOT;
  const x = (recall) => left + recall * (width - left - right);
  const y = (precision) => height - bottom - precision * (height - top - bottom);
  const plot = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  plot.setAttribute("aria-label", "Precision over recall of each label; the table below has the figures");
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    plot.append(svg("line", { x1: x(share), x2: x(share), y1: y(0), y2: y(1), class: "grid" }));
    plot.append(svg("line", { x1: x(0), x2: x(1), y1: y(share), y2: y(share), class: "grid" }));
    plot.append(svg("text", { x: x(share), y: y(0) + 16, "text-anchor": "middle" }, String(share)));
    plot.append(svg("text", { x: left - 7, y: y(share) + 4, "text-anchor": "end" }, String(share)));
  }
  plot.append(svg("text", { x: x(0.5), y: height - 5, "text-anchor": "middle" }, "recall"));
  const across = svg("text", { x: 0, y: 0, "text-anchor": "middle" }, "precision");
  across.setAttribute("transform", `translate(11 ${y(0.5)}) rotate(-90)`);
  plot.append(across);
  for (const label of chosen) {
    const curve = data.precision_recall[label];
    if (!curve.recall.length) continue;
    const points = curve.recall.map((recall, i) => `${x(recall).toFixed(1)},${y(curve.precision[i]).toFixed(1)}`);
    const path = svg("polyline", { points: points.join(" "), fill: "none", "stroke-width": 1.8, ...strokeOf(label) });
    path.append(svg("title", {}, data.labels[label]));
    plot.append(path);
    const { hit, miss, alarm } = counts[label];
    if (hit + alarm === 0 || hit + miss === 0) continue;
    const dot = svg("circle", { cx: x(hit / (hit + miss)), cy: y(hit / (hit + alarm)), r: 4.5, class: "dot" });
    dot.style.fill = strokeOf(label).stroke;
    dot.append(svg("title", {}, data.labels[label]));
    plot.append(dot);
  }
  root.replaceChildren(plot);
}

// How many hits come how early or late, within the tolerance; returns a sentence about them.
function drawTiming(root, errors, tolerance) {
  const { width, height, left, right, top, bottom } = PLOT;
  const numBins = 25;
  const bins = new Array(numBins).fill(0);
  for (const error of errors) {
    const bin = Math.floor(((error + tolerance) / (2 * tolerance)) * numBins);
    bins[Math.min(Math.max(bin, 0), numBins - 1)]++;
  }
  const most = Math.max(...bins, 1);
  const x = (seconds) => left + ((seconds + tolerance) / (2 * tolerance)) * (width - left - right);
  const floor = height - bottom;
  const plot = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  plot.setAttribute("aria-label", "Histogram of the timing errors of hits; early on the left, late on the right");
  const wide = (width - left - right) / numBins;
  bins.forEach((count, bin) => {
    const from = -tolerance + (bin / numBins) * 2 * tolerance;
    const tall = (count / most) * (floor - top);
    const bar = svg("rect", { x: x(from) + 1, y: floor - tall, width: wide - 2, height: tall, class: "bar" });
    bar.append(svg("title", {}, `${signed(from)} to ${signed(from + (2 * tolerance) / numBins)} s: ${count}`));
    plot.append(bar);
  });
  plot.append(svg("line", { x1: x(0), x2: x(0), y1: top, y2: floor, class: "middle" }));
  plot.append(svg("line", { x1: left, x2: width - right, y1: floor, y2: floor, class: "base" }));
  plot.append(svg("text", { x: left - 7, y: top + 8, "text-anchor": "end" }, String(most)));
  for (const share of [-1, -0.5, 0, 0.5, 1]) {
    const anchor = share === -1 ? "start" : share === 1 ? "end" : "middle";
    const text = share === 0 ? "on time" : `${signed(share * tolerance)} s`;
    plot.append(svg("text", { x: x(share * tolerance), y: floor + 16, "text-anchor": anchor }, text));
  }
  plot.append(svg("text", { x: x(0), y: height - 5, "text-anchor": "middle" }, "found minus annotation"));
  root.replaceChildren(plot);
  if (!errors.length) return "No hits.";
  const ordered = [...errors].sort((a, b) => a - b);
  const median = quantile(ordered, 0.5);
  const spread = quantile(ordered, 0.75) - quantile(ordered, 0.25);
  const side = Math.abs(median) < 0.005 ? "on time" : `${Math.abs(median).toFixed(2)} s too ${median > 0 ? "late" : "early"}`;
  return `Half of ${errors.length === 1 ? "the 1 hit" : `the ${errors.length} hits`} lie within ${spread.toFixed(2)} s; the median is ${side}.`;
}

function signed(seconds) {
  return `${seconds < 0 ? "−" : "+"}${Math.abs(seconds).toFixed(2)}`;
}

function quantile(ordered, share) {
  const place = share * (ordered.length - 1);
  const low = Math.floor(place);
  return ordered[low] + (place - low) * ((ordered[low + 1] ?? ordered[low]) - ordered[low]);
}

// The table by label: counts, rates, timing, average precision; with a line of totals.
function drawTable(table, data, counts) {
  const scores = Object.entries(data.average_precisions);
  const head = ["label", "annotations", data.found, "hits", "misses", "false alarms", "precision", "recall", "F1", "timing"];
  const rows = counts.map((count, label) => [
    data.labels[label],
    ...cells(count),
    ...scores.map(([, values]) => (100 * values[label]).toFixed(1)),
  ]);
  const total = { hit: 0, miss: 0, alarm: 0, errors: [] };
  for (const count of counts) {
    for (const kind of ["hit", "miss", "alarm"]) total[kind] += count[kind];
    total.errors.push(...count.errors);
  }
  const means = scores.map(([, values]) => ((100 * values.reduce((a, b) => a + b, 0)) / values.length).toFixed(1));
  rows.push(["all", ...cells(total), ...means]);
  // Of one label it is no mean.
  fillTable(table, [...head, ...scores.map(([name]) => name.replace("mAP", "AP"))], rows);
  return total;
}

function cells({ hit, miss, alarm, errors }) {
  const percent = (part, whole) => (whole ? `${Math.round((100 * part) / whole)} %` : "-");
  const ordered = [...errors].sort((a, b) => a - b);
  return [
    ...[hit + miss, hit + alarm, hit, miss, alarm].map(String),
    percent(hit, hit + alarm),
    percent(hit, hit + miss),
    hit + alarm && hit + miss ? percent(2 * hit, 2 * hit + alarm + miss) : "-",
    ordered.length ? `${signed(quantile(ordered, 0.5))} s` : "-",
  ];
}

// Without annotations: how many spots of each label, and how many a minute.
function drawSpotTable(table, data, videos, confidence) {
  const minutes = videos.reduce((sum, video) => sum + video.frames.duration, 0) / 60;
  const counts = data.labels.map(() => 0);
  for (const video of videos) for (const spot of video.spots) if (spot.confidence >= confidence) counts[spot.label0]++;
  const rows = counts.map((count, label) => [data.labels[label], String(count), (count / minutes).toFixed(1)]);
  const all = counts.reduce((a, b) => a + b, 0);
  rows.push(["all", String(all), (all / minutes).toFixed(1)]);
  fillTable(table, ["label", data.found, "per minute"], rows);
  return all;
}

function fillTable(table, head, rows) {
  const line = (cells, tag) => {
    const row = document.createElement("tr");
    cells.forEach((text, i) => {
      const cell = document.createElement(tag === "th" || i === 0 ? "th" : "td");
      if (tag === "th") cell.scope = "col";
      else if (i === 0) cell.scope = "row";
      cell.textContent = text;
      row.append(cell);
    });
    return row;
  };
  const [top, body] = [document.createElement("thead"), document.createElement("tbody")];
  top.append(line(head, "th"));
  body.append(...rows.map((cells) => line(cells, "td")));
  body.lastChild.className = "total";
  table.replaceChildren(top, body);
}
