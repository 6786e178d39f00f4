// Which events are shown, and how many there are of each label and kind.

class Filter {
  constructor(numLabels, confidence, kinds) {
    this.labels = new Set(Array.from({ length: numLabels }, (_, label) => label));
    // Answered annotations stand beside their hits only when asked for.
    this.kinds = new Set([...kinds.filter((kind) => kind !== "annotation"), "added"]);
    this.confidence = confidence;
    this.undecidedOnly = false;
    this.suspectsOnly = false; // then of all videos
    this.order = "time";
  }

  // A miss is an annotation too: it is shown with either of the two kinds.
  allows(kind) {
    return this.kinds.has(kind) || (kind === "miss" && this.kinds.has("annotation"));
  }

  // Of some videos: `listed`, events in order, and the counts that the buttons bear: of each kind among the chosen
  // labels, of each label among the chosen kinds. `marked` has those beside the suspects too, to see them on the timeline.
  apply(videos, numLabels) {
    const [listed, marked] = [[], []];
    const byKind = { hit: 0, miss: 0, alarm: 0, spot: 0, annotation: 0, added: 0, mark: 0 };
    const byLabel = new Array(numLabels).fill(0);
    for (const event of videos.flatMap((video) => video.events)) {
      event.shownKind = null;
      const kind = event.kind(this.confidence, event.video.isAnnotated);
      if (kind === null || (this.undecidedOnly && event.target.isDecided)) continue;
      const isLabel = this.labels.has(event.listedLabel);
      const isKind = this.allows(kind);
      const isListed = event.suspect !== null || !this.suspectsOnly;
      if (isLabel && isListed) {
        byKind[kind]++;
        if (kind === "miss") byKind.annotation++;
      }
      if (isKind && isListed) byLabel[event.listedLabel]++;
      if (!isLabel || !isKind) continue;
      event.shownKind = kind;
      marked.push(event);
      if (isListed) listed.push(event);
    }
    listed.sort(ORDERS[this.order]);
    return { listed, marked, byKind, byLabel };
  }
}

const byTime = (a, b) => a.frame - b.frame || a.label - b.label;
// The annotation of a suspect before its spot.
const byOrigin = (a, b) => (a.origin > b.origin) - (a.origin < b.origin);
const ORDERS = {
  time: byTime,
  suspicion: (a, b) => (a.suspect?.rank ?? Infinity) - (b.suspect?.rank ?? Infinity) || byOrigin(a, b) || byTime(a, b),
  confidence: (a, b) => (b.confidence ?? -1) - (a.confidence ?? -1) || byTime(a, b),
  doubt: (a, b) => (a.confidence ?? 2) - (b.confidence ?? 2) || byTime(a, b),
  timing: (a, b) => Math.abs(b.error ?? 0) - Math.abs(a.error ?? 0) || byTime(a, b),
};

// Hits, misses and false alarms of each label at a confidence, over videos; null without annotations.
// Raising the confidence takes spots away and pairs none anew, so what was matched once holds at each.
function tally(videos, numLabels, confidence) {
  if (!videos.every((video) => video.isAnnotated)) return null;
  const counts = Array.from({ length: numLabels }, () => ({ hit: 0, miss: 0, alarm: 0, errors: [] }));
  for (const video of videos) {
    for (const event of [...video.annotations, ...video.spots]) {
      const kind = event.kind(confidence, true);
      if (kind === null || kind === "annotation") continue;
      const count = counts[event.label0];
      count[kind]++;
      if (kind === "hit") count.errors.push(event.error);
    }
  }
  return counts;
}
