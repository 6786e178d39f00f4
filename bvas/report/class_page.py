"""Error page of kind clip: figures, confusion matrix, and moving examples of each class, in a folder.

Data, script and style are in `index.html`; the examples lie beside it, in `examples/`.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bvas.errors import DecodeError
from bvas.evaluation.class_evaluation import ClassEvaluation
from bvas.loading.labelled_video import LabelledVideo
from bvas.metrics.class_scores import TOP, ClassificationScores
from bvas.report.class_examples import ClassExamples, class_examples
from bvas.report.confusion_plot import most_confused
from bvas.report.example_clips import write_example
from bvas.report.moving_sheet import write_moving_sheet
from bvas.report.page import page_document
from bvas.report.report_folder import PAGE_NAME, RECORD_NAME, report_record
from bvas.system.atomic_files import write_bytes, write_json
from bvas.system.file_names import shown_text
from bvas.values.plural import count_text
from bvas.values.progress import Progress

logger = logging.getLogger(__name__)

EXAMPLES_NAME = "examples"
SHEET_NAME = "moving_sheet.mp4"
MOST_CLASSES = 60
"""Classes with examples on a page, and in its matrix: those with the most errors."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassReport:
    """Content of the page."""

    title: str
    evaluation: ClassEvaluation
    classes: tuple[ClassExamples, ...]
    """Of all classes; those that the page does not show have no examples."""
    shown: tuple[int, ...]
    """Classes that the page shows."""

    @property
    def names(self) -> set[str]:
        """Samples that are shown."""
        return {one.name for of_class in self.classes for one in of_class.shown}


def class_report(evaluation: ClassEvaluation, experiment: str, most: int) -> ClassReport:
    """Return the content of the page.

    Args:
        evaluation: Predictions and their figures.
        experiment: Its name.
        most: Right and wrong examples of a class, each.
    """
    shown = most_confused(evaluation.scores.confusion, MOST_CLASSES)
    every = class_examples(evaluation.predictions, most)
    kept = [
        one
        if place in shown
        else ClassExamples(
            label=one.label, num_right=one.num_right, num_wrong=one.num_wrong, right=(), wrong=()
        )
        for place, one in enumerate(every)
    ]
    return ClassReport(
        title=f"{experiment}, {', '.join(evaluation.sides)}",
        evaluation=evaluation,
        classes=tuple(kept),
        shown=tuple(shown),
    )


def write_class_folder(
    report: ClassReport,
    videos: Mapping[str, LabelledVideo],
    out: Path,
    *,
    max_height: int,
    made_from: str,
    progress: Callable[[str], AbstractContextManager[Progress]],
) -> Path:
    """Write the page, its examples and the moving sheet, and return the page's path.

    Args:
        report: The content.
        videos: All samples that are shown, by name.
        out: The folder.
        max_height: Taller examples are scaled down to it.
        made_from: Place of the results, for `check_same_report`.
        progress: Gives what is called with the examples done.

    Raises:
        DataError: the folder cannot be written.
    """
    folder = out / EXAMPLES_NAME
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(report.names)
    hrefs: dict[str, str] = {}
    with progress("examples") as bar:
        for number, name in enumerate(names):
            path = folder / f"{number:05}.mp4"
            try:
                write_example(videos[name], path, max_height=max_height)
                hrefs[name] = f"{EXAMPLES_NAME}/{path.name}"
            except DecodeError as error:
                logger.warning("no moving picture of %s: %s", name, error)
            bar(number + 1, len(names))
    written = {Path(href).name for href in hrefs.values()}
    for path in folder.glob("*.mp4"):
        if path.name not in written:
            path.unlink()
    write_moving_sheet(out / SHEET_NAME, report.classes, videos, heading=report.title, among=report.shown)
    num_bytes = sum(path.stat().st_size for path in folder.glob("*.mp4"))
    document = page_document(
        report.title,
        class_page_data(report, hrefs, num_bytes),
        body="classes.html",
        styles=("page.css", "classes.css"),
        scripts=("classes.js",),
    )
    write_json(out / RECORD_NAME, report_record(made_from, [SHEET_NAME]))
    write_bytes(out / PAGE_NAME, shown_text(document).encode())
    return out / PAGE_NAME


def class_page_data(report: ClassReport, hrefs: Mapping[str, str], num_bytes: int) -> dict[str, Any]:
    """Return what the page shows, as plain data.

    Args:
        report: The content.
        hrefs: Address of each example's file, by its sample; none where it cannot be decoded.
        num_bytes: Size of all examples.
    """
    scores, predictions = report.evaluation.scores, report.evaluation.predictions
    groups = len(set(predictions.groups))
    examples = [one for place in report.shown for one in report.classes[place].shown]
    mebibytes = f"{num_bytes / 2**20:.1f} MiB"
    notes = [
        f"{count_text(len(predictions.names), 'sample')} of {count_text(groups, 'group')}.",
        f"{count_text(len(examples), 'example')} on this page, {mebibytes}: the surest of each class.",
    ]
    if len(report.shown) < len(report.classes):
        notes.append(
            f"Matrix and examples: {len(report.shown)} of {len(report.classes)} classes, with the most errors."
        )
    if scores.intervals is not None:
        interval = scores.intervals["accuracy"]
        notes.append(f"Intervals: {100 * interval.level:.0f} %, bootstrap over groups.")
    return {
        "title": report.title,
        "notes": notes,
        "sheet": SHEET_NAME,
        "figures": _figures(scores),
        "labels": list(predictions.labels),
        "shown": list(report.shown),
        "confusion": scores.confusion[list(report.shown)][:, list(report.shown)].tolist(),
        "classes": [
            {**asdict(rates), "right": one.num_right, **_taken_for(scores, place)}
            for place, (rates, one) in enumerate(zip(scores.classes.values(), report.classes, strict=True))
        ],
        "examples": [
            {
                "truth": one.truth,
                "predicted": one.predicted,
                "confidence": round(one.confidence, 4),
                "trueConfidence": round(one.true_confidence, 4),
                "name": one.name,
                "group": one.group,
                "href": hrefs.get(one.name),
            }
            for one in examples
        ],
    }


def _figures(scores: ClassificationScores) -> list[dict[str, str]]:
    rows: Sequence[tuple[str, str, float | None, str]] = (
        ("accuracy", "accuracy", scores.accuracy, ""),
        ("macro_f1", "macro F1", scores.macro.f1, ""),
        ("balanced_accuracy", "balanced accuracy", scores.balanced_accuracy, ""),
        ("", f"top-{TOP} accuracy", scores.top_5, ""),
        ("", "majority class", scores.majority_accuracy, f"always {scores.majority}"),
        ("", "calibration error", scores.calibration_error, ""),
    )
    found = []
    for key, name, value, remark in rows:
        if value is None:
            continue
        if scores.intervals is not None and key:
            interval = scores.intervals[key]
            remark = f"{interval.low:.3f} to {interval.high:.3f}"
        found.append({"name": name, "value": f"{value:.3f}", "remark": remark})
    return found


def _taken_for(scores: ClassificationScores, place: int) -> dict[str, int | None]:
    """Return the class that the wrong samples of a class were most often taken for, and how many."""
    row = scores.confusion[place].copy()
    row[place] = 0
    best = int(row.argmax())
    return {"takenFor": best, "taken": int(row[best])} if row[best] else {"takenFor": None, "taken": 0}
