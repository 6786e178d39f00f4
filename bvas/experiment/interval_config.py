"""Configuration of how score curves become intervals, by label."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from bvas.errors import ConfigError
from bvas.experiment.peak_config import PeakConfig, PeakRule


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalRule:
    """Smoothing, thresholds, length and gaps of the intervals of one label. Frames are grid frames."""

    sigma_frames: float = 2.0
    """Standard deviation of the Gaussian that smooths the curve; 0: no smoothing."""
    threshold: float = 0.95
    """An interval reaches this smoothed score somewhere; in (0, 1]."""
    keep_threshold: float = 0.5
    """It extends as far as the smoothed score stays at this or above (hysteresis); at most `threshold`."""
    min_length_frames: int = 5
    """Shorter intervals are dropped, after joining."""
    max_gap_frames: int = 12
    """Intervals with at most so many frames between them become one; 0: never."""

    def __post_init__(self) -> None:
        if not 0 <= self.sigma_frames < math.inf:
            raise ConfigError(f"sigma_frames must be finite and not negative, got {self.sigma_frames}")
        if not 0 < self.keep_threshold <= self.threshold <= 1:
            raise ConfigError(
                f"0 < keep_threshold <= threshold <= 1 is needed, got keep_threshold {self.keep_threshold} and "
                f"threshold {self.threshold}; equal ones turn the hysteresis off"
            )
        if self.min_length_frames < 1:
            raise ConfigError(f"min_length_frames must be at least 1, got {self.min_length_frames}")
        if self.max_gap_frames < 0:
            raise ConfigError(f"max_gap_frames must not be negative, got {self.max_gap_frames}")

    def from_threshold(self, threshold: float) -> "IntervalRule":
        """Return the same rule with another threshold, and a lower `keep_threshold` where that is above it."""
        return replace(self, threshold=threshold, keep_threshold=min(self.keep_threshold, threshold))


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalConfig(IntervalRule):
    """Interval rules: one for all labels, except those with their own."""

    per_label: Mapping[str, IntervalRule] = field(default_factory=dict)
    """Rules of single labels by name, each in place of the common one; `bvas experiment tune` finds some."""

    def rule(self, label: str) -> IntervalRule:
        """Return the rule of a label."""
        own = self.per_label.get(label)
        if own is not None:
            return own
        return IntervalRule(**{rule.name: getattr(self, rule.name) for rule in fields(IntervalRule)})

    def as_peaks(self) -> PeakConfig:
        """Return smoothing and thresholds as peak rules: curves are smoothed and drawn with these."""
        own = {label: _peak_rule(rule) for label, rule in self.per_label.items()}
        common = _peak_rule(self)
        return PeakConfig(
            sigma_frames=common.sigma_frames,
            min_height=common.min_height,
            operating_point=common.operating_point,
            per_label=own,
        )

    def shown_from(self, threshold: float) -> "IntervalConfig":
        """Return the same rules with one threshold for all labels."""
        per_label = {label: rule.from_threshold(threshold) for label, rule in self.per_label.items()}
        return replace(
            self,
            threshold=threshold,
            keep_threshold=min(self.keep_threshold, threshold),
            per_label=per_label,
        )


def _peak_rule(rule: IntervalRule) -> PeakRule:
    return PeakRule(
        sigma_frames=rule.sigma_frames, min_height=rule.keep_threshold, operating_point=rule.threshold
    )
