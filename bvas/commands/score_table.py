"""Tables of scores for the terminal."""

from typing import TYPE_CHECKING

from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.metrics.score_sheet import ScoreSheet

_BARS = " ▁▂▃▄▅▆▇█"
_MAX_CONFUSIONS = 5


def sheet_lines(sheet: "ScoreSheet") -> list[str]:
    """Return the table of labels, timing, confusions and intervals; the score itself is `score_line`."""
    rules = sheet.rules
    points = {
        f"{rules.operating_points.get(label, rules.operating_point):g}" for label in rules.scored_labels
    }
    shown = points.pop() if len(points) == 1 else "their operating points"
    num_matches = len(sheet.matches)
    width = max(len(label) for label in (*rules.labels, *rules.scored_labels, "all labels")) + 2
    lines = [
        f"{count_text(num_matches, 'match')}, {count_text(len(sheet.matchings), 'video')}; spots at or above "
        f"{shown} within {sheet.tolerance_seconds:g} s:",
        f"  {'label':<{width}}{_metric_name(sheet):>12}{'exact AP':>10}{'hits':>8}{'misses':>8}{'false alarms':>14}"
        f"{'precision':>11}{'recall':>8}{'F1':>7}",
    ]
    for label, count in (*sheet.counts.items(), ("all labels", sheet.total)):
        score, exact = (
            (sheet.official.mean, sheet.exact.mean)
            if label == "all labels"
            else (sheet.official.per_label.get(label), sheet.exact.per_label[label])
        )
        lines.append(
            f"  {label:<{width}}{'' if score is None else f'{score:.3f}':>12}{exact:>10.3f}{count.hits:>8}"
            f"{count.misses:>8}{count.false_alarms:>14}{count.precision:>11.3f}{count.recall:>8.3f}{count.f1:>7.3f}"
        )
    if rules.sides is not None:
        by_label = ", ".join(f"{label} {score:.3f}" for label, score in sheet.official.per_label.items())
        lines.append(f"sides weighted by their annotations: {by_label}")
    return [*lines, *_timing_lines(sheet), *_confusion_lines(sheet), *_interval_lines(sheet)]


def score_line(sheet: "ScoreSheet") -> str:
    """Return the score with its name."""
    if sheet.rules.metric == "seconds":
        each = ", ".join(f"{score:.4f} within {t:g} s" for t, score in sheet.by_tolerance.items())
        return f"mAP {sheet.official.mean:.4f} ({each})"
    team = "team-" if sheet.rules.sides is not None else ""
    more = []
    if sheet.without_sides is not None:
        more.append(f"regardless of team {sheet.without_sides.mean:.4f}")
    if sheet.tally.annotations[:, 2].any():
        more.append(f"visible {sheet.official.visible_mean:.4f}, not shown {sheet.official.unshown_mean:.4f}")
    name = _metric_name(sheet).removeprefix("AP")
    return f"official {team}mAP{name} {sheet.official.mean:.4f}" + (f" ({'; '.join(more)})" if more else "")


def _metric_name(sheet: "ScoreSheet") -> str:
    metric = sheet.rules.metric
    return f"AP@{metric.removeprefix('at')}" if metric.startswith("at") else f"AP {metric}"


def _timing_lines(sheet: "ScoreSheet") -> list[str]:
    timing, histogram = sheet.timing, sheet.timing_histogram
    if timing is None:
        return []
    highest = max(histogram.counts)
    bars = "".join(_BARS[-(-count * (len(_BARS) - 1) // highest)] for count in histogram.counts)
    return [
        f"median timing error {timing.median_seconds:+.3f} s over {count_text(timing.num_hits, 'hit')} "
        f"(positive: late; middle half within {timing.spread_seconds:.3f} s)",
        f"  {histogram.edges_seconds[0]:+.2f} s |{bars}| {histogram.edges_seconds[-1]:+.2f} s",
    ]


def _confusion_lines(sheet: "ScoreSheet") -> list[str]:
    labels = list(sheet.counts)
    pairs = [
        (int(sheet.confusion[i, j]), true, spotted)
        for i, true in enumerate(labels)
        for j, spotted in enumerate(labels)
        if i != j and sheet.confusion[i, j]
    ]
    if not pairs:
        return []
    pairs.sort(key=lambda pair: -pair[0])
    shown = ", ".join(f"{true} for {spotted} {count}" for count, true, spotted in pairs[:_MAX_CONFUSIONS])
    more = f" and {len(pairs) - _MAX_CONFUSIONS} other pairs" if len(pairs) > _MAX_CONFUSIONS else ""
    return [f"missed and spotted as another label: {shown}{more}"]


def _interval_lines(sheet: "ScoreSheet") -> list[str]:
    if sheet.interval is None or sheet.exact.interval is None or sheet.rate_intervals is None:
        return []
    rates = [
        f"{name.replace('f1', 'F1')} {rate.low:.3f} to {rate.high:.3f}"
        for name, rate in sheet.rate_intervals.items()
    ]
    return [
        f"interval of the score {sheet.interval.text()}",
        f"  of the exact mAP {sheet.exact.interval.low:.4f} to {sheet.exact.interval.high:.4f}, {', '.join(rates)}",
    ]
