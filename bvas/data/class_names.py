"""Files of class names: one a line, or JSON with a list or with names and numbers."""

from collections import Counter
from pathlib import Path
from typing import Any

from bvas.data.json_object import short_text
from bvas.errors import DataError
from bvas.system.text_files import read_json, read_text, text_lines


def read_class_names(path: Path) -> tuple[str, ...]:
    """Return the names of a file in the order of their numbers.

    JSON may be a list of names, an object of numbers by name, or one of names by number. Any other file has one name
    a line; lines that are empty or begin with `#` are skipped.

    Raises:
        DataError: it cannot be read, is empty, names a class twice, or has numbers other than 0, 1, 2 and so on.
    """
    if path.suffix.lower() == ".json":
        names = names_of(read_json(path), str(path))
    else:
        lines = (line.strip() for line in text_lines(read_text(path)))
        names = tuple(line for line in lines if line and not line.startswith("#"))
    if not names:
        raise DataError(f"{path} names no class; write one name a line")
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(f"{path} names {repeated[0]!r} twice; name each class once")
    return names


def names_of(content: Any, where: str) -> tuple[str, ...]:
    """Return the class names in a JSON value, in the order of their numbers.

    Args:
        content: A list of names, an object of numbers by name, or one of names by number.
        where: Name of the file in messages.

    Raises:
        DataError: it is something else, or the numbers are not 0, 1, 2 and so on.
    """
    pairs: list[tuple[Any, Any]] = []
    if isinstance(content, list):
        pairs = list(enumerate(content))
    elif isinstance(content, dict) and all(key.isdecimal() for key in content):
        pairs = [(int(key), name) for key, name in content.items()]
    elif isinstance(content, dict):
        pairs = [(number, name) for name, number in content.items()]
    else:
        raise DataError(
            f"{where} holds {short_text(content)}; it must be a list of names, or an object of names and numbers"
        )
    for number, name in pairs:
        if type(number) is not int or not isinstance(name, str) or not name.strip():
            found = f"{short_text(name)} with {short_text(number)}"
            raise DataError(f"{where} has {found}; each class is a name with a whole number from 0 up")
    pairs.sort()
    for expected, (number, name) in enumerate(pairs):
        if number != expected:
            raise DataError(
                f"{where}: class {name!r} has number {number}, and {expected} is expected; classes are numbered from 0 "
                "without a gap"
            )
    return tuple(name for _, name in pairs)
