"""Tuned rules as a file: `bvas experiment tune` writes it, other commands take it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from bvas.errors import ConfigError, DataError
from bvas.experiment.experiment import Experiment
from bvas.experiment.hub_pull import TUNED_NAME
from bvas.experiment.interval_config import IntervalConfig
from bvas.experiment.peak_config import PeakConfig
from bvas.metrics.bootstrap import Interval
from bvas.system.atomic_files import write_text
from bvas.system.dataclass_json import value_from_json, value_to_json
from bvas.system.text_files import read_text

FORMAT = "bvas-postprocessing-1"
FILE_NAME = TUNED_NAME


@dataclass(frozen=True, kw_only=True, slots=True)
class TunedScore:
    """Gain of tuning in one figure; each match is scored by rules that were chosen without its fold."""

    figure: str
    """Name of the figure, e.g. "official mAP@1"."""
    before: float
    """With the experiment's own rules, in [0, 1]."""
    nested: float
    """With rules chosen on the other folds."""
    by_chance: float
    """Score of the nested rules on annotations at random times: the mean over many draws."""
    most_by_chance: float
    """Highest score of these draws."""
    interval: Interval | None
    """Confidence interval of the gain, paired over matches; None with fewer than three."""
    per_label: dict[str, tuple[float, float]]
    """Before and nested, by label."""

    @property
    def gain(self) -> float:
        """Nested score minus the one before."""
        return self.nested - self.before

    @property
    def is_real(self) -> bool:
        """True where the gain is significant and the score is above the chance baseline."""
        return self.interval is not None and self.interval.low > 0 and self.knows_more_than_chance

    @property
    def knows_more_than_chance(self) -> bool:
        """True where the nested score is above that of every draw."""
        return self.nested > self.most_by_chance


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """Data and scores behind the rules."""

    experiment: str = ""
    matches: tuple[str, ...] = ()
    """Matches whose out-of-fold curves they were chosen on."""
    bvas: str = ""
    """Version."""
    spots: TunedScore | None = None
    """Gain of smoothing, height and distance; the file holds tuned ones only if the gain is real."""
    operating_points: TunedScore | None = None
    """Gain of the operating points, likewise."""
    intervals: TunedScore | None = None
    """Of kind interval: gain of smoothing, thresholds, length and gaps, likewise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Postprocessing:
    """Rules that turn the score curves of one experiment into spots or intervals."""

    labels: tuple[str, ...]
    """Labels of the curves."""
    rate: float
    """Rows per second of the curves: frames below are rows."""
    peaks: PeakConfig = field(default_factory=PeakConfig)
    intervals: IntervalConfig | None = None
    """None for kind spot."""
    provenance: Provenance | None = None
    """None where the file was written by hand."""
    format: str = field(default=FORMAT)

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ConfigError(f"format must be {FORMAT!r}, got {self.format!r}")
        own = [*self.peaks.per_label, *(self.intervals.per_label if self.intervals else ())]
        unknown = [label for label in own if label not in self.labels]
        if unknown:
            raise ConfigError(
                f"there is a rule for {unknown[0]!r}, which is not among {', '.join(self.labels)}"
            )

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_text(path, value_to_json(self) + "\n")

    def applied_to(self, experiment: Experiment, where: Path) -> Experiment:
        """Return the experiment with these rules in place of its own.

        Args:
            experiment: Any of the same labels and rate.
            where: Name of the file in messages.

        Raises:
            ConfigError: other labels, or another rate.
        """
        if set(self.labels) != set(experiment.task.labels):
            raise ConfigError(
                f"{where} is for the labels {', '.join(self.labels)}, and {experiment.name} spots "
                f"{', '.join(experiment.task.labels)}; tune {experiment.name} itself"
            )
        if self.rate != experiment.input.rate:
            raise ConfigError(
                f"{where} counts frames at {self.rate:g} per second, and {experiment.name} works at "
                f"{experiment.input.rate:g}; tune {experiment.name} itself"
            )
        if (experiment.kind == "interval") != (self.intervals is not None):
            raise ConfigError(
                f"{where} has no rules for kind '{experiment.kind}', which {experiment.name} is of; tune "
                f"{experiment.name} itself"
            )
        return replace(experiment, peaks=self.peaks, intervals=self.intervals or experiment.intervals)


def load_postprocessing(path: Path) -> Postprocessing:
    """Read a postprocessing file.

    Raises:
        DataError: it cannot be read.
        ConfigError: a field is unknown, missing, of another type or breaks a rule.
    """
    if not path.exists():
        raise DataError(f"no postprocessing file {path}; bvas experiment tune NAME writes one")
    text = read_text(path)
    try:
        return value_from_json(text, Postprocessing, "postprocessing file")
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def with_postprocessing(experiment: Experiment, path: Path | None) -> Experiment:
    """Return the experiment with the rules of a file; as it is where none is named.

    Raises:
        DataError: the file cannot be read.
        ConfigError: it is wrong, or of other labels or another rate.
    """
    return experiment if path is None else load_postprocessing(path).applied_to(experiment, path)


def with_threshold(experiment: Experiment, threshold: float | None) -> Experiment:
    """Return an experiment of kind interval with one threshold for all labels; as it is for None.

    Raises:
        ConfigError: a threshold outside (0, 1].
    """
    if threshold is None:
        return experiment
    if not 0 < threshold <= 1:
        raise ConfigError(f"--threshold is a score and must lie in (0, 1], got {threshold:g}")
    return replace(experiment, intervals=experiment.intervals.shown_from(threshold))
