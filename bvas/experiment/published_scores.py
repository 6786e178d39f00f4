"""Scores of another system, for comparison."""

from dataclasses import dataclass

from bvas.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedScores:
    """Scores that another system reports for the same matches and folds, for comparison."""

    system: str
    """Name of the system, and of its experiment."""
    cross_validation: float | None = None
    """mAP@1 in [0, 1] over all labelled matches, each scored by a model that was not trained on it."""
    test: float | None = None
    """mAP@1 in [0, 1] over the task's test matches."""

    def __post_init__(self) -> None:
        for name in ("cross_validation", "test"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"published {name} must lie in [0, 1], got {value}; 79.06 is 0.7906")
