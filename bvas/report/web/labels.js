// Files of a label page: labels.json, which is a dataset.json, and SoccerNet's labels of one video.

// The dataset that the page was made from, with the annotations of its videos as they are now.
function datasetOf(data, videos) {
  const { content } = data.labelling;
  const matches = [...content.matches];
  for (const video of videos) {
    const { annotations, ...entry } = matches[video.json.entry];
    const counted = video.events.filter((event) => event.counts).sort(byTime);
    const rows = counted.map((event) => ({ ...event.more, ...spanOf(event), label: data.labels[event.label] }));
    // Without annotations, and unless it is said that nothing happens, nobody has looked at it.
    const isLabelled = rows.length > 0 || video.isEmpty || annotations !== undefined;
    matches[video.json.entry] = isLabelled ? { ...entry, annotations: rows } : entry;
  }
  return { ...content, labels: data.labels, matches };
}

// A saved labels.json as corrections of this page: what it does not have is deleted.
function correctionsOf(content, data, videos) {
  const known = Object.fromEntries(videos.map((video) => [data.labelling.content.matches[video.json.entry].name, video]));
  const entries = (content?.matches ?? []).filter((match) => known[match.name]).map((match) => {
    const video = known[match.name];
    const rows = (match.annotations ?? []).map((row) => ({ ...row, origin: "annotation" }));
    const at = (span) => keyOf(span.label, span.from_frame ?? span.frame, span.to_frame ?? null);
    const there = new Set(rows.map(at));
    const given = video.annotations.map((event) => ({
      ...spanOf({ frame: event.frame0, end: event.end0 }),
      label: data.labels[event.label0],
      origin: "annotation",
    }));
    const { match: name, part, file } = video.json;
    const deleted = given.filter((span) => !there.has(at(span)));
    return { match: name, part, file, num_frames: video.frames.count, annotations: rows, deleted };
  });
  return { format: FORMAT, videos: entries };
}

// Points in SoccerNet's form; ranges are left out. As bvas.data.soccernet_files writes positions.
function soccerNetOf(video, labels) {
  const points = video.events.filter((event) => event.counts && !event.isRange).sort(byTime);
  const annotations = points.map((event) => {
    const { team, visible } = { team: event.team, visible: event.visible, ...event.more };
    return {
      gameTime: `1 - ${minutesText(event.seconds)}`,
      label: labels[event.label],
      position: String(positionOf(event.frame, video.frames)),
      team: team ?? "",
      visibility: visible === false ? "not shown" : "visible",
    };
  });
  return { UrlLocal: video.json.match, annotations };
}

// Milliseconds from which the frame follows: the official reader truncates `rate * position / 1000`.
function positionOf(frame, frames) {
  if (frames.times) return Math.round(frames.start(frame) * 1000);
  const position = Math.ceil((frame * 1000) / frames.rate - 1e-6);
  return Math.floor(frames.rate * (position / 1000)) >= frame ? position : position + 1;
}
