"""History of a run beside its log: tables of each epoch, such as confusion matrices, as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bvas.errors import DataError
from bvas.system.atomic_files import write_json
from bvas.system.text_files import read_json

HISTORY_NAME = "history.json"


def note_tables(folder: Path, epoch: int, tables: Mapping[str, Any]) -> None:
    """Add the tables of an epoch to a fold's history; those of later epochs are dropped.

    Args:
        folder: Folder of the fold.
        epoch: From 0.
        tables: Plain data by name.

    Raises:
        DataError: the history cannot be read or written.
    """
    path = folder / HISTORY_NAME
    entries = read_json(path) if path.is_file() else []
    if not isinstance(entries, list):
        raise DataError(f"{path} must hold a list of epochs; remove it, or start over with --overwrite")
    earlier = [entry for entry in entries if isinstance(entry, dict) and entry.get("epoch", epoch) < epoch]
    write_json(path, [*earlier, {"epoch": epoch, **tables}])
