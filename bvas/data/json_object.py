"""JSON objects of files that people write, structured by cattrs into dataclasses; every fault is noted with its place.

A dataclass describes an object: its fields are the keys, their types the rules. All fields have defaults, so that an
object with faults is read without its wrong values, and all faults of a file are found in one run.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast, get_args, get_type_hints

import cattrs

from bvas.data.raw_annotations import Fault
from bvas.errors import DataError
from bvas.system.text_files import read_json

_Object = TypeVar("_Object")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for a JSON value."""

    text: str
    """Wording in messages."""
    read: Callable[[Any, Any], Any]
    """Returns the field for (value, type), as cattrs calls it; raises `ValueError` or `TypeError` on other values."""


# Plain functions without a layer between: a file may hold ten thousands of annotations.
def _name(value: Any, _: Any) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError


def _flag(value: Any, _: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


def _count(value: Any, _: Any) -> int:
    if type(value) is int and value >= 0:
        return value
    raise ValueError


def _moment(value: Any, _: Any) -> float:
    if type(value) in (int, float) and 0 <= value < math.inf:
        return float(value)
    raise ValueError


def _items(value: Any, _: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    raise ValueError


def _names(value: Any, _: Any) -> list[str]:
    return [_name(item, _) for item in _items(value, _)]


Name = Annotated[str, Rule("a text", _name)]
Flag = Annotated[bool, Rule("true or false", _flag)]
Count = Annotated[int, Rule("a whole number from 0 up", _count)]
Moment = Annotated[float, Rule("a number from 0 up", _moment)]
Items = Annotated[Sequence[Any], Rule("a list", _items)]
Names = Annotated[Sequence[str], Rule("a list of names", _names)]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file, and the list that takes the faults of the file."""

    path: Path
    place: str
    """E.g. `match 2 'final', annotation 7`, or `line 3`; empty for the whole file."""
    faults: list[Fault]

    def fault(self, message: str) -> None:
        """Note a fault of this place."""
        self.faults.append(Fault(self.path, self.place, message))

    def inner(self, entry: str) -> "Place":
        """Return a place within this one."""
        return Place(self.path, f"{self.place}, {entry}" if self.place else entry, self.faults)

    def read(
        self,
        value: Any,
        type_: type[_Object],
        *,
        needs: Sequence[str] = (),
        others: bool = False,
        whole: bool = False,
    ) -> _Object | None:
        """Return an object as a dataclass, and note its faults; null counts as absent.

        Args:
            value: The JSON value.
            type_: The dataclass.
            needs: Keys that must be there.
            others: Other keys may be there; else one is taken for a misspelling.
            whole: Whether an object with a fault is None.

        Returns:
            The dataclass, wrong values replaced by defaults; None where the value is not an object.
        """
        num_faults = len(self.faults)
        rules, structure = _rules_and_hook(cast("Hashable", type_))
        if not isinstance(value, dict):
            keys = "" if others else f" with {', '.join(rules)}"
            self.fault(f"must be an object{keys}, got {short_text(value)}")
            return None
        given = {key: item for key, item in value.items() if item is not None}
        unknown = [] if others else [key for key in value if key not in rules]
        for key in unknown:
            self.fault(f"unknown key {key!r}; known are {', '.join(rules)}")
        wrong: list[str] = []
        try:
            found: _Object = structure(given, type_)
        except (ValueError, TypeError, OverflowError):
            wrong = [key for key in rules if key in given and not _is_allowed(given[key], rules[key])]
            found = structure({key: given[key] for key in given if key not in wrong}, type_)
        for key in [*wrong, *[key for key in needs if key not in given]]:
            begin = f"needs {key!r}," if key in needs else f"{key!r} must be"
            self.fault(f"{begin} {rules[key].text}, got {short_text(given.get(key))}")
        return None if whole and len(self.faults) > num_faults else found


def _is_allowed(value: Any, rule: Rule) -> bool:
    try:
        rule.read(value, None)
    except (ValueError, TypeError, OverflowError):
        return False
    return True


_ANYTHING = Rule("any value", lambda value, _: value)


def _rule_of(type_: Any) -> Rule | None:
    """Return the rule of a type like `Count` or `Count | None`."""
    kinds = (type_, *get_args(type_))
    found = (one for kind in kinds for one in getattr(kind, "__metadata__", ()) if isinstance(one, Rule))
    return next(found, None)


@cache
def _rules_and_hook(type_: Hashable) -> tuple[dict[str, Rule], Callable[[Any, Any], Any]]:
    """Return the rule of each key of a dataclass, and the function that structures one."""
    hints = get_type_hints(type_, include_extras=True)
    rules = {name: _rule_of(hint) or _ANYTHING for name, hint in hints.items()}
    return rules, _CONVERTER.get_structure_hook(type_)


def _hook(type_: Any) -> Callable[[Any, Any], Any]:
    rule = _rule_of(type_)
    assert rule is not None
    return rule.read


# Without details it is twice as fast, and does not say which value is wrong.
_CONVERTER = cattrs.Converter(detailed_validation=False)
_CONVERTER.register_structure_hook_factory(lambda type_: _rule_of(type_) is not None, _hook)


def read_json_file(path: Path, faults: list[Fault]) -> Any:
    """Return the JSON value of a file; None, and a fault noted, where it cannot be read."""
    if not path.is_file():
        faults.append(Fault(path, "", "no such file"))
        return None
    try:
        return read_json(path)
    except DataError as error:
        faults.append(Fault(path, "", str(error).removeprefix(f"{path} ")))
        return None


def short_text(value: Any) -> str:
    """Return a value for messages, at most 60 characters of it."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
