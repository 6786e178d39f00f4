"""Configuration of smoothing and peak finding, by label."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from bvas.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class PeakRule:
    """Smoothing, peak height, distance and operating point of one label."""

    sigma_frames: float = 3.0
    """Standard deviation of the Gaussian that smooths the curve, in grid frames; 0: no smoothing."""
    min_height: float = 0.01
    """Smallest smoothed score of a candidate; low, because the official metric profits from the tail."""
    min_distance_frames: int = 15
    """Distance of non-maximum suppression among spots of a label, in grid frames: of nearer ones the higher stays."""
    operating_point: float = 0.2
    """Smallest confidence of spots in tables, pictures and pages."""

    def __post_init__(self) -> None:
        if not 0 <= self.sigma_frames < np.inf:
            raise ConfigError(f"sigma_frames must be finite and not negative, got {self.sigma_frames}")
        if self.min_distance_frames < 1:
            raise ConfigError(f"min_distance_frames must be at least 1, got {self.min_distance_frames}")
        for name in ("min_height", "operating_point"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is a confidence and must lie in [0, 1], got {getattr(self, name)}")
        if self.operating_point < self.min_height:
            raise ConfigError(
                f"operating_point ({self.operating_point}) lies below min_height ({self.min_height}), where no "
                "candidates are found; lower min_height or raise operating_point"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class PeakConfig(PeakRule):
    """Peak rules: one for all labels, except those with their own."""

    per_label: Mapping[str, PeakRule] = field(default_factory=dict)
    """Rules of single labels by name, each in place of the common one; `bvas experiment tune` finds some."""

    def rule(self, label: str) -> PeakRule:
        """Return the rule of a label."""
        own = self.per_label.get(label)
        return self.common if own is None else own

    @property
    def common(self) -> PeakRule:
        """Rule of the labels without their own."""
        return PeakRule(**{rule.name: getattr(self, rule.name) for rule in fields(PeakRule)})

    def operating_points(self, labels: Iterable[str]) -> dict[str, float]:
        """Return the operating point of each label."""
        return {label: self.rule(label).operating_point for label in labels}

    def lowest_operating_point(self, labels: Iterable[str]) -> float:
        """Return the lowest operating point of the labels."""
        return min(self.operating_points(labels).values())

    def shown_from(self, confidence: float) -> "PeakConfig":
        """Return the same rules with one operating point for all labels."""
        return self._changed(
            lambda rule: {"min_height": min(rule.min_height, confidence), "operating_point": confidence}
        )

    def from_operating_points(self) -> "PeakConfig":
        """Return the same rules without candidates below the operating points."""
        return self._changed(lambda rule: {"min_height": rule.operating_point})

    def _changed(self, values: Callable[[PeakRule], dict[str, Any]]) -> "PeakConfig":
        """Return the same rules, each with other values in some fields."""
        per_label = {label: replace(rule, **values(rule)) for label, rule in self.per_label.items()}
        return replace(self, per_label=per_label, **values(self))
