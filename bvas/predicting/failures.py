"""List of failed matches: `failed.jsonl` in a folder of results, with `{"match": ..., "reason": ...}` per line.

Several processes may write to it. Each changes the lines of its own matches only.
"""

import json
from pathlib import Path

from bvas.errors import DataError
from bvas.system.atomic_files import write_text
from bvas.system.locks import locked
from bvas.system.text_files import parse_json, read_text, text_lines

FAILED_NAME = "failed.jsonl"
_SECONDS_TO_WAIT = 30.0


def read_failures(out: Path) -> dict[str, str]:
    """Return the reason for each listed match; lines of another form are skipped."""
    try:
        lines = text_lines(read_text(out / FAILED_NAME))
    except DataError:
        return {}
    failures = {}
    for line in lines:
        try:
            entry = parse_json(line, FAILED_NAME)
            failures[str(entry["match"])] = str(entry["reason"])
        except (DataError, KeyError, TypeError):
            continue
    return failures


def note_failure(out: Path, name: str, reason: str | None) -> None:
    """List a match as failed, or remove it from the list where the reason is None.

    Raises:
        DataError: the list cannot be written.
    """
    path = out / FAILED_NAME
    if reason is None and not path.is_file():
        return
    with locked(out, seconds=_SECONDS_TO_WAIT):
        failures = read_failures(out)
        failures.pop(name, None)
        if reason is not None:
            failures[name] = reason
        if failures:
            lines = [json.dumps({"match": m, "reason": r}, ensure_ascii=False) for m, r in failures.items()]
            write_text(path, "\n".join(lines) + "\n")
            return
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise DataError(f"cannot remove {path}: {error.strerror or error}") from error
