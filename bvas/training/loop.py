"""Epochs of a fold: steps, validation, saved states, logs and progress."""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bvas.errors import TrainingError
from bvas.experiment.checkpoint import FILE_NAME
from bvas.loading.kept_batches import KeptClips
from bvas.loading.loader import ClipLoader
from bvas.models.clip_model import ClipModel
from bvas.system.atomic_files import write_json
from bvas.tasks.kind_choice import kind_of
from bvas.training.distributed import World
from bvas.training.divergence import LossWatch
from bvas.training.observer import Observer, RunView
from bvas.training.resume import BEST_NAME, METRICS_NAME, best_epoch
from bvas.training.run_logs import EpochLog, Row, table_lines
from bvas.training.run_state import FILE_NAME as STATE_NAME
from bvas.training.run_state import TrainingState, save_state
from bvas.training.step import Trainer
from bvas.training.validation import validate
from bvas.values.progress import Progress

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """Logs and observers of a run; of several ranks, only the writer has them."""

    view: RunView
    log: EpochLog
    progress: Progress | None
    observers: Sequence[Observer]


class FoldRun:
    """Training of a fold, from a state to the last epoch."""

    def __init__(
        self,
        folder: Path,
        world: World,
        trainer: Trainer,
        loader: ClipLoader,
        validation: KeptClips | None,
        state: TrainingState,
        record: Record | None,
    ) -> None:
        self._folder = folder
        self._world = world
        self._trainer = trainer
        self._loader = loader
        self._validation = validation
        self._record = record
        self._epoch = state.epoch
        self._batches = state.batches
        self._losses: list[Tensor] = [state.losses.to(world.device)]
        self._seconds = state.seconds
        self._waited = state.waited
        self._data = state.data
        self._path = folder / STATE_NAME
        self._config = trainer.experiment.train
        self._best_figure = f"val_{kind_of(trainer.experiment).best_figure}"
        self._num_epochs = self._config.warmup_epochs + self._config.epochs
        self._watch = LossWatch(loader.clips.videos, f"{self._path} holds the last saved state")
        self._saved_at = time.monotonic()
        self._has_header = False

    def fit(self) -> None:
        """Train the remaining epochs, and save the final weights."""
        if self._record is not None:
            for observer in self._record.observers:
                observer.begin(self._record.view, self._epoch)
        while self._epoch < self._num_epochs:
            self._train_epoch()
            self._end_epoch()
        if self._record is not None:
            self._finish(self._record.log.rows)

    def _finish(self, rows: Sequence[Row]) -> None:
        best = best_epoch(rows, self._best_figure)
        write_json(
            self._folder / METRICS_NAME,
            {
                "epochs": len(rows),
                "steps": self._trainer.num_steps,
                "last": _metrics(len(rows) - 1, rows[-1]),
                "best": None if best is None else _metrics(best, rows[best]),
            },
        )
        self._trainer.save(self._folder / FILE_NAME, _facts(len(rows) - 1, rows[-1]))
        self._path.unlink()

    def _train_epoch(self) -> None:
        """Do the remaining steps of the epoch."""
        trainer, loader = self._trainer, self._loader
        seconds, waited = self._seconds, self._waited
        started, waiting = time.monotonic(), loader.stats.waiting_seconds
        self._report()
        for batch in loader.epoch(self._epoch, first_batch=self._batches):
            result = trainer.step(batch)
            self._losses.append(result.loss[None])
            self._batches += 1
            self._watch.add(trainer.num_steps, result, batch)
            self._seconds = seconds + time.monotonic() - started
            self._waited = waited + loader.stats.waiting_seconds - waiting
            self._report()
            if self._validation is not None:
                self._validation.prefetch()
            if time.monotonic() - self._saved_at >= self._config.save_minutes * 60:
                self._save()
        self._watch.settle()
        self._seconds = seconds + time.monotonic() - started

    def _end_epoch(self) -> None:
        trainer, world = self._trainer, self._world
        # A rank that waits delays all.
        waiting_share = world.mean(torch.tensor(self._waited / max(self._seconds, 1e-9), dtype=torch.float64))
        figures: Row = {
            "train_loss": float(torch.cat(self._losses).mean()),
            "learning_rate": trainer.learning_rate,
            "seconds": self._seconds,
            "clips_per_second": self._loader.clips.num_clips / max(self._seconds, 1e-9),
            "waiting_share": float(waiting_share),
        }
        if self._validation is not None:
            # Validation may take longer than the time that a kill may cost.
            self._save()
            averaged = trainer.averaged.module
            world.copy_buffers(averaged)
            scores = validate(
                averaged,
                self._validation,
                trainer.experiment,
                autocast_dtype=trainer.autocast_dtype,
                world=world,
            )
            figures["val_loss"] = scores.loss
            figures |= {f"val_{name}": value for name, value in scores.figures.items()}
            if self._record is not None and not math.isfinite(scores.loss):
                # The save above found all weights finite, and they may be good: the run continues.
                logger.warning(
                    "the validation loss of epoch %d/%d is %s (computed in %s): the averaged weights lead to values "
                    "that are too large; training continues, and this epoch cannot be the best; if later epochs "
                    "do not recover, start over with precision='float32' or a lower learning rate, and --overwrite",
                    *(
                        self._epoch + 1,
                        self._num_epochs,
                        scores.loss,
                        trainer.autocast_dtype or torch.float32,
                    ),
                )
        if self._record is not None:
            self._note(figures, self._record)
        self._epoch += 1
        self._batches, self._losses, self._seconds, self._waited = 0, [], 0.0, 0.0
        self._save()

    def _note(self, figures: Row, record: Record) -> None:
        """Log an epoch's figures, save the best weights, and call the observers."""
        record.log.add(figures)
        for line in table_lines(self._epoch, self._num_epochs, figures, header=not self._has_header):
            logger.info("%s", line)
        self._has_header = True
        trainer = self._trainer
        if best_epoch(record.log.rows, self._best_figure) == self._epoch:
            trainer.save(self._folder / BEST_NAME, _facts(self._epoch, figures))
        averaged = trainer.averaged.module.eval()
        assert isinstance(averaged, ClipModel)
        for observer in record.observers:
            observer.epoch_done(record.view, self._epoch, averaged, trainer.autocast_dtype)

    def _report(self) -> None:
        if self._record is None or self._record.progress is None:
            return
        clips = self._loader.clips.num_clips
        done = self._epoch * clips + min(self._batches * self._loader.batch_size, clips)
        remark = ""
        if self._seconds:
            remark = (
                f"loss {self._watch.loss:.4f}, rate {self._trainer.learning_rate:.1e}, "
                f"waiting {self._waited / self._seconds:.0%}"
            )
        self._record.progress(done, self._num_epochs * clips, remark)

    def _save(self) -> None:
        """Save the state, at the writer, if its values are finite.

        Raises:
            TrainingError: a loss or weight is NaN or infinite; the state saved before stays.
            DataError: it cannot be written; the state saved before stays.
        """
        self._watch.settle()
        if self._record is not None:
            self._write_state(self._record)
        self._saved_at = time.monotonic()

    def _write_state(self, record: Record) -> None:
        if not self._trainer.is_finite():
            raise TrainingError(
                f"after step {self._trainer.num_steps} weights are NaN or infinite, though its loss and gradients were "
                f"finite; {self._path} holds the last saved state; lower the learning rate and start over with "
                "--overwrite"
            )
        state = TrainingState(
            experiment=self._trainer.experiment.to_json(),
            data=self._data,
            trainer=self._trainer.state_dict(),
            epoch=self._epoch,
            batches=self._batches,
            losses=torch.cat([torch.empty(0), *(losses.cpu() for losses in self._losses)]),
            seconds=self._seconds,
            waited=self._waited,
            rows=record.log.rows,
        )
        save_state(self._path, state)


def _metrics(epoch: int, figures: Row) -> dict[str, float | None]:
    """Return the figures of an epoch for JSON, which cannot represent NaN: null instead."""
    numbers = {name: value if math.isfinite(value) else None for name, value in figures.items()}
    return {"epoch": epoch, **numbers}


def _facts(epoch: int, figures: Row) -> dict[str, str]:
    return {"epoch": str(epoch), **{name: f"{value:.6g}" for name, value in figures.items()}}
