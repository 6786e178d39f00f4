"""Raw annotations of a file, and the faults found in it."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bvas.errors import DataError
from bvas.values.annotations import LabelSet
from bvas.video.index.remote_file import RemoteFile


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a file."""

    path: Path | RemoteFile
    entry: str
    """Place in the file, e.g. `match 2 'cup final', annotation 7`; empty: the whole file."""
    message: str
    """The value, the rule and the remedy."""

    def __str__(self) -> str:
        return f"{self.path}: {self.entry}: {self.message}" if self.entry else f"{self.path}: {self.message}"


def raise_faults(faults: Sequence[Fault]) -> None:
    """Raise if there is a fault.

    Raises:
        DataError: with the first fault, and the number of the others.
    """
    if faults:
        more = f" ({len(faults) - 1} more; 'bvas data check' lists them all)" if len(faults) > 1 else ""
        raise DataError(f"{faults[0]}{more}")


Form = Literal["moment", "range"]
_OTHER_FORM: dict[Form, str] = {
    "moment": "{label!r} is a range ({moment}), and an experiment of kind 'spot' learns moments: give 'seconds' or "
    "'frame'. Ranges are for kind 'interval', samples for kind 'clip'",
    "range": "{label!r} is a moment; give 'from_seconds' and 'to_seconds', or frames likewise",
}


@dataclass(frozen=True, slots=True)
class RawAnnotation:
    """One annotation as in its file: its label may be unknown, its moment outside the video."""

    number: int | None
    """Place in the file's list, from 0; None for the label of a sample, which has no list."""
    part: int
    """Which video of the match it is about, from 1; what SoccerNet calls a half."""
    label: str
    seconds: float | None = None
    """Time from the first shown frame of that video, of a range its begin; None where `frame` is given."""
    frame: int | None = None
    """Index of the frame in that video, of a range its first; None where `seconds` is given."""
    team: str | None = None
    visible: bool = True
    end_seconds: float | None = None
    """End of a range in seconds; infinite for the end of the video."""
    end_frame: int | None = None
    """First frame after a range in frames."""

    @property
    def is_range(self) -> bool:
        """Whether it is a range, not a moment."""
        return self.end_seconds is not None or self.end_frame is not None

    @property
    def form(self) -> Form:
        """`range` or `moment`."""
        return "range" if self.is_range else "moment"

    @property
    def moment(self) -> str:
        """The moment or range in the words of the file."""
        if self.end_seconds == math.inf:
            return "the whole video"
        if self.frame is None:
            return f"{self.seconds}{f' to {self.end_seconds}' if self.is_range else ''} s"
        return f"frames {self.frame} to {self.end_frame}" if self.is_range else f"frame {self.frame}"


@dataclass(frozen=True, slots=True)
class AnnotationList:
    """The annotations of one match, and their place."""

    path: Path
    """The file."""
    place: str
    """Place of the list in the file, e.g. `match 2 'cup final'`; empty where the file holds nothing else."""
    items: tuple[RawAnnotation, ...]

    def fault(self, item: RawAnnotation, message: str) -> Fault:
        """Return a fault of one of the annotations."""
        parts = [self.place, "" if item.number is None else f"annotation {item.number}"]
        return Fault(self.path, ", ".join(part for part in parts if part), message)

    def label_faults(self, labels: LabelSet) -> list[Fault]:
        """Return a fault for each label that a task neither knows nor ignores."""
        return [
            self.fault(
                item,
                f"label {item.label!r} is not among the config's {', '.join(labels)}; take a config that has it "
                f"('ball12' has SoccerNet's twelve), or name it in 'merged' or 'ignored' of its LabelSet",
            )
            for item in self.items
            if not labels.accepts(item.label)
        ]

    def of_form(self, form: Form, labels: LabelSet) -> "AnnotationList":
        """Return the list without annotations of the other form that have none of these labels.

        Moments and ranges of different tasks may stand in one file. One of the other form that has one of the task's
        own labels stays, for `form_faults`, and so does the label of a sample.
        """
        kept = (
            item for item in self.items if item.form == form or item.label in labels or item.number is None
        )
        return replace(self, items=tuple(kept))

    def form_faults(self, form: Form) -> list[Fault]:
        """Return a fault for each annotation of the other form."""
        return [
            self.fault(item, _OTHER_FORM[form].format(label=item.label, moment=item.moment))
            for item in self.items
            if item.form != form
        ]

    def half_faults(self, halves: Iterable[int]) -> list[Fault]:
        """Return a fault for each annotation of a half without a video."""
        there = set(halves)
        return [
            self.fault(
                item,
                f"{item.label!r} lies in half {item.part}, which has no video; add it, or put the "
                f"annotation into half 1 if one file holds the whole match",
            )
            for item in self.items
            if item.part not in there
        ]

    def require_labels(self, labels: LabelSet) -> None:
        """Refuse labels that a task neither knows nor ignores.

        Raises:
            DataError: names the first such annotation, and counts those labels.
        """
        faults = self.label_faults(labels)
        if faults:
            counts = Counter(item.label for item in self.items if not labels.accepts(item.label))
            listed = ", ".join(f"{label} ({count})" for label, count in counts.most_common())
            raise DataError(f"{faults[0]}; unknown in this file: {listed}")
