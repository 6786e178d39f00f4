"""Epochs of a fold: steps, validation, saved states, logs and progress."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bvas.errors import TrainingError
from bvas.experiment.checkpoint import FILE_NAME
from bvas.loading.kept_batches import KeptClips
from bvas.loading.loader import ClipLoader
from bvas.models.clip_model import ClipModel
from bvas.system.atomic_files import write_bytes, write_json
from bvas.system.cpu_cores import CoreWatch
from bvas.tasks.kind_choice import kind_of
from bvas.training.distributed import World
from bvas.training.divergence import LossWatch
from bvas.training.history import note_tables
from bvas.training.observer import Observer, RunView
from bvas.training.resume import BEST_NAME, EPOCHS_PATTERN, METRICS_NAME, best_epoch
from bvas.training.run_logs import EpochLog, table_lines
from bvas.training.run_state import FILE_NAME as STATE_NAME
from bvas.training.run_state import Row, TrainingState, save_state
from bvas.training.step import Trainer
from bvas.training.validation import answers_of
from bvas.values.progress import Progress

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """Logs and observers of a run; of several ranks, only the writer has them."""

    view: RunView
    log: EpochLog
    progress: Progress | None
    observers: Sequence[Observer]


@dataclass(eq=False)
class FoldRun:
    """Training of a fold, from a state to the last epoch."""

    folder: Path
    world: World
    trainer: Trainer
    loader: ClipLoader
    validation: KeptClips | None
    state: TrainingState
    """Its counts and times are those of now; losses, rows and weights those of the last save."""
    record: Record | None
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the weights record beside the last epoch's figures."""

    def __post_init__(self) -> None:
        self._losses: list[Tensor] = [self.state.losses.to(self.world.device)]
        # Saved by the writer, of its own share.
        is_resumed = self.record is not None and len(self.state.answers) > 0
        self._answers: list[Tensor] = [self.state.answers] if is_resumed else []
        self._path = self.folder / STATE_NAME
        self._config = self.trainer.experiment.train
        self._kind = kind_of(self.trainer.experiment)
        self._best_figure = f"val_{self._kind.best_figure}"
        self._num_epochs = self._config.warmup_epochs + self._config.epochs
        self._watch = LossWatch(self.loader.clips.videos, f"{self._path} holds the last saved state")
        self._saved_at = time.monotonic()
        self._has_header = False

    def fit(self) -> None:
        """Train the remaining epochs, and save the final weights."""
        if self.record is not None:
            for observer in self.record.observers:
                observer.begin(self.record.view, self.state.epoch)
        with CoreWatch() as cores:
            while self.state.epoch < self._num_epochs:
                self._train_epoch(cores)
                self._end_epoch()
        if self.record is not None:
            self._finish(self.record.log.rows)

    def _finish(self, rows: Sequence[Row]) -> None:
        best = best_epoch(rows, self._best_figure)
        write_json(
            self.folder / METRICS_NAME,
            {
                "epochs": len(rows),
                "steps": self.trainer.num_steps,
                "last": _metrics(len(rows) - 1, rows[-1]),
                "best": None if best is None else _metrics(best, rows[best]),
            },
        )
        if self._config.final_weights == "best" and best is not None:
            write_bytes(self.folder / FILE_NAME, (self.folder / BEST_NAME).read_bytes())
        else:
            self.trainer.save(self.folder / FILE_NAME, {**_facts(len(rows) - 1, rows[-1]), **self.facts})
        self._path.unlink()

    def _train_epoch(self, cores: CoreWatch) -> None:
        """Do the remaining steps of the epoch."""
        trainer, loader, state = self.trainer, self.loader, self.state
        trainer.begin_epoch(state.epoch)
        seconds, waited = state.seconds, state.waited
        started, waiting = time.monotonic(), loader.stats.waiting_seconds
        self._report()
        for batch in loader.epoch(state.epoch, first_batch=state.batches):
            result = trainer.step(batch)
            self._losses.append(result.loss[None])
            self._answers += trainer.answers
            trainer.answers.clear()
            state.batches += 1
            cores.follow()
            self._watch.add(trainer.num_steps, result, batch)
            state.seconds = seconds + time.monotonic() - started
            state.waited = waited + loader.stats.waiting_seconds - waiting
            self._report()
            if self.validation is not None:
                self.validation.prefetch()
            if time.monotonic() - self._saved_at >= self._config.save_minutes * 60:
                self._save()
        self._watch.settle()
        state.seconds = seconds + time.monotonic() - started

    def _end_epoch(self) -> None:
        trainer, world, state = self.trainer, self.world, self.state
        seconds = max(state.seconds, 1e-9)
        # A rank that waits delays all.
        waiting_share = world.mean(torch.tensor(state.waited / seconds, dtype=torch.float64))
        figures: Row = {
            "train_loss": float(torch.cat(self._losses).mean()),
            "learning_rate": trainer.learning_rate,
            "seconds": state.seconds,
            "clips_per_second": self.loader.clips.num_clips / seconds,
            "waiting_share": float(waiting_share),
        }
        tables: dict[str, Any] = {}
        # Every rank gathers, also one that is resumed behind its last batch and has none.
        if self._kind.has_training_figures:
            num_labels = len(trainer.experiment.task.labels)
            answers = world.gather(self._all_answers().numpy())
            given, wanted = answers[:, :num_labels], answers[:, num_labels:]
            figures |= {f"train_{name}": value for name, value in self._kind.figures(given, wanted).items()}
            tables["train"] = self._kind.tables(given, wanted)
        if self.validation is not None:
            # Validation may take longer than the time that a kill may cost.
            self._save()
            averaged = trainer.averaged.module
            world.copy_buffers(averaged)
            found = answers_of(
                averaged,
                self.validation,
                trainer.experiment,
                autocast_dtype=trainer.autocast_dtype,
                world=world,
            )
            scores = self._kind.figures(found.scores, found.targets)
            figures |= {"val_loss": found.loss} | {f"val_{name}": value for name, value in scores.items()}
            tables["val"] = self._kind.tables(found.scores, found.targets)
            if self.record is not None and not math.isfinite(found.loss):
                # The save above found all weights finite, and they may be good: the run continues.
                logger.warning(
                    "the validation loss of epoch %d/%d is %s (computed in %s): the averaged weights lead to values "
                    "that are too large; training continues, and this epoch cannot be the best; if later epochs "
                    "do not recover, start over with precision='float32' or a lower learning rate, and --overwrite",
                    *(state.epoch + 1, self._num_epochs),
                    *(found.loss, trainer.autocast_dtype or torch.float32),
                )
        if self.record is not None:
            self._note(figures, tables, self.record)
        self._losses, self._answers = [], []
        self.state = replace(state, epoch=state.epoch + 1, batches=0, seconds=0.0, waited=0.0)
        self._save()

    def _note(self, figures: Row, tables: Mapping[str, Any], record: Record) -> None:
        """Log an epoch's figures and tables, save the best weights, and call the observers."""
        record.log.add(figures)
        epoch = self.state.epoch
        if any(tables.values()):
            note_tables(self.folder, epoch, tables)
        for line in table_lines(epoch, self._num_epochs, figures, header=not self._has_header):
            logger.info("%s", line)
        self._has_header = True
        trainer = self.trainer
        if best_epoch(record.log.rows, self._best_figure) == epoch:
            trainer.save(self.folder / BEST_NAME, {**_facts(epoch, figures), **self.facts})
        if self._config.keep_epochs:
            path = self.folder / EPOCHS_PATTERN.replace("*", f"{epoch + 1:03}")
            trainer.save(path, {**_facts(epoch, figures), **self.facts})
        averaged = trainer.averaged.module.eval()
        assert isinstance(averaged, ClipModel)
        for observer in record.observers:
            observer.epoch_done(record.view, epoch, averaged, trainer.autocast_dtype)

    def _all_answers(self) -> Tensor:
        """Return scores and targets of this rank's clips of the epoch, [n, 2 K]."""
        num_labels = len(self.trainer.experiment.task.labels)
        return torch.cat([torch.empty(0, 2 * num_labels), *(part.cpu() for part in self._answers)])

    def _report(self) -> None:
        if self.record is None or self.record.progress is None:
            return
        clips, state = self.loader.clips.num_clips, self.state
        done = state.epoch * clips + min(state.batches * self.loader.batch_size, clips)
        remark = ""
        if state.seconds:
            remark = (
                f"loss {self._watch.loss:.4f}, rate {self.trainer.learning_rate:.1e}, "
                f"waiting {state.waited / state.seconds:.0%}"
            )
        self.record.progress(done, self._num_epochs * clips, remark)

    def _save(self) -> None:
        """Save the state, at the writer, if its values are finite.

        Raises:
            TrainingError: a loss or weight is NaN or infinite; the state saved before stays.
            DataError: it cannot be written; the state saved before stays.
        """
        self._watch.settle()
        if self.record is not None:
            self._write_state(self.record)
        self._saved_at = time.monotonic()

    def _write_state(self, record: Record) -> None:
        if not self.trainer.is_finite():
            raise TrainingError(
                f"after step {self.trainer.num_steps} weights are NaN or infinite, though its loss and gradients were "
                f"finite; {self._path} holds the last saved state; lower the learning rate and start over with "
                "--overwrite"
            )
        state = replace(
            self.state,
            experiment=self.trainer.experiment.to_json(),
            trainer=self.trainer.state_dict(),
            losses=torch.cat([torch.empty(0), *(losses.cpu() for losses in self._losses)]),
            answers=self._all_answers(),
            rows=record.log.rows,
        )
        save_state(self._path, state)


def _metrics(epoch: int, figures: Row) -> dict[str, float | None]:
    """Return the figures of an epoch for JSON, which cannot represent NaN: null instead."""
    numbers = {name: value if math.isfinite(value) else None for name, value in figures.items()}
    return {"epoch": epoch, **numbers}


def _facts(epoch: int, figures: Row) -> dict[str, str]:
    return {"epoch": str(epoch), **{name: f"{value:.6g}" for name, value in figures.items()}}
