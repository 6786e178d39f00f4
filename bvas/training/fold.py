"""Training of one fold, from the start or resumed: sets up data, model, loaders and logs."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import torch

from bvas.data.matches import Match
from bvas.experiment.checkpoint import FILE_NAME, fold_folder
from bvas.experiment.experiment import Experiment
from bvas.experiment.seen_matches import check_unseen, write_seen
from bvas.loading.clip_requests import Clips
from bvas.loading.kept_batches import KeptClips
from bvas.loading.labelled_video import LabelledVideo
from bvas.loading.loader import ClipLoader, shape_of_clips
from bvas.loading.skip_policy import OnError
from bvas.loading.slot_counts import spare_clips_for
from bvas.models.logits_check import check_gives_logits
from bvas.system.atomic_files import remove_unfinished, write_json, write_text
from bvas.system.locks import locked
from bvas.tasks.kind_choice import kind_of
from bvas.training import resume
from bvas.training.distributed import World
from bvas.training.fold_data import curve_digests, out_of_fold_curves
from bvas.training.initial_model import starting_model
from bvas.training.loop import FoldRun, Record
from bvas.training.observer import Observer, RunView
from bvas.training.run_logs import EpochLog, environment
from bvas.training.run_state import FILE_NAME as STATE_NAME
from bvas.training.run_state import TrainingState, save_state
from bvas.training.step import Trainer
from bvas.training.validation_clips import place_to_keep
from bvas.values.progress import Progress

logger = logging.getLogger(__name__)

WorkerMix = Mapping[str, int] | Literal["auto", 0]


def run_fold(
    experiment: Experiment,
    fold: int,
    matches: Sequence[Match],
    *,
    runs: Path,
    device: torch.device,
    workers: WorkerMix,
    on_error: OnError = "raise",
    overwrite: bool = False,
    progress: Progress | None = None,
    observers: Sequence[Observer] = (),
    world: World | None = None,
    facts: Mapping[str, str] | None = None,
) -> Path:
    """Train on all folds but one and save the averaged weights; return their path.

    `runs/NAME/fold_K/` receives `model.safetensors` when the last epoch is done, and until then the run's state, from
    which a stopped run is resumed. It also receives `best.safetensors` (the best validation score), `metrics.json`,
    `experiment.json`, `environment.json`, `log.csv` (a row per epoch) and TensorBoard events. A finished fold is not
    changed.

    Args:
        experiment: What to train.
        fold: The fold that is held out.
        matches: The matches of the data root.
        runs: The runs folder.
        device: The model's device.
        workers: Loader processes by backend, or `auto`.
        on_error: Raise an error for a clip that cannot be decoded, or draw another one.
        overwrite: Start over, even if the fold is finished.
        progress: Called after each step.
        observers: Called before the run and after each epoch; of several ranks, at the writer.
        world: The ranks that train the fold together, each called with the same arguments but its device. Only the
            writer reads and writes the folder, and reports. None: a single process.
        facts: What `environment.json` and the weights should record beside their own.

    Raises:
        ConfigError: the folder holds a run of other settings, the fold does not exist, or a network of kind clip gives
            probabilities.
        DataError, DecodeError: a label file or a video is wrong, or the disk is full.
        CheckpointError: the weights to start from are missing or do not fit, or the state of the run is damaged.
        TrainingError: the loss, a gradient or a weight is NaN or infinite.
        WorkerError: a loader process died.
    """
    world = World(device=device) if world is None else world
    folder = fold_folder(runs, experiment.name, fold)
    status = "new" if overwrite else world.from_writer(resume.fold_status(folder))
    held_out_names = [match.name for match in matches if match.fold == fold]
    if status == "finished":
        if world.is_writer:
            resume.check_finished(folder, experiment)
            check_unseen(folder, held_out_names)
            (folder / STATE_NAME).unlink(missing_ok=True)
            logger.info("fold %d of %s is finished: %s", fold, experiment.name, folder / FILE_NAME)
        return folder / FILE_NAME
    kind = kind_of(experiment)
    training, held_out = kind.samples(matches, fold)
    curves = out_of_fold_curves(experiment, training, runs)
    data = [
        *resume.data_digests([*training, *held_out]),
        *curve_digests(experiment, training, curves),
    ]
    with ExitStack() as stack:
        state = None
        if world.is_writer:
            stack.enter_context(locked(folder))
            remove_unfinished(folder)
            if not overwrite:
                state = resume.load_unfinished(folder, experiment, data)
        state = world.from_writer(state)
        stack.enter_context(seeded(experiment.seed * 1000 + fold, device))
        # A state holds all weights, so those that the run started from may be missing by now. The writer's weights are
        # copied to the other ranks below.
        is_begun = state is not None or not world.is_writer
        model = starting_model(experiment, fold, runs, held_out_names, is_begun=is_begun).to(device)
        world.copy_weights(model)
        if experiment.kind == "clip":
            check_gives_logits(model, (experiment.clip.num_frames, *experiment.input.form.unit_shape))
        if experiment.train.sync_batchnorm:
            model = world.synchronized(model)

        def load(
            clips: Clips,
            *,
            beside: ClipLoader | None = None,
            spare_clips: int = 0,
            spare_videos: Sequence[LabelledVideo] = (),
        ) -> ClipLoader:
            loader = clip_loader(
                experiment,
                clips,
                device=device,
                workers=workers,
                on_error=on_error,
                world=world,
                beside=beside,
                spare_clips=spare_clips,
                spare_videos=spare_videos,
            )
            return stack.enter_context(loader)

        clips = kind.training_clips(training, curves)
        validation_clips = kind.validation_clips(held_out)
        validation = None
        if validation_clips is None:
            loader = load(clips)
        else:
            clip_bytes = math.prod(shape_of_clips(experiment.input.form, clips, held_out))
            spare_clips = spare_clips_for(experiment.train.batch_size, clip_bytes, world.shard)
            loader = load(clips, spare_clips=spare_clips, spare_videos=held_out)
            # Workers read these clips when they have no training clips to read.
            place = partial(place_to_keep, device=device, sharing=world.local_size)
            validation = KeptClips(load(validation_clips, beside=loader), device, place)
        epoch = 0 if state is None else state.epoch
        trainer = Trainer(experiment, model, device, loader.num_batches, world, epoch=epoch)
        if world.is_writer:
            if state is None:
                # Removed only now, after all checks have passed.
                resume.clear(folder)
            _write_facts(experiment, runs, folder, environment(device) | dict(facts or {}), state)
            learned = [match.name for match in matches if match.fold not in (None, fold)]
            write_seen(folder, trained_on=learned, held_out=held_out_names)
        if state is None:
            state = TrainingState(experiment=experiment.to_json(), data=data, trainer=trainer.state_dict())
            if world.is_writer:
                save_state(folder / STATE_NAME, state)
        else:
            trainer.load_state_dict(state.trainer)
            logger.info(
                "resuming fold %d of %s at epoch %d, step %d",
                fold,
                experiment.name,
                state.epoch + 1,
                trainer.num_steps,
            )
        record = None
        if world.is_writer:
            log = EpochLog(folder, state.rows)
            stack.callback(log.close)
            view = RunView(
                experiment=experiment,
                fold=fold,
                folder=folder,
                clips=clips,
                held_out=validation_clips,
                device=device,
                board=log.board,
            )
            record = Record(view=view, log=log, progress=progress, observers=observers)
        FoldRun(folder, world, trainer, loader, validation, state, record, facts or {}).fit()
    return folder / FILE_NAME


def clip_loader(
    experiment: Experiment,
    clips: Clips,
    *,
    device: torch.device,
    workers: WorkerMix,
    on_error: OnError = "raise",
    world: World | None = None,
    beside: ClipLoader | None = None,
    spare_clips: int = 0,
    spare_videos: Sequence[LabelledVideo] = (),
) -> ClipLoader:
    """Return a loader of an experiment's clips; see `ClipLoader` and `run_fold` for the arguments."""
    world = World(device=device) if world is None else world
    return ClipLoader(
        clips,
        experiment.train.batch_size,
        workers=workers,
        size=experiment.input.form,
        luma_scaling=experiment.input.luma_scaling,
        device=device,
        seed=experiment.seed,
        loading=experiment.loading,
        on_error=on_error,
        shard=world.shard,
        cpus=world.cpus,
        beside=beside,
        spare_clips=spare_clips,
        spare_videos=spare_videos,
    )


def _write_facts(
    experiment: Experiment, runs: Path, folder: Path, facts: dict[str, str], state: TrainingState | None
) -> None:
    # Beside the folds too, so that the name is found where its config is missing.
    for place in (runs / experiment.name, folder):
        write_text(place / "experiment.json", experiment.to_json() + "\n")
    path = folder / "environment.json"
    write_json(path, facts if state is None else resume.note_resume(path, state, facts))


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch for starting weights and dropout, and restore the caller's random state after the block."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
