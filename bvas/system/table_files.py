"""Tables in text files, as spreadsheets and other programs write them.

Commas, semicolons, tabs or bars separate cells; names of columns stand in the first line, in any case; numbers have
a point or a comma; a cell in quotes may hold line breaks.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bvas.errors import DataError
from bvas.system.atomic_files import replacing
from bvas.system.file_names import shown_text
from bvas.system.text_files import read_text
from bvas.values.plural import count_text

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# Excel's own first line about the separator.
_SEPARATOR_LINE = re.compile(r"""\s*"?sep=(.)"?\s*(?:\r\n|\r|\n)""", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+", re.ASCII)
_INVISIBLE = "\ufeff\u200b"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table."""

    line: int
    """Where it begins in the file, from 1."""
    cells: Mapping[str, str]
    """As they stand in the file, by name of the column; cells that are missing at the end are empty."""

    def text(self, column: str) -> str:
        """Return a cell without the spaces around it; empty without such a column."""
        return self.cells.get(column, "").strip()


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file."""

    path: Path
    columns: tuple[str, ...]
    """Their names: lower case, single spaces."""
    rows: tuple[TableRow, ...]
    """Empty rows are left out."""
    has_decimal_comma: bool
    """Numbers are written as 0,5."""

    def number(self, row: TableRow, column: str) -> float:
        """Return the number in a cell.

        Raises:
            DataError: it is not a finite number; the message names line and column.
        """
        text = row.text(column)
        plain = text.replace(",", ".", 1) if self.has_decimal_comma and _WITH_COMMA.fullmatch(text) else text
        value = float(plain) if _NUMBER.fullmatch(plain) else math.nan
        if not math.isfinite(value):
            raise DataError(
                f"{self.path}, line {row.line}: {column} is {text!r}; it must be a finite number, like 12.5"
            )
        return value


def read_table(
    path: Path, known: Sequence[str], *, numbers: Sequence[str] = (), remark: str | None = None
) -> Table:
    """Return the table in a text file.

    The separator is the one that makes the most known names of the first line.

    Args:
        path: The file.
        known: Names of columns that mean something, in lower case.
        numbers: Those whose cells are numbers; a comma in them is a decimal comma where nothing speaks against it.
        remark: What a line begins with that is not a row; None: nothing.

    Raises:
        DataError: the file cannot be read; a row has more cells than there are columns; a known column stands twice;
            quotes do not close; or decimal points and commas are mixed. The message names the line.
    """
    text = read_text(path)
    stated = _SEPARATOR_LINE.match(text)
    delimiter = stated[1] if stated else _delimiter(text, known, remark)
    records = _records(path, text, delimiter, remark)
    if stated:
        records = records[1:]
    if not records:
        return Table(path, (), (), False)
    head_line, head = records[0]
    columns = [_name(cell) for cell in head]
    while columns and not columns[-1]:
        columns.pop()
    for column in known:
        if columns.count(column) > 1:
            raise DataError(
                f"{path}, line {head_line}: the column '{column}' stands twice; rename or delete one"
            )
    rows = []
    for line, cells in records[1:]:
        if any(cell.strip() for cell in cells[len(columns) :]):
            commas = " (a decimal comma? quote such cells, or write a point)" if delimiter == "," else ""
            raise DataError(
                f"{path}, line {line} has {count_text(len(cells), 'cell')}, and the first line names "
                f"{count_text(len(columns), 'column')}{commas}"
            )
        filled = [*cells, *[""] * (len(columns) - len(cells))]
        # The first of two unknown columns of one name: neither means anything.
        rows.append(
            TableRow(line, dict(zip(reversed(columns), reversed(filled[: len(columns)]), strict=True)))
        )
    comma = _has_decimal_comma(path, rows, [name for name in numbers if name in columns], delimiter)
    return Table(path, tuple(columns), tuple(rows), comma)


def head_names(line: str, known: Sequence[str]) -> list[str]:
    """Return the known column names in a line, with any separator."""
    return max((_known_in(line, delimiter, known) for delimiter in _DELIMITERS), key=len)


def _delimiter(text: str, known: Sequence[str], remark: str | None) -> str:
    """Return what separates the names in the first line that is not empty."""
    head = _head(text, remark)
    return max(_DELIMITERS, key=lambda mark: (len(_known_in(head, mark, known)), head.count(mark)))


def _head(text: str, remark: str | None) -> str:
    """Return the line with the names of the columns."""
    stated = _SEPARATOR_LINE.match(text)
    lines = io.StringIO(text[stated.end() :] if stated else text, newline=None)
    return next((line for line in lines if line.strip() and not (remark and line.startswith(remark))), "")


def _known_in(line: str, delimiter: str, known: Sequence[str]) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []
    return [name for name in map(_name, cells) if name in known]


def _name(cell: str) -> str:
    return " ".join(cell.strip(_INVISIBLE).split()).casefold()


def _records(path: Path, text: str, delimiter: str, remark: str | None) -> list[tuple[int, list[str]]]:
    """Return (line where it begins, cells) of every row that is not empty."""
    # Spaces before a cell are left out only where the names of the columns have them too: a label may begin with one.
    is_spaced = re.search(re.escape(delimiter) + r" +\S", _head(text, remark)) is not None
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=is_spaced
    )
    found = []
    begin = 1
    try:
        for cells in reader:
            is_remark = remark is not None and cells and cells[0].startswith(remark)
            if not is_remark and any(cell.strip(_INVISIBLE).strip() for cell in cells):
                found.append((begin, cells))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}, line {begin}: {error}; fix the quotes, or replace the file") from error
    return found


def _has_decimal_comma(path: Path, rows: Sequence[TableRow], columns: Sequence[str], delimiter: str) -> bool:
    """Return whether numbers are written as 0,5.

    Raises:
        DataError: points and commas are mixed, or each comma may as well separate thousands.
    """
    pointed: tuple[TableRow, str] | None = None
    commas: list[tuple[TableRow, str]] = []
    for row in rows:
        for column in columns:
            text = row.text(column)
            if _WITH_COMMA.fullmatch(text):
                commas.append((row, column))
            elif pointed is None and "." in text and _NUMBER.fullmatch(text):
                pointed = row, column
    if not commas:
        return False
    row, column = commas[0]
    where = f"{path}, line {row.line}: {column} is {row.text(column)!r}"
    if pointed is not None:
        other, name = pointed
        raise DataError(
            f"{where}, and line {other.line} has {other.text(name)!r} as {name}; write all numbers with a point"
        )
    is_grouped = all(_GROUPED.fullmatch(row.text(column)) for row, column in commas)
    if is_grouped and delimiter == ",":
        raise DataError(
            f"{where}, which may be a decimal or a thousand; write numbers with a point and without groups"
        )
    return True


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write what `table_text` returns, in UTF-8 and row by row: long tables take no memory.

    Undecodable bytes of file names in cells are replaced.

    Raises:
        DataError: the file cannot be written.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for cells in rows:
            writer.writerow([shown_text(cell) if isinstance(cell, str) else cell for cell in cells])


def table_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return lines under a line of column names; None is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
