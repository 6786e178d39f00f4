"""Text files and JSON: reading with one rule for encodings, line breaks and damage.

All commands read text through this module, so a file is accepted by all of them or refused by all of them, with the
same message. Text is UTF-8, with or without a byte order mark; UTF-16 and UTF-32 are read where they have one, as
spreadsheets write it ("Unicode text").
"""

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bvas.errors import DataError

MAX_BYTES = 512 * 2**20
"""Of a text file; a larger one is something else."""
MAX_DEPTH = 100
"""Of objects and lists in JSON; ours have six, and Python's own code fails at a thousand."""
# Of the longest whole number of 64 bits, with its sign.
_INT64_LETTERS = 20
# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
# A lone surrogate, or a zero byte, can only be written as an escape.
_ESCAPES = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]', re.DOTALL)


def read_text(path: Path) -> str:
    """Return the text of a file, without its byte order mark; line breaks are as in the file.

    Raises:
        DataError: the file is missing, cannot be read or is not text; the message names the line and the column.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is larger than {MAX_BYTES >> 20} MiB; this is not a text file of bvas")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"no file {path}") from error
    except (OSError, ValueError) as error:
        # A ValueError is a zero byte in the name.
        raise DataError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    return decode_text(content, str(path))


def decode_text(content: bytes, where: str) -> str:
    """Return the text of a file's bytes.

    Args:
        content: The bytes.
        where: Name of the file in messages.

    Raises:
        DataError: they are not text in UTF-8 (or in UTF-16 or UTF-32 with a mark), or hold a zero byte.
    """
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        # Programs that add a mark to what has one leave two.
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, "replace")
        hint = ""
        if encoding.startswith("utf-8"):
            hint = f": byte 0x{content[error.start]:02X}{_as_windows_text(content, error.start)}"
        name = encoding.upper().removesuffix("-SIG")
        place = place_in(before, len(before))
        raise DataError(f"{where}, {place} is not {name}{hint}; save the file as UTF-8") from error
    zero = text.find("\0")
    if zero >= 0:
        raise DataError(
            f"{where}, {place_in(text, zero)} holds a zero byte: the file is damaged, not text, or UTF-16 without a "
            "byte order mark; save it as UTF-8"
        )
    return text


def text_lines(text: str) -> list[str]:
    """Return the lines of a text, which end in CR LF, LF or CR; other separators of Unicode belong to a line.

    >>> text_lines("a\\r\\nb\\rc\\n")
    ['a', 'b', 'c']
    """
    lines = _LINE_BREAK.split(text)
    return lines if lines[-1] else lines[:-1]


def place_in(text: str, offset: int, first_line: int = 1) -> str:
    """Return a place for messages; lines count from `first_line`, columns from 1.

    >>> place_in("ab\\ncd", 4)
    'line 2, column 2'
    """
    lines = _LINE_BREAK.split(text[:offset])
    return f"line {len(lines) - 1 + first_line}, column {len(lines[-1]) + 1}"


def _as_windows_text(content: bytes, offset: int) -> str:
    """Return the word around a byte as Windows-1252 has it, the usual origin of such a byte."""
    start = max(content.rfind(b"\n", 0, offset) + 1, offset - 12)
    word = content[start : offset + 12].decode("cp1252", "replace")
    shown = "".join(letter if letter.isprintable() else " " for letter in word).strip()
    return f" (as Windows-1252: '{shown}')" if shown and "\ufffd" not in shown else ""


def read_json(path: Path) -> Any:
    """Return the JSON value in a file.

    Raises:
        DataError: as `read_text` and `parse_json`.
    """
    return parse_json(read_text(path), str(path))


def parse_json(text: str, where: str, *, line: int | None = None) -> Any:
    """Return the JSON value of a text.

    Whole numbers beyond 64 bits become floats, as JSON's other readers have them; so sizes of numbers raise nothing.

    Args:
        text: The JSON.
        where: Name of the file in messages.
        line: Where in the file the text begins; None: it is the whole file.

    Raises:
        DataError: it is not JSON, nested deeper than `MAX_DEPTH`, names a key twice in one object or holds a zero byte
            or half of a character (a lone surrogate) in a text; the message names the line.
    """
    whole = where if line is None else f"{where}, line {line}"
    first = line or 1
    if not text.strip():
        raise DataError(f"{whole} is empty, and not JSON; fix or replace the file")
    try:
        value = json.loads(text, parse_int=_whole_number, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where} is not JSON: {place_in(text, error.pos, first)}: {error.msg}; fix or replace the file"
        ) from error
    except RecursionError as error:
        raise DataError(_too_deep(whole)) from error
    except _RepeatedKeyError as error:
        place = place_in(text, _offset_of_repetition(text), first)
        raise DataError(
            f"{where}, {place}: the key {error.args[0]!r} stands twice in one object; delete one"
        ) from error
    _check_depth(value, whole)
    if _ESCAPES.search(text):
        _check_characters(value, whole)
    return value


class _RepeatedKeyError(Exception):
    """The key, which stands twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RepeatedKeyError(key)
            seen.add(key)
    return found


def _whole_number(digits: str) -> int | float:
    if len(digits) > _INT64_LETTERS:
        return float(digits)
    value = int(digits)
    return value if -(2**63) <= value < 2**63 else float(digits)


def _offset_of_repetition(text: str) -> int:
    """Return where the second key of an object stands that has the same name; 0 for none."""
    open_objects: list[set[str] | None] = []
    last: re.Match[str] | None = None
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "{":
                open_objects.append(set())
            case "[":
                open_objects.append(None)
            case "}" | "]":
                open_objects.pop()
            case ":" if last is not None and open_objects and open_objects[-1] is not None:
                key = json.loads(last[0])
                if key in open_objects[-1]:
                    return last.start()
                open_objects[-1].add(key)
        last = token
    return 0


def _check_depth(value: Any, where: str) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _children(outer) if isinstance(inner, (dict, list))]
        if not level:
            return
    raise DataError(_too_deep(where))


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep(where: str) -> str:
    return f"{where} nests lists and objects more than {MAX_DEPTH} deep; fix or replace the file"


def _check_characters(value: Any, where: str) -> None:
    for text in _texts(value):
        if "\0" in text:
            raise DataError(f"{where}: the text {text!r} holds a zero byte (\\u0000); fix the file")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{where}: the text {text!r} holds half of a character (\\u{ord(text[error.start]):04x} alone); "
                "fix the file"
            ) from error


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
    for inner in _children(value):
        yield from _texts(inner)
