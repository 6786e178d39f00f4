"""One JSON object of a file that people write: its values are taken by type, and what is wrong is noted."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bvas.data.raw_annotations import Fault
from bvas.errors import DataError
from bvas.system.text_files import read_json


def read_filed_json(path: Path, faults: list[Fault]) -> Any:
    """Return the JSON value of a file; None, and a fault noted, where it cannot be read."""
    if not path.is_file():
        faults.append(Fault(path, "", "there is no such file"))
        return None
    try:
        return read_json(path)
    except DataError as error:
        faults.append(Fault(path, "", str(error).removeprefix(f"{path} ")))
        return None


class Fields:
    """The keys of one JSON object. A wrong value is added to the list of faults and read as if it were absent."""

    def __init__(self, value: Any, path: Path, place: str, known: Sequence[str], faults: list[Fault]) -> None:
        """Note what is no object, and keys that mean nothing.

        Args:
            value: What stands in the file.
            path: The file.
            place: Where in the file, for messages.
            known: Keys that mean something; another one is likely misspelt. Empty: any key may be there.
            faults: Receives what is wrong.
        """
        self.is_object = isinstance(value, dict)
        self._values: dict[str, Any] = value if isinstance(value, dict) else {}
        self.place = place
        self._path, self._faults = path, faults
        if not self.is_object:
            self.fault(
                f"must be an object{' with ' if known else ''}{', '.join(known)}, got {short_text(value)}"
            )
        for key in self._values if known else ():
            if key not in known:
                self.fault(f"unknown key {key!r}; there are {', '.join(known)}")

    def fault(self, message: str) -> None:
        """Note a fault of this object."""
        self._faults.append(Fault(self._path, self.place, message))

    @property
    def where(self) -> str:
        """The file and the place in it."""
        return f"{self._path}: {self.place}" if self.place else str(self._path)

    def inner(self, value: Any, entry: str, known: Sequence[str] = ()) -> "Fields":
        """Return the fields of an object within this one."""
        place = f"{self.place}, {entry}" if self.place else entry
        return Fields(value, self._path, place, known, self._faults)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value as it stands; the default where it is absent or null."""
        value = self._values.get(key)
        return default if value is None else value

    def has_one_of(self, first: str, second: str) -> bool:
        """Return whether exactly one of two keys is there, be its value right or wrong."""
        return (self.get(first) is None) != (self.get(second) is None)

    def text(self, key: str) -> str:
        """Return a text that must be there; empty where it is not."""
        value = self.get(key)
        if not isinstance(value, str) or not value:
            if self.is_object:
                self.fault(f"needs {key!r}, a text, got {short_text(value)}")
            return ""
        return value

    def optional_text(self, key: str) -> str | None:
        """Return a text that may be absent."""
        return None if self.get(key) is None else self.text(key) or None

    def whole(self, key: str) -> int | None:
        """Return a whole number from 0 up that may be absent."""
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.fault(f"{key!r} must be a whole number from 0 up, got {short_text(value)}")
            return None
        return value

    def number(self, key: str) -> float | None:
        """Return a number from 0 up that may be absent."""
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            self.fault(f"{key!r} must be a number from 0 up, got {short_text(value)}")
            return None
        return float(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            self.fault(f"{key!r} must be true or false, got {short_text(value)}")
        return value if isinstance(value, bool) else default

    def items(self, key: str) -> list[Any]:
        """Return a list that must be there; empty where it is not."""
        value = self.get(key)
        if not isinstance(value, list):
            if self.is_object:
                self.fault(f"needs {key!r}, a list, got {short_text(value)}")
            return []
        return value


def short_text(value: Any) -> str:
    """Return a value for messages, at most 60 characters of it."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
