"""One finding about a machine, with its remedy."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from bvas.system.log_lines import first_line

State = Literal["ok", "note", "problem"]

# Errors of importing a package that is missing, or whose linked libraries are missing.
IMPORT_ERRORS = (ImportError, OSError, RuntimeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Topic, state and remedy."""

    topic: str
    state: State
    """`note`: absent, and bvas works without it; `problem`: it should be fixed."""
    text: str
    remedy: str | None = None
    is_needed: bool = False
    """Nothing works before this is fixed."""


def ok(topic: str, text: str) -> Finding:
    """Return that something works."""
    return Finding(topic=topic, state="ok", text=text)


def note(topic: str, text: str, remedy: str | None = None) -> Finding:
    """Return that something is absent or scarce that bvas does without."""
    return Finding(topic=topic, state="note", text=text, remedy=remedy)


def problem(topic: str, text: str, remedy: str, *, is_needed: bool = False) -> Finding:
    """Return that something should be fixed; `is_needed`: nothing works before."""
    return Finding(topic=topic, state="problem", text=text, remedy=remedy, is_needed=is_needed)


def try_import(name: str) -> tuple[Any, str]:
    """Return (module, "") or (None, why it cannot be imported)."""
    try:
        return import_module(name), ""
    except IMPORT_ERRORS as error:
        return None, f"{type(error).__name__}: {first_line(error)}"
