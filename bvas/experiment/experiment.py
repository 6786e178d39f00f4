"""Experiment: all settings that decide a model and its results.

`configs/NAME.py` holds one function `experiment()` that returns one. Settings of a machine (data root, device,
workers) are options of commands instead.
"""

import math
import runpy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from bvas.augment.config import AugmentConfig
from bvas.data.spotting_task import SpottingTask
from bvas.errors import BvasError, ConfigError
from bvas.experiment.class_config import ClassConfig
from bvas.experiment.hub_pull import pulled
from bvas.experiment.input_config import InputConfig as InputConfig
from bvas.experiment.interval_config import IntervalConfig
from bvas.experiment.loading_config import LoadingConfig
from bvas.experiment.peak_config import PeakConfig
from bvas.experiment.published_scores import PublishedScores
from bvas.experiment.sampling_config import SamplingConfig, TargetConfig
from bvas.models.config import ModelConfig
from bvas.models.focal_loss import LossConfig
from bvas.models.video.config import VideoModelConfig
from bvas.system.dataclass_json import value_from_json, value_to_json
from bvas.system.devices import Precision
from bvas.system.download import split_hash
from bvas.system.hub import PREFIX
from bvas.system.text_files import read_text
from bvas.values.clip_config import ClipConfig

TaskKindName = Literal["spot", "interval", "clip"]
# For configs of version 0.1.
_MOVED = (
    "write 'from bvas import Experiment, load_experiment'; other settings are in bvas.experiment.experiment, "
    "bvas.experiment.peak_config and bvas.models.config, tasks in bvas.data"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """Optimizer, schedule, starting weights and precision of training."""

    batch_size: int = 4
    """Clips in a step, over all ranks."""
    warmup_epochs: int = 6
    """Epochs in which the learning rate rises from 0, step by step."""
    epochs: int = 30
    """Epochs after the warm-up, in which the rate falls along a cosine."""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """`sgd` has Nesterov momentum."""
    learning_rate: float = 3e-4
    """Peak learning rate, for this batch size."""
    final_learning_rate: float = 3e-6
    """Learning rate at the last step."""
    weight_decay: float = 0.01
    """Decoupled for AdamW, L2 penalty for SGD."""
    momentum: float = 0.9
    """Momentum of SGD."""
    max_gradient_norm: float = 0.0
    """Gradients are scaled down to this norm; 0: never."""
    ema_decay: float = 0.999
    """Decay of the averaged weights, which are validated and saved; in [0, 1)."""
    learning_rate_factors: Mapping[str, float] = field(default_factory=dict)
    """Factors of the learning rate by stage of the model, e.g. {"encoder": 0.1}; of several names that mean a stage
    the longest counts; others: 1."""
    frozen: tuple[str, ...] = ()
    """Stages that never learn: weights and BatchNorm statistics stay those at the start. "encoder" means all of the
    encoder's stages."""
    unfreeze: Mapping[int, str] = field(default_factory=dict)
    """Stage that begins to learn, by the first epoch in which it does: from 1, warm-up included. Until then it is
    frozen, as by `frozen`; {5: "blocks.4"} freezes it in epochs 1 to 4."""
    start_from: str = ""
    """Weights to start from; empty: none. The name of an experiment (weights of the same fold, or of any fold if its
    data differ), the path of a run folder or a file (.safetensors of bvas, .pth of the reference system), or an
    address with its hash: `https://host/file.safetensors#sha256=HEX`. `{fold}` in a path stands for the fold."""
    validation_clips: int = 2600
    """Clips of held-out matches to validate on after each epoch, half of them at annotations; 0: no validation."""
    accumulation_steps: int = 1
    """Micro-batches of a step, one after the other: less memory for the same step, except that BatchNorm sees one
    micro-batch at a time."""
    precision: Precision = "auto"
    """Precision of convolutions; `auto` is the half precision that the device profits from, if any."""
    activation_checkpointing: bool = False
    """Recompute activations inside a block in the backward pass instead of keeping them: less memory, slower."""
    save_minutes: float = 10.0
    """Longest time between two saves of an unfinished run; 0 saves after each step."""
    keep_epochs: bool = False
    """Keep the averaged weights of each epoch, as `epoch_001.safetensors` and on."""
    final_weights: Literal["last", "best"] = "last"
    """Weights that predict, after training: those of the last epoch, or of the one with the best validation score."""
    sync_batchnorm: bool = False
    """With several GPUs: BatchNorm statistics over the clips of all ranks instead of each rank's own; the model then
    runs uncompiled."""
    hard_negatives_from: str = ""
    """Experiment whose out-of-fold score curves give hard negatives: its false positives are drawn more often; empty:
    none."""
    folds: tuple[int, ...] = ()
    """Folds that are trained by default; empty: all. Pre-training on other data needs only one."""

    def __post_init__(self) -> None:
        if not 1 <= self.accumulation_steps <= self.batch_size:
            raise ConfigError(
                f"accumulation_steps ({self.accumulation_steps}) must lie in 1..batch_size ({self.batch_size}): it "
                "divides the clips of a step"
            )
        if self.precision not in get_args(Precision):
            raise ConfigError(
                f"precision must be one of {', '.join(get_args(Precision))}, got {self.precision!r}"
            )
        if self.final_weights not in ("last", "best"):
            raise ConfigError(f"final_weights must be 'last' or 'best', got {self.final_weights!r}")
        if self.final_weights == "best" and not self.validation_clips:
            raise ConfigError("final_weights='best' needs validation, and validation_clips is 0")
        if self.save_minutes < 0 or self.max_gradient_norm < 0:
            raise ConfigError(
                f"save_minutes ({self.save_minutes}) and max_gradient_norm ({self.max_gradient_norm}) must not be "
                "negative"
            )
        if self.batch_size < 1 or self.epochs < 1 or self.warmup_epochs < 0:
            raise ConfigError(
                f"batch_size ({self.batch_size}) and epochs ({self.epochs}) must be at least 1, "
                f"warmup_epochs ({self.warmup_epochs}) not negative"
            )
        if not 0.0 <= self.ema_decay < 1.0:
            raise ConfigError(f"ema_decay must lie in [0, 1), got {self.ema_decay}")
        if self.learning_rate <= 0 or not 0 <= self.final_learning_rate <= self.learning_rate:
            raise ConfigError(
                f"learning_rate ({self.learning_rate}) must be positive and "
                f"final_learning_rate ({self.final_learning_rate}) lie in [0, learning_rate]"
            )
        outside = [epoch for epoch in self.unfreeze if not 1 <= epoch <= self.warmup_epochs + self.epochs]
        if outside:
            raise ConfigError(
                f"unfreeze has epoch {outside[0]}, and epochs are counted from 1 to "
                f"{self.warmup_epochs + self.epochs} (warmup_epochs + epochs); a stage that never learns is in frozen"
            )
        for stage, factor in self.learning_rate_factors.items():
            if not 0 < factor < math.inf:
                raise ConfigError(
                    f"learning_rate_factors must be positive, got {factor} for {stage!r}; a stage that never learns "
                    "is in frozen"
                )
        if "://" in self.start_from:
            split_hash(self.start_from)
        if self.folds and (min(self.folds) < 0 or len(set(self.folds)) < len(self.folds)):
            raise ConfigError(f"folds must be distinct numbers from 0 up, got {self.folds}")

    @property
    def starts_from_experiment(self) -> bool:
        """Whether `start_from` is the name of an experiment."""
        return bool(self.start_from) and not (
            "/" in self.start_from or self.start_from.endswith((".safetensors", ".pth"))
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """All settings that decide a result, as plain data."""

    name: str
    """The config's file name, or the folder under runs."""
    task: SpottingTask
    """Labels, matches, folds."""
    kind: TaskKindName = "spot"
    """Kind of the task, which decides clips, model, loss and results (bvas/tasks)."""
    input: InputConfig = field(default_factory=InputConfig)
    clip: ClipConfig = field(default_factory=ClipConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    """Sizes of the spotting network."""
    video: VideoModelConfig | None = None
    """Network of kind clip that sees whole clips; None: the spotting network of `model`."""
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    targets: TargetConfig = field(default_factory=TargetConfig)
    loading: LoadingConfig = field(default_factory=LoadingConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    peaks: PeakConfig = field(default_factory=PeakConfig)
    """Rules of kind spot."""
    intervals: IntervalConfig = field(default_factory=IntervalConfig)
    """Rules of kind interval."""
    classes: ClassConfig = field(default_factory=ClassConfig)
    """Rules of kind clip."""
    flip_tta: bool = True
    """Flip TTA: predict each clip mirrored too, and average."""
    seed: int = 0
    """Random seed of all draws."""
    published: PublishedScores | None = None
    """Scores that `bvas evaluate` shows beside ours; only for tasks that name their matches."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(TaskKindName):
            raise ConfigError(f"kind must be one of {', '.join(get_args(TaskKindName))}, got {self.kind!r}")
        if self.video is not None and self.kind in ("spot", "interval"):
            raise ConfigError(
                f"video is set ({self.video.network}), and kind '{self.kind}' scores frames with the spotting network; "
                "leave video out, or set kind to 'clip'"
            )
        if self.video is not None and self.model != ModelConfig():
            raise ConfigError(
                f"model has sizes of the spotting network, and the network is that of video ({self.video.network}); "
                "leave model out"
            )
        if self.input.form.num_channels == 1 and self.augment.changes_colors:
            raise ConfigError(
                "augment.saturation_probability and hue_probability change colors, and the input is gray; "
                'set them to 0, or InputConfig(channels="rgb")'
            )
        for name, rules in (
            ("peaks.per_label", self.peaks.per_label),
            ("intervals.per_label", self.intervals.per_label),
            ("classes", self.classes.named_classes),
        ):
            unknown = [label for label in sorted(rules) if label not in self.task.labels.names]
            if unknown:
                raise ConfigError(
                    f"{name} has a rule for {unknown[0]!r}, which is not a label of task {self.task.name}; "
                    f"its labels are {', '.join(self.task.labels)}"
                )

    @property
    def drawn_peaks(self) -> PeakConfig:
        """Smoothing and operating points of curves in pictures, for any kind."""
        if self.kind == "clip":
            # Probabilities are drawn as they are, and every answer counts.
            return PeakConfig(sigma_frames=0.0, min_height=0.0, operating_point=0.0)
        return self.intervals.as_peaks() if self.kind == "interval" else self.peaks

    def to_json(self) -> str:
        """Return the experiment as JSON; `from_json` gives an equal value."""
        return value_to_json(self)

    @staticmethod
    def from_json(text: str) -> "Experiment":
        """Return the experiment that `to_json` wrote.

        Raises:
            ConfigError: a field is unknown, missing, of another type or breaks a rule.
        """
        return value_from_json(text, Experiment, "experiment", update=_update_json)


def _update_json(value: dict[str, Any]) -> None:
    """Replace what version 0.1 wrote and this version calls otherwise."""
    train = value.get("train")
    if isinstance(train, dict) and train.pop("freeze_encoder2d", False):
        train["frozen"] = ["encoder"]


def config_folders() -> list[Path]:
    """Return the folders that are searched for NAME.py: ./configs, then the shipped configs."""
    package = Path(__file__).resolve().parents[1]
    shipped = [package / "configs", package.parent / "configs"]
    return [Path("configs"), *[folder for folder in shipped if (folder / "demo.py").is_file()][:1]]


def load_experiment(name: str, runs: Path = Path("runs")) -> Experiment:
    """Return the experiment called `name`.

    Args:
        name: Path of a config file; or a name looked up in ./configs, among the shipped
            configs, and in the runs folder (imported weights), in this order; or
            `hf:OWNER/NAME[@REVISION]`, pulled into the runs folder where it is not there yet.
        runs: The runs folder.

    Raises:
        ConfigError: no such experiment (the message lists all names), or its file is wrong.
        CheckpointError: a repository of the Hugging Face Hub has no experiment, or its files were changed here.
        DataError: the Hub cannot be reached, or does not have it.
    """
    if name.startswith(PREFIX):
        name = pulled(name, runs)
    if name.endswith(".py") or "/" in name:
        if Path(name).is_file():
            return _run_config(Path(name))
        raise ConfigError(f"no config file {name}")
    for folder in config_folders():
        if (folder / f"{name}.py").is_file():
            return _run_config(folder / f"{name}.py")
    stored = runs / name / "experiment.json"
    if stored.is_file():
        try:
            return replace(Experiment.from_json(read_text(stored)), name=name)
        except ConfigError as error:
            raise ConfigError(f"{stored}: {error}") from error
    raise ConfigError(
        f"no experiment named '{name}' in ./configs, in the package or in {runs}; "
        f"found: {', '.join(experiment_names(runs)) or 'none'}"
    )


def experiment_names(runs: Path = Path("runs")) -> list[str]:
    """Return the names that `load_experiment` finds."""
    names = {path.stem for folder in config_folders() for path in folder.glob("*.py")}
    names |= {path.parent.name for path in runs.glob("*/experiment.json")}
    return sorted(names - {"__init__"})


def check_new_name(name: str) -> None:
    """Check the name of a new experiment in the runs folder.

    Raises:
        ConfigError: it is not a plain folder name, or a config of that name would be found first.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise ConfigError(f"--name {name!r} must be a plain name, as it becomes a folder under runs")
    taken = [folder / f"{name}.py" for folder in config_folders() if (folder / f"{name}.py").is_file()]
    if taken:
        raise ConfigError(
            f"--name {name!r} is the name of the config {taken[0]}; choose another, e.g. {name}_2"
        )


def _run_config(path: Path) -> Experiment:
    try:
        made: Any = runpy.run_path(str(path)).get("experiment", lambda: None)()
    except BvasError:
        raise
    except Exception as error:
        # Any error of a config is the user's to fix, so the message names the file.
        is_moved = isinstance(error, ImportError) and (error.name or "").startswith("bvas.")
        remedy = f"; {_MOVED}" if is_moved else ""
        if "freeze_encoder2d" in str(error):
            remedy = "; write frozen=('encoder',) in its place"
        raise ConfigError(f"config {path} does not run: {type(error).__name__}: {error}{remedy}") from error
    if not isinstance(made, Experiment):
        raise ConfigError(
            f"config {path} must define 'def experiment() -> Experiment', got {type(made).__name__}"
        )
    return replace(made, name=path.stem)


def parse_folds(text: str | None, folds_there: Sequence[int], default: Sequence[int] = ()) -> list[int]:
    """Return the folds that `all` or a list like `0,3` names.

    Args:
        text: The user's choice; None: `default`.
        folds_there: Existing folds.
        default: Folds to take by default; empty: all.

    Raises:
        ConfigError: a fold is not a number, or not among `folds_there`, or no fold exists.
    """
    if not folds_there:
        raise ConfigError("no folds, since no match of the data has annotations")
    if text == "all" or (text is None and not default):
        return sorted(folds_there)
    try:
        folds = sorted(set(default) if text is None else {int(part) for part in text.split(",")})
    except ValueError as error:
        raise ConfigError(f"folds must be 'all' or numbers like 0,3, got {text!r}") from error
    missing = sorted(set(folds) - set(folds_there))
    if missing:
        there = ", ".join(map(str, sorted(folds_there)))
        raise ConfigError(f"no fold {missing[0]}; existing folds: {there}")
    return folds
