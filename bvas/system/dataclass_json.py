"""Frozen dataclasses as JSON and back, each value checked against its type."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import cattrs
from cattrs.v import format_exception

from bvas.errors import ConfigError, DataError
from bvas.system.text_files import parse_json

_Value = TypeVar("_Value")


def value_to_json(value: object) -> str:
    """Return a dataclass of plain values as JSON; `value_from_json` gives an equal one."""
    return json.dumps(_converter().unstructure(value), indent=2, ensure_ascii=False, allow_nan=False)


def value_from_json(
    text: str, type_: type[_Value], what: str, *, update: Callable[[dict[str, Any]], None] | None = None
) -> _Value:
    """Return the dataclass that `value_to_json` wrote.

    Args:
        text: JSON.
        type_: The dataclass.
        what: Name in messages, e.g. "experiment".
        update: Changes the object of an earlier version to that of this one, in place.

    Raises:
        ConfigError: a field is unknown, missing, of another type or breaks a rule.
    """
    try:
        value = parse_json(text, "its JSON")
        if not isinstance(value, dict):
            raise TypeError(f"it must be an object, got {type(value).__name__}")
        if update is not None:
            update(value)
        return _converter().structure(value, type_)
    except (cattrs.BaseValidationError, DataError, ValueError, KeyError, TypeError, OverflowError) as error:
        reasons = (
            "; ".join(cattrs.transform_error(error, format_exception=_reason))
            if isinstance(error, cattrs.BaseValidationError)
            else str(error)
        )
        raise ConfigError(f"not a valid {what} of this version: {reasons}") from error


def _reason(error: BaseException, type_: type | None) -> str:
    return str(error) if isinstance(error, ConfigError) else format_exception(error, type_)


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook(float, lambda value, _: float(value))
    return converter
