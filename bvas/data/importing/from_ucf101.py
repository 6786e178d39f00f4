"""Import of UCF101's lists: `classInd.txt`, `trainlist01.txt`, `testlist01.txt`."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from bvas.data.importing.clip_drafts import (
    clip_draft,
    find_clip,
    is_plain_path,
    list_lines,
    missing_faults,
    with_valid,
)
from bvas.data.importing.draft import Import, MatchDraft
from bvas.data.raw_annotations import Fault
from bvas.data.splits import SplitName
from bvas.errors import DataError

CLASS_FILE = "classInd.txt"
_NUMBERED = re.compile(r"(?P<path>.+?\.\w+)(?:\s+(?P<number>\d+))?", re.ASCII)
_GROUP = re.compile(r"_(g\d+)_c\d+$", re.ASCII)


def read_ucf101(
    source: Path, videos: Path, *, number: int = 1, shares: Sequence[float] | None = None, seed: int = 0
) -> Import:
    """Read one of the three official splits. A group is a source video: `Class/g08` of `Class/v_Class_g08_c01.avi`.

    The lists have no valid split: it is drawn out of train by group.

    Args:
        source: The folder of the lists.
        videos: Folder of `Class/v_Class_g08_c01.avi`; the folders of the classes may be absent.
        number: Of the split, 1 to 3.
        shares: Of train and valid; None: 90, 10.
        seed: Of the draw.

    Raises:
        DataError: a list is missing or cannot be read.
    """
    if not (source / CLASS_FILE).is_file():
        raise DataError(f"no {source / CLASS_FILE}; SOURCE is the folder of UCF101's lists")
    faults: list[Fault] = []
    numbers = _class_numbers(source / CLASS_FILE, faults)
    drafts: dict[str, MatchDraft] = {}
    missing: list[Fault] = []
    train_groups: set[str] = set()
    num_listed = 0
    sides: tuple[tuple[SplitName, str], ...] = (("train", "trainlist"), ("test", "testlist"))
    for split, stem in sides:
        path = source / f"{stem}{number:02d}.txt"
        if not path.is_file():
            raise DataError(f"no {path}, the list of split {number}; choose another with --split")
        for entry, line in list_lines(path):
            num_listed += 1
            name, group = _checked(path, entry, line, numbers, faults)
            if not name:
                continue
            label, sample = name.split("/")[0], name.rpartition(".")[0]
            if sample in drafts:
                faults.append(Fault(path, entry, f"{name} stands twice in the lists; delete one"))
                continue
            video = find_clip(videos, name)
            if video is None:
                missing.append(Fault(path, entry, f"no video {videos / name}; get it, or delete the line"))
                continue
            drafts[sample] = clip_draft(sample, video, label, group=group, split=split)
            if split == "train":
                train_groups.add(group)
            elif group in train_groups:
                message = f"group {group} is in train too; the lists are damaged, get them again"
                faults.append(Fault(path, entry, message))
    faults += missing_faults(missing, num_listed, source, videos)
    if not num_listed:
        faults.append(Fault(source, "", f"the lists of split {number} are empty; get them again"))
    found = with_valid(list(drafts.values()), shares, seed, source)
    return Import(labels=tuple(numbers), matches=tuple(found), faults=tuple(faults))


def _class_numbers(path: Path, faults: list[Fault]) -> dict[str, int]:
    """Return the number of each class, in the order of the numbers."""
    found: dict[str, int] = {}
    for entry, line in list_lines(path):
        number, _, name = line.partition(" ")
        name = name.strip()
        if not number.isdecimal() or not is_plain_path(name) or "/" in name:
            faults.append(Fault(path, entry, f"is {line!r}; it must be a number and the name of a class"))
        elif name in found or int(number) in found.values():
            faults.append(Fault(path, entry, f"{line!r} has a number or name of a line before; keep one"))
        else:
            found[name] = int(number)
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def _checked(
    path: Path, entry: str, line: str, numbers: dict[str, int], faults: list[Fault]
) -> tuple[str, str]:
    """Return the path and the group of a line; empty, and a fault noted, where it is wrong."""
    found = _NUMBERED.fullmatch(line)
    name = found["path"] if found else ""
    if found is None or not is_plain_path(name) or len(PurePosixPath(name).parts) != 2:
        faults.append(Fault(path, entry, f"is {line!r}; it must be like 'Class/v_Class_g01_c01.avi 1'"))
        return "", ""
    label = PurePosixPath(name).parts[0]
    if label not in numbers:
        faults.append(Fault(path, entry, f"class {label!r} is not in {CLASS_FILE}"))
        return "", ""
    if found["number"] and int(found["number"]) != numbers[label]:
        message = f"class {label!r} has number {found['number']}, and {numbers[label]} in {CLASS_FILE}"
        faults.append(Fault(path, entry, message))
        return "", ""
    group = _GROUP.search(PurePosixPath(name).stem)
    if group is None:
        faults.append(Fault(path, entry, f"{name} has no group; its name must end like _g01_c01"))
        return "", ""
    return PurePosixPath(name).as_posix(), f"{label}/{group[1]}"
