"""Which matches the weights of a fold have learned from.

The number of a fold does not say it: where folds are found by counting matches, another match in the data moves the
numbers, and a model would be asked about matches that it was trained on.
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
    """Return the names of the matches that a fold was trained on; None where that was not written down.

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
            f"{path} names no matches under 'trained_on'; restore the file or remove it"
        ) from error


def check_unseen(fold_folder: Path, held_out: Collection[str]) -> None:
    """Check that a fold's weights have not learned from the matches that it is to hold out.

    Raises:
        ConfigError: they have.
        DataError: the list of what they have learned from is damaged.
    """
    learned = sorted((seen_by(fold_folder) or frozenset()).intersection(held_out))
    if learned:
        raise ConfigError(
            f"{fold_folder} was trained on '{learned[0]}', which this fold holds out now: the data has other matches "
            "than it had then, or folds are counted otherwise. Put them back as they were, or train the fold anew with "
            "--overwrite"
        )
