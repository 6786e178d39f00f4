"""OSL JSON files read as folders of SoccerNet's files: each sample is a match or a half of one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas.data.file_tree import FileTree, open_tree
from bvas.data.osl_json import OslFile, OslSample, is_osl, parse_osl
from bvas.data.raw_annotations import Fault, raise_faults
from bvas.data.soccernet_entries import Notices
from bvas.data.soccernet_files import game_time
from bvas.errors import DataError
from bvas.system.text_files import read_json
from bvas.values.plural import count_text


@dataclass(frozen=True, slots=True)
class OslTree:
    """One OSL JSON file; has the methods of `FileTree` that scoring needs."""

    root: Path
    osl: OslFile
    matches: Mapping[str, Mapping[int, OslSample]]
    """Samples by name of the match and half."""

    def find(self, file_name: str) -> dict[str, str]:
        """Return the names of the matches, whatever the file is called in SoccerNet's layout."""
        return {name: name for name in self.matches}

    def read_json(self, path: str) -> Any:
        """Return a match as SoccerNet's files have it."""
        return soccernet_content(self.matches[path])

    def where(self, path: str) -> str:
        """Return how messages call a match."""
        return f"{self.root}, {path}"

    def ids(self, path: str) -> set[str]:
        """Return the ids of a match's samples."""
        return {sample.id for sample in self.matches[path].values() if sample.id}


Tree = FileTree | OslTree


@contextmanager
def open_files(path: Path, *, head: str | None = None) -> Iterator[Tree]:
    """Yield a folder, a zip, or an OSL JSON file.

    Raises:
        DataError: it is neither, or the OSL JSON is wrong.
        ConfigError: it has no such head.
    """
    if not path.is_file() or path.suffix.lower() != ".json":
        with open_tree(path) as tree:
            yield tree
        return
    content = read_json(path)
    if not is_osl(content):
        raise DataError(
            f"{path} is not OSL JSON: it needs 'version', 'labels' and 'data'; of SoccerNet's files give the folder or "
            "zip that holds the matches"
        )
    osl = _parsed(content, path, head)
    yield OslTree(path, osl, _by_match(osl, path))


def as_soccernet(content: Any, where: str) -> Any:
    """Return the content of a file in SoccerNet's form; OSL JSON of one match is brought into it.

    Raises:
        DataError: the OSL JSON is wrong, or is about several matches.
    """
    if not is_osl(content):
        return content
    path = Path(where)
    matches = _by_match(_parsed(content, path, None), path)
    if len(matches) != 1:
        raise DataError(
            f"{where} is about {count_text(len(matches), 'match')}, and lies in the folder of one; give the file itself"
        )
    return soccernet_content(next(iter(matches.values())))


def soccernet_content(halves: Mapping[int, OslSample]) -> dict[str, list[dict[str, Any]]]:
    """Return annotations and predictions of a match; events without a confidence are certain."""
    entries = [
        {
            "gameTime": game_time(half, event.seconds),
            "label": event.label,
            "position": round(event.seconds * 1000),
            "half": half,
            "confidence": 1.0 if event.confidence is None else event.confidence,
            "team": event.team,
            "visibility": "visible" if event.visible else "not shown",
        }
        for half, sample in halves.items()
        for event in sample.events or ()
    ]
    return {"annotations": entries, "predictions": entries}


def count_uncertain(tree: Tree, notices: Notices) -> None:
    """Note predictions that have no confidence."""
    if not isinstance(tree, OslTree):
        return
    for name, halves in tree.matches.items():
        missing = sum(event.confidence is None for sample in halves.values() for event in sample.events or ())
        if missing:
            notices.add("predictions without a confidence, which counts as 1", tree.where(name), missing)


def paired_names(
    label_files: Mapping[str, str], result_files: Mapping[str, str], truth: Tree, found: Tree
) -> dict[str, str]:
    """Return the files of predictions under the names of the labelled matches that they are about.

    Where OSL JSON is on a side, paths may begin in another folder, or samples be known by their ids.
    """
    if not isinstance(truth, OslTree) and not isinstance(found, OslTree):
        return dict(result_files)
    free = [name for name in label_files if name not in result_files]
    paired: dict[str, str] = {}
    for name, file in result_files.items():
        alike = [other for other in free if _is_same(name, other, truth, found)]
        if not alike and name == "." and len(result_files) == len(free) == 1:
            alike = free[:]
        if name not in label_files and len(alike) == 1:
            free.remove(alike[0])
            paired[alike[0]] = file
        else:
            paired[name] = file
    return paired


def _is_same(name: str, labelled: str, truth: Tree, found: Tree) -> bool:
    if f"/{name}".endswith(f"/{labelled}") or f"/{labelled}".endswith(f"/{name}"):
        return True
    ids = truth.ids(labelled) if isinstance(truth, OslTree) else {labelled}
    other = found.ids(name) if isinstance(found, OslTree) else {name}
    return bool(ids & other)


def _parsed(content: Any, path: Path, head: str | None) -> OslFile:
    faults: list[Fault] = []
    osl = parse_osl(content, path, faults, head=head)
    raise_faults(faults)
    return osl


def _by_match(osl: OslFile, path: Path) -> dict[str, dict[int, OslSample]]:
    matches: dict[str, dict[int, OslSample]] = {}
    for sample in osl.samples:
        other = matches.setdefault(sample.name, {}).setdefault(sample.half, sample)
        if other is not sample:
            raise DataError(
                f"{path}: {sample.place} is half {sample.half} of match {sample.name!r}, as {other.place} is; keep one"
            )
    return matches
