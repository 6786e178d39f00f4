"""Configuration of kind clip: which clips are taken out of samples, how classes are balanced, and the loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from bvas.errors import ConfigError

Choice = Literal["random", "first"]
FrameOrder = Literal["ordered", "shuffled", "single"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassConfig:
    """Clips of samples, balance of classes and loss. Frames are grid frames, at the input's rate."""

    spacing_frames: int = 1
    """Frames from the start of one possible clip of a sample to the next, from the sample's first frame on."""
    choice: Choice = "random"
    """Which of the possible clips are trained on: `random` ones, others in each epoch, or the `first` ones."""
    clips_per_sample: int | None = 1
    """At most so many clips of a sample in an epoch; None: all possible ones."""
    test_clips: int = 1
    """Clips over which the probabilities of a sample are averaged, in validation and evaluation; evenly spaced."""
    balance: bool = True
    """Draw at most `cap` clips of each class in an epoch; False: all."""
    cap: int | None = None
    """Most clips of a class in an epoch; None: the number of the rarest class."""
    cap_per_class: Mapping[str, int] = field(default_factory=dict)
    """Caps of single classes by name, in place of `cap`."""
    class_weights: Mapping[str, float] = field(default_factory=dict)
    """Weights of classes in the loss by name; others: 1."""
    weigh_by_count: bool = False
    """Weigh each class by the inverse of its clips in an epoch, so that all classes count alike in the loss."""
    label_smoothing: float = 0.0
    """Share of a target that is spread over all classes, in [0, 1)."""
    frame_order: FrameOrder = "ordered"
    """Controls that show what a task needs: `shuffled` frames within each clip, or a `single` frame of it repeated."""

    def __post_init__(self) -> None:
        for name, values in (("choice", get_args(Choice)), ("frame_order", get_args(FrameOrder))):
            if getattr(self, name) not in values:
                raise ConfigError(f"{name} must be one of {', '.join(values)}, got {getattr(self, name)!r}")
        for name in ("spacing_frames", "test_clips"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.clips_per_sample is not None and self.clips_per_sample < 1:
            raise ConfigError(
                f"clips_per_sample must be at least 1, or None for all, got {self.clips_per_sample}"
            )
        if not self.balance and (self.cap is not None or self.cap_per_class):
            raise ConfigError("cap and cap_per_class need balance=True, which draws at most so many clips")
        for name, cap in {"cap": 1 if self.cap is None else self.cap, **self.cap_per_class}.items():
            if cap < 1:
                raise ConfigError(f"the cap of a class must be at least 1, got {cap} for {name!r}")
        for name, weight in self.class_weights.items():
            if not 0 < weight < float("inf"):
                raise ConfigError(f"class_weights must be positive, got {weight} for {name!r}")
        if self.weigh_by_count and self.class_weights:
            raise ConfigError("class_weights and weigh_by_count both weigh the classes; keep one of them")
        if not 0.0 <= self.label_smoothing < 1.0:
            raise ConfigError(f"label_smoothing must lie in [0, 1), got {self.label_smoothing}")

    @property
    def named_classes(self) -> set[str]:
        """Classes that have a rule of their own."""
        return {*self.cap_per_class, *self.class_weights}

    def balanced_counts(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Return how many clips of each class an epoch draws.

        Args:
            counts: Possible clips by class. A class without any has no part in the choice of the rarest.
        """
        if not self.balance:
            return dict(counts)
        there = [count for count in counts.values() if count]
        cap = min(there, default=0) if self.cap is None else self.cap
        return {name: min(count, self.cap_per_class.get(name, cap)) for name, count in counts.items()}

    def weights(self, drawn: Mapping[str, int]) -> dict[str, float]:
        """Return the weight of each class in the loss; their mean over the drawn clips is 1 where counts decide.

        Args:
            drawn: Clips by class in an epoch.
        """
        if not self.weigh_by_count:
            return {name: self.class_weights.get(name, 1.0) for name in drawn}
        there = sum(1 for count in drawn.values() if count)
        total = sum(drawn.values())
        return {name: total / (there * count) if count else 1.0 for name, count in drawn.items()}
