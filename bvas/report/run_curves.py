"""Observer of runs that draws curves of the log, and confusion matrices of the best epoch, beside the weights."""

import time
from typing import Any

import numpy as np
import torch

from bvas.models.clip_model import ClipModel
from bvas.report.confusion_plot import confusion_png
from bvas.report.history_plot import history_png
from bvas.system.atomic_files import write_bytes
from bvas.system.text_files import read_json
from bvas.tasks.kind_choice import kind_of
from bvas.training.history import HISTORY_NAME
from bvas.training.observer import RunView
from bvas.training.resume import best_epoch
from bvas.training.run_logs import read_log

CURVES_NAME = "curves.png"
CONFUSION_NAME = "confusion.png"
EVERY_SECONDS = 60.0
"""While a run goes on, its pictures are drawn at most so often; after the last epoch always."""
_SIDES = {"train": "training", "val": "validation"}


class RunCurves:
    """Writes `curves.png`, and for kinds with confusion matrices `confusion.png`, into the fold's folder."""

    def __init__(self) -> None:
        self._drawn_at = 0.0

    def begin(self, run: RunView, epoch: int) -> None:
        """Remove the pictures of another run."""
        self._drawn_at = time.monotonic()
        if not epoch:
            for name in (CURVES_NAME, CONFUSION_NAME):
                (run.folder / name).unlink(missing_ok=True)

    def epoch_done(
        self, run: RunView, epoch: int, model: ClipModel, autocast_dtype: torch.dtype | None
    ) -> None:
        """Draw after the last epoch, and before it where the last drawing is a minute old."""
        config = run.experiment.train
        is_last = epoch + 1 == config.warmup_epochs + config.epochs
        if not is_last and time.monotonic() - self._drawn_at < EVERY_SECONDS:
            return
        rows = read_log(run.folder)
        figure = kind_of(run.experiment).best_figure
        best = best_epoch(rows, f"val_{figure}")
        heading = f"{run.experiment.name}, fold {run.fold}"
        write_bytes(run.folder / CURVES_NAME, history_png(rows, heading=heading, best=best))
        self._draw_confusion(run, epoch if best is None else best, heading)
        self._drawn_at = time.monotonic()

    def _draw_confusion(self, run: RunView, epoch: int, heading: str) -> None:
        path = run.folder / HISTORY_NAME
        entries = read_json(path) if path.is_file() else []
        tables: dict[str, Any] = next((entry for entry in entries if entry["epoch"] == epoch), {})
        matrices = [
            (title, np.array(tables[side]["confusion"], np.int64))
            for side, title in _SIDES.items()
            if "confusion" in tables.get(side, {})
        ]
        if matrices:
            labels = run.experiment.task.labels.names
            png = confusion_png(matrices, labels, heading=f"{heading}, epoch {epoch + 1}")
            write_bytes(run.folder / CONFUSION_NAME, png)
