"""Annotations, spots, gaps and label sets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from bvas.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Annotation:
    """A ground-truth action at a moment of one video."""

    label: str
    seconds: float
    """Time from the video's first shown frame."""
    team: str | None = None
    """`home`, `away`, `left` or `right`, as in the file; None where the file names none."""
    visible: bool = True
    """False for actions that happened off screen."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of one video with a label, half-open."""

    label: str
    start_seconds: float
    """Time from the video's first shown frame."""
    end_seconds: float
    """When its last frame leaves the screen."""
    confidence: float = 1.0
    """In [0, 1]; 1 for annotations."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A predicted action at a moment of one video."""

    label: str
    seconds: float
    """Time from the video's first shown frame."""
    confidence: float
    """In [0, 1]."""
    team: str | None = None
    """The team that a file of another system names; ours have none."""


AnnotationLists = Sequence[Sequence[Annotation]]
"""Annotations of several videos, one sequence per video."""
SpotLists = Sequence[Sequence[Spot]]
"""Spots of several videos, one sequence per video."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a video without rows: it could not be decoded, or its source was interrupted."""

    start_seconds: float
    end_seconds: float
    num_frames: int
    """Grid frames in it."""
    reason: str

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Return the gap of an entry of a results file.

        Raises:
            KeyError, TypeError, ValueError: the entry has another form.
        """
        return cls(
            float(content["start_seconds"]),
            float(content["end_seconds"]),
            int(content["num_frames"]),
            str(content["reason"]),
        )

    def to_json(self, half: int) -> dict[str, float | int | str]:
        """Return the gap as the results file holds it, with the number of its half or part."""
        return {"half": half, **asdict(self)}


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Label names in the order of their columns in targets and scores."""

    names: tuple[str, ...]
    merged: Mapping[str, str] = field(default_factory=dict)
    """Names in label files that count as another label, e.g. card colors, which gray pictures do not show."""
    ignored: tuple[str, ...] = ()
    """Names in label files that are skipped on purpose; any other unknown name is an error."""

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) != len(self.names):
            raise ConfigError(f"labels must be distinct and at least one, got {self.names}")
        unknown = set(self.merged.values()) - set(self.names)
        if unknown:
            raise ConfigError(f"merged labels {sorted(unknown)} are not among {self.names}")
        both = sorted({name for name in self.ignored if name in self})
        if both:
            raise ConfigError(f"label {both[0]!r} is ignored and also known; take it out of one of the two")

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: str) -> bool:
        return name in self.names or name in self.merged

    def accepts(self, name: str) -> bool:
        """Return whether a label file may hold `name`: it is known, or ignored on purpose."""
        return name in self or name in self.ignored

    def label_id(self, name: str) -> int:
        """Return the column of a label, merged names included.

        Raises:
            ConfigError: `name` is not a label of this set; the message lists them.
        """
        name = self.merged.get(name, name)
        if name not in self.names:
            raise ConfigError(f"unknown label {name!r}; this task knows {', '.join(self.names)}")
        return self.names.index(name)
