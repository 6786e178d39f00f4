"""Findings of `bvas data check` about clips with a class each: counts, table, pictures."""

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.data.clip_table import FileRow
    from bvas.data.data_check import DataCheck
    from bvas.experiment.experiment import Experiment

logger = logging.getLogger(__name__)


def size_rows(rows: Sequence["FileRow"]) -> list[tuple[str, str]]:
    """Return frames and seconds of clips, as named texts."""
    if not rows:
        return []
    frames, seconds = [row.frames for row in rows], [row.seconds for row in rows]
    return [
        (
            "frames",
            f"{sum(frames):,} in all; {min(frames)} to {max(frames)} a clip, median {median(frames):g}",
        ),
        (
            "seconds",
            f"{sum(seconds):,.1f} in all; {min(seconds):.2f} to {max(seconds):.2f} a clip, "
            f"median {median(seconds):.2f}",
        ),
    ]


def with_clips(rows: Sequence["FileRow"], experiment: "Experiment") -> list["FileRow"]:
    """Return rows with the number of possible clips of an experiment in each: where one may begin."""
    from bvas.loading.class_clips import possible_centers

    rate, spacing = float(experiment.input.rate), experiment.classes.spacing_frames
    found = []
    for row in rows:
        # As many frames as a grid has in it; times in the table are rounded.
        num_frames = max(1, math.ceil(row.seconds * rate - 0.01))
        clips = len(possible_centers(0, num_frames, experiment.clip, spacing))
        found.append(replace(row, clips=clips))
    return found


def drawn_counts(check: "DataCheck", experiment: "Experiment | None") -> dict[str, int]:
    """Return how many training clips of each label an epoch has, after balancing.

    Args:
        check: The findings.
        experiment: Of kind clip, or None: one clip of each sample, balanced by the defaults.
    """
    from bvas.data.clip_table import file_rows, training_counts, training_rows
    from bvas.experiment.class_config import ClassConfig

    if experiment is None or experiment.kind != "clip":
        config, counts = ClassConfig(), training_counts(check)
    else:
        config, counts = experiment.classes, Counter[str]()
        for row in with_clips(training_rows(check, file_rows(check)), experiment):
            assert row.clips is not None
            counts[row.label] += min(row.clips, config.clips_per_sample or row.clips)
    return config.balanced_counts({label: counts[label] for label in labels_of(check)})


def labels_of(check: "DataCheck") -> list[str]:
    """Return the labels of the task in its order, then other labels of the files."""
    used = {label for label, _ in check.counts}
    return [*check.task.labels, *sorted(used - set(check.task.labels))]


def class_lines(check: "DataCheck", sides: Sequence[str], drawn: Mapping[str, int]) -> list[str]:
    """Return a line for each class: all clips, those of each side, and those that an epoch draws."""
    labels = labels_of(check)
    widest = max([24, *map(len, labels)])
    lines = [f"  {'clips':<{widest}}{'all':>8}" + "".join(f"{side:>8}" for side in sides) + f"{'drawn':>8}"]
    totals = Counter[str]()
    for (label, _), count in check.counts.items():
        totals[label] += count
    for label in labels:
        per_side = "".join(f"{check.counts[label, side]:>8}" for side in sides)
        lines.append(f"  {label:<{widest}}{totals[label]:>8}{per_side}{drawn[label]:>8}")
    sums = [sum(check.counts[label, side] for label in labels) for side in sides]
    per_side = "".join(f"{number:>8}" for number in sums)
    lines.append(f"  {'':<{widest}}{totals.total():>8}{per_side}{sum(drawn.values()):>8}")
    return lines


def class_json(check: "DataCheck", drawn: Mapping[str, int]) -> dict[str, Any]:
    """Return the training clips of each class before and after balancing, as plain values."""
    from bvas.data.clip_table import training_counts

    counts = training_counts(check)
    return {label: {"training": counts[label], "drawn": drawn[label]} for label in labels_of(check)}


def write_pictures(check: "DataCheck", drawn: Mapping[str, int], folder: Path) -> None:
    """Write histogram.png and sheet.png; of more classes than a sheet holds, sheet_1.png and so on."""
    from bvas.data.clip_table import training_counts
    from bvas.report.class_histogram import class_histogram_png
    from bvas.report.class_sheet import class_sheets
    from bvas.report.contact_sheet import png
    from bvas.system.atomic_files import write_bytes

    counts = training_counts(check)
    labels = labels_of(check)
    folder.mkdir(parents=True, exist_ok=True)
    title = f"Training clips of {count_text(len(labels), 'class')}"
    histogram = class_histogram_png({label: counts[label] for label in labels}, drawn, heading=title)
    write_bytes(folder / "histogram.png", histogram)
    sheets = class_sheets(check.matches, check.task.labels)
    names = (
        ["sheet.png"] if len(sheets) == 1 else [f"sheet_{number + 1}.png" for number in range(len(sheets))]
    )
    for name, sheet in zip(names, sheets, strict=True):
        write_bytes(folder / name, png(sheet))
    logger.info("%s: histogram.png, %s", folder, ", ".join(names))
