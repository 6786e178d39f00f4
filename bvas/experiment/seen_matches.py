"""Record of the matches that a fold's weights were trained on.

The number of a fold does not say it. Where folds are assigned by counting matches, a new match in the data shifts the
numbers, and a model would predict matches that it was trained on.
"""

from collections.abc import Collection
from pathlib import Path

from bvas.errors import ConfigError, DataError
from bvas.system.atomic_files import write_json
from bvas.system.text_files import read_json

FILE_NAME = "matches.json"


def write_seen(fold_folder: Path, *, trained_on: Collection[str], held_out: Collection[str]) -> None:
    """Write the names of a fold's matches into its folder, `runs/NAME/fold_K/`.

    Raises:
        DataError: the file cannot be written.
    """
    write_json(fold_folder / FILE_NAME, {"trained_on": sorted(trained_on), "held_out": sorted(held_out)})


def seen_by(fold_folder: Path) -> frozenset[str] | None:
    """Return the names of the matches that a fold was trained on; None where they were not recorded.

    Raises:
        DataError: the file is damaged.
    """
    path = fold_folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        return frozenset(read_json(path)["trained_on"])
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{path} has no list of matches under 'trained_on'; restore the file or remove it"
        ) from error


def check_unseen(fold_folder: Path, held_out: Collection[str]) -> None:
    """Check that a fold was not trained on the matches that it holds out now.

    Raises:
        ConfigError: it was.
        DataError: the record is damaged.
    """
    learned = sorted((seen_by(fold_folder) or frozenset()).intersection(held_out))
    if learned:
        raise ConfigError(
            f"{fold_folder} was trained on '{learned[0]}', which this fold holds out now: matches were added or "
            "removed, or folds are counted differently. Restore the matches, or train the fold again with --overwrite"
        )
