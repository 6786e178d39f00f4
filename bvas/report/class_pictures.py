"""Pictures of an evaluation of kind clip: confusion matrix and reliability diagram."""

from pathlib import Path

from bvas.evaluation.class_evaluation import ClassEvaluation
from bvas.report.confusion_plot import confusion_png
from bvas.report.reliability_plot import reliability_png
from bvas.system.atomic_files import write_bytes

CONFUSION_NAME = "confusion.png"
RELIABILITY_NAME = "reliability.png"


def write_class_pictures(evaluation: ClassEvaluation, experiment: str, folder: Path) -> list[Path]:
    """Write both pictures into a folder, and return their paths.

    Raises:
        DataError: they cannot be written.
    """
    heading = f"{experiment}, {', '.join(evaluation.sides)}"
    scores = evaluation.scores
    pictures = {
        CONFUSION_NAME: confusion_png(
            [("", scores.confusion)], evaluation.predictions.labels, heading=heading
        ),
        RELIABILITY_NAME: reliability_png(scores, heading=heading),
    }
    for name, content in pictures.items():
        write_bytes(folder / name, content)
    return [folder / name for name in pictures]
