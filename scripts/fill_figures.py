"""Tables of figures in the documentation, filled from benchmarks/results.

    python scripts/fill_figures.py            # write the tables
    python scripts/fill_figures.py --check    # exit code 1 where a page holds other figures than the results
    python scripts/fill_figures.py OUT        # first take over the finished results of `scripts/gpu_check.sh OUT`

scripts/figures.toml describes each table. A page holds it between `<!-- figures: NAME -->` and `<!-- /figures -->`.
A table without columns has a column for each machine with a result; one with columns is repeated for each machine.

A cell is text with values in braces, each PATH:FORMAT. PATH leads into the file's JSON: keys parted by `/`; behind a
list `[key=value;...]` chooses the one entry that has these values (`*`: any), `[each key=value]` all such entries; `#`
is the number of entries. Terms may be joined by ` + ` and ` - `. FORMAT is Python's, `?` for yes and no, or one with
` GB` for bytes; `|TEXT` behind it stands for null. Of several values it shows mean and standard deviation, or with
` range` the ends.
"""

import argparse
import json
import re
import shutil
import statistics
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, TypeAlias

from bvas.errors import DataError

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path("benchmarks/results")
_BLOCK = re.compile(r"(<!-- figures: (\S+) -->\n).*?(<!-- /figures -->)", re.DOTALL)
_NOT_RUN = "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table."""

    what: str
    """Its words."""
    file: str
    """Name of the results, without machine."""
    cells: tuple[str, ...]
    on: str = "both"
    """Machines that it is measured on: `gpu` with one, `cpu` without, or `both`."""
    by: str = ""
    """Stages of scripts/gpu_check.sh, or the benchmark, that measure it; empty where they are called like the file."""

    @property
    def waits_for(self) -> str:
        """Command to run where the result is missing."""
        if self.on == "gpu":
            return f"waits for a GPU: `scripts/gpu_check.sh OUT {self.by or self.file}`"
        return f"waits for `benchmarks/bench_{self.by or self.file}.py`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a page."""

    page: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...] = ()
    """Without them each machine has a column."""
    only_numbers: bool = False
    """Leave out rows without a result, and link the files."""


@dataclass(frozen=True, slots=True)
class Result:
    """A file of results of one machine."""

    path: Path
    content: Mapping[str, Any]

    def text_of(self, cell: str) -> str:
        """Return a cell with its values.

        Raises:
            DataError: the file lacks a value.
        """
        return re.sub(r"\{([^{}]+)\}", lambda found: self._value_text(found[1]), cell)

    def _value_text(self, value: str) -> str:
        path, _, form = value.rpartition(":")
        form, _, null = form.partition("|")
        total: list[Any] = []
        for sign, term in re.findall(r"(?:^| ([+-]) )(.+?)(?= [+-] |$)", path):
            values = self._values(term.strip())
            if _NOT_RUN in values:
                return _NOT_RUN
            if total and len(total) != len(values):
                raise self._error(
                    f"{len(total)} and {len(values)} values for the terms of {path}; measure both"
                )
            factor = -1 if sign == "-" else 1
            total = [a + factor * b for a, b in zip(total, values, strict=True)] if total else values
        return _formatted(total, form, null).replace("%", " %")

    def _values(self, path: str) -> list[Any]:
        """Return the values that a path leads to: one, or several behind `each`."""
        found: list[Any] = [self.content]
        for step in re.findall(r"(?:\[[^\]]*\]|[^/\[])+", path):
            key, _, choice = step.partition("[")
            if any(isinstance(one, dict) and "no_answer" in one for one in found):
                return [_NOT_RUN]
            if key != "#" and any(not isinstance(one, dict) or key not in one for one in found):
                raise self._error(f"no {key} at {path}; measure it again, or correct figures.toml")
            found = [len(one) if key == "#" else one[key] for one in found]
            if choice:
                wanted = choice.removesuffix("]").removeprefix("each ")
                found = [entry for entries in found for entry in entries if _has(entry, wanted)]
                if not found or (len(found) > 1 and not choice.startswith("each ")):
                    raise self._error(f"{len(found)} entries for {step} of {path}; measure it again")
                if any("not_run" in one for one in found):
                    return [_NOT_RUN]
        return found

    def _error(self, text: str) -> DataError:
        return DataError(f"{self.path.name} has {text}")


def _has(entry: Mapping[str, Any], wanted: str) -> bool:
    pairs = [pair.split("=", 1) for pair in wanted.split(";")]
    return all(key in entry and value in ("*", str(entry[key])) for key, value in pairs)


def _formatted(values: Sequence[Any], form: str, null: str) -> str:
    if len(values) == 1:
        (value,) = values
        if value is None and null:
            return null
        if form == "?":
            return "yes" if value else "no"
        if form.endswith(" GB"):
            return f"{value / 1e9:{form.removesuffix(' GB')}} GB"
        return format(value, form)
    if form.endswith(" range"):
        form = form.removesuffix(" range")
        return f"{min(values):{form}} to {max(values):{form}}"
    return f"{statistics.fmean(values):{form}} +- {statistics.stdev(values):{form.lstrip('+')}}"


Results: TypeAlias = Mapping[str, Mapping[str, Result]]
"""Results by name, then by machine."""


def read_tables(path: Path) -> dict[str, Table]:
    """Return the tables of figures.toml by name."""
    tables = {}
    for name, given in tomllib.loads(path.read_text(encoding="utf-8")).items():
        columns: dict[str, str] = given.get("columns", {})
        rows = []
        for row in given["rows"]:
            cells = [Template(cell).substitute(row) for cell in columns.values()] or [row["value"]]
            rows.append(
                Row(
                    what=row["what"],
                    file=row.get("file") or given["file"],
                    cells=tuple(cells),
                    on=row.get("on", "both"),
                    by=row.get("by", ""),
                )
            )
        tables[name] = Table(
            page=given["page"],
            rows=tuple(rows),
            columns=tuple(columns),
            only_numbers=given.get("only_numbers", False),
        )
    return tables


def read_results(folder: Path) -> dict[str, dict[str, Result]]:
    """Return the finished results by name, then by machine, those with a GPU last."""
    found: dict[str, dict[str, Result]] = {}
    for path in sorted(folder.glob("*--*.json"), key=lambda path: (has_gpu(machine_of(path)), path.name)):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("is_complete") is not False:
            found.setdefault(path.stem.partition("--")[0], {})[machine_of(path)] = Result(path, content)
    return found


def machine_of(path: Path) -> str:
    """Return the machine that a file of results is named after."""
    return path.stem.partition("--")[2]


def has_gpu(machine: str) -> bool:
    """Return whether a machine has a GPU; scripts/gpu_check.py names one without `no-gpu`."""
    return "cpu" not in machine and not machine.startswith("no-")


def title_of(machine: str) -> str:
    """Return a machine as a heading."""
    cores = re.fullmatch(r"(\d+)-core-cpu", machine)
    return f"{cores[1]} CPU cores" if cores else machine.replace("-", " ").upper()


def table_text(table: Table, results: Results) -> str:
    """Return a table as Markdown."""
    return "\n".join(_repeated(table, results) if table.columns else _by_machine(table, results)) + "\n"


def _measured(row: Row, results: Results) -> dict[str, Result]:
    found = results.get(row.file, {})
    return {one: found[one] for one in found if row.on in ("both", "gpu" if has_gpu(one) else "cpu")}


def _by_machine(table: Table, results: Results) -> list[str]:
    measured = [_measured(row, results) for row in table.rows]
    machines = sorted({one for found in measured for one in found}, key=lambda one: (has_gpu(one), one))
    lines = [*_head(["what", *(map(title_of, machines) if machines else ["figure"]), "file"])]
    for row, found in zip(table.rows, measured, strict=True):
        if not found and table.only_numbers:
            continue
        cells = [found[one].text_of(row.cells[0]) if one in found else "" for one in machines] or [""]
        if not found:
            cells[-1 if row.on == "gpu" else 0] = row.waits_for
        names = [one.path.name for one in found.values()]
        files = [f"[{name}]({RESULTS / name})" if table.only_numbers else f"`{name}`" for name in names]
        lines.append(_line([row.what, *cells, ", ".join(files)]))
    return lines


def _repeated(table: Table, results: Results) -> list[str]:
    lines: list[str] = []
    machines = {machine: None for row in table.rows for machine in _measured(row, results)}
    for machine in machines or [""]:
        rows: list[str] = []
        names: dict[str, None] = {}
        for row in table.rows:
            found = _measured(row, results)
            if machine in found:
                names[f"`{found[machine].path.name}`"] = None
                rows.append(_line([row.what, *map(found[machine].text_of, row.cells)]))
            elif not found:
                rows.append(_line([row.what, row.waits_for, *[""] * (len(row.cells) - 1)]))
        heading = [f"{title_of(machine)} ({', '.join(names)}):", ""] if names else []
        lines += [*([""] if lines else []), *heading, *_head(["", *table.columns]), *rows]
    return lines


def _head(cells: Sequence[str]) -> list[str]:
    return [_line(cells), "|" + "---|" * len(cells)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def filled(page: str, text: str, tables: Mapping[str, Table], results: Results) -> str:
    """Return a page's text with its tables filled.

    Raises:
        DataError: a table of the page has no place in it, or a place no table; a result lacks a value.
    """
    places = [name for _, name, _ in _BLOCK.findall(text)]
    named = [name for name, table in tables.items() if table.page == page]
    if sorted(places) != sorted(named):
        raise DataError(
            f"{page} has places for the tables {places}, figures.toml has {named}; add what lacks"
        )
    return _BLOCK.sub(
        lambda found: found[1] + "\n" + table_text(tables[found[2]], results) + "\n" + found[3], text
    )


def take_over(folder: Path, results: Path, tables: Mapping[str, Table]) -> None:
    """Copy a folder's finished results that a table shows."""
    shown = {row.file for table in tables.values() for row in table.rows}
    for name, by_machine in read_results(folder).items():
        for result in by_machine.values() if name in shown else ():
            shutil.copy(result.path, results)
            print(f"took over {result.path.name}")


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Fill the tables; with `--check` compare only."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", help="folder of results to take over first")
    parser.add_argument("--check", action="store_true", help="write nothing; compare")
    args = parser.parse_args(argv)
    tables = read_tables(ROOT / "scripts" / "figures.toml")
    if args.out is not None and args.out.absolute() != root / RESULTS:
        take_over(args.out, root / RESULTS, tables)
    results = read_results(root / RESULTS)
    differs = False
    for page in dict.fromkeys(table.page for table in tables.values()):
        before = (root / page).read_text(encoding="utf-8")
        after = filled(page, before, tables, results)
        if after != before:
            differs = True
            print(f"{page}: {'holds other figures than the results' if args.check else 'filled'}")
            if not args.check:
                (root / page).write_text(after, encoding="utf-8")
    return 1 if args.check and differs else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DataError as error:
        sys.exit(str(error))
