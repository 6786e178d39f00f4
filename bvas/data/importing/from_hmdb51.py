"""Import of HMDB51's lists: `CLASS_test_split1.txt` with lines `name.avi 1`."""

import logging
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

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
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)

_SIDES: dict[str, SplitName] = {"1": "train", "2": "test"}
_UNUSED = "0"
# Body parts, camera motion, people, view, quality and the number of the clip.
_FIELDS = re.compile(r"_[a-z]+_(?:cm|nm)_np\d+_(?:fr|ba|le|ri)_(?:goo|med|bad)_\d+$", re.ASCII)


def list_files(folder: Path, number: int) -> list[Path]:
    """Return the lists of a split, one a class."""
    return sorted(folder.glob(f"*_test_split{number}.txt"))


def read_hmdb51(
    source: Path, videos: Path, *, number: int = 1, shares: Sequence[float] | None = None, seed: int = 0
) -> Import:
    """Read one of the three official splits. A group is a class and the video that its clips were cut from.

    The lists have no valid split: it is drawn out of train by group. Clips that they mark as unused are left out.

    Args:
        source: The folder of the lists.
        videos: Folder of `CLASS/name.avi`; the folders of the classes may be absent.
        number: Of the split, 1 to 3.
        shares: Of train and valid; None: 90, 10.
        seed: Of the draw.

    Raises:
        DataError: there are no lists of the split, or one cannot be read.
    """
    paths = list_files(source, number)
    if not paths:
        raise DataError(f"{source} holds no CLASS_test_split{number}.txt; choose another with --split")
    faults: list[Fault] = []
    missing: list[Fault] = []
    drafts: dict[str, MatchDraft] = {}
    num_listed = num_unused = 0
    labels = [path.name.removesuffix(f"_test_split{number}.txt") for path in paths]
    for path, label in zip(paths, labels, strict=True):
        for entry, line in list_lines(path):
            name, _, mark = line.rpartition(" ")
            name = name.strip()
            if not is_plain_path(name) or "/" in name or mark not in (_UNUSED, *_SIDES):
                message = f"is {line!r}; it must be like 'name.avi 1', with 1 train, 2 test or 0 unused"
                faults.append(Fault(path, entry, message))
                continue
            if mark == _UNUSED:
                num_unused += 1
                continue
            num_listed += 1
            stem = name.rpartition(".")[0] or name
            sample = f"{label}/{stem}"
            if sample in drafts:
                faults.append(Fault(path, entry, f"{name} stands twice; delete one"))
                continue
            video = find_clip(videos, f"{label}/{name}")
            if video is None:
                missing.append(Fault(path, entry, f"no video {videos / label / name}; get it, or mark it 0"))
                continue
            group = f"{label}/{source_video(stem, label)}"
            drafts[sample] = clip_draft(sample, video, label, group=group, split=_SIDES[mark])
    faults += missing_faults(missing, num_listed, source, videos)
    if not num_listed and not faults:
        faults.append(Fault(source, "", f"the lists of split {number} name no clip; get them again"))
    if num_unused:
        logger.info("%s: %s not used in split %d", source, count_text(num_unused, "clip"), number)
    found = with_valid(_uncut(list(drafts.values()), source), shares, seed, source)
    return Import(labels=tuple(labels), matches=tuple(found), faults=tuple(faults))


def source_video(stem: str, label: str) -> str:
    """Return the name of the video that a clip was cut from: what stands before class, properties and number.

    >>> source_video("April_09_brush_hair_u_nm_np1_ba_goo_0", "brush_hair")
    'April_09'
    """
    before = _FIELDS.sub("", stem)
    shorter = before[: -len(label) - 1] if before.casefold().endswith(f"_{label}".casefold()) else before
    return shorter or before


def _uncut(drafts: Sequence[MatchDraft], source: Path) -> list[MatchDraft]:
    """Return clips with a group of its own on each side, where the official lists cut one; a log line names them."""
    sides: dict[str, set[str]] = defaultdict(set)
    for draft in drafts:
        sides[draft.group or ""].add(draft.split or "")
    cut = sorted(group for group, there in sides.items() if len(there) > 1)
    if not cut:
        return list(drafts)
    logger.warning(
        "%s: the official lists have clips of %s in train and in test, which counts too much; the first is %s",
        *(source, count_text(len(cut), "source video"), cut[0]),
    )
    return [
        replace(draft, group=f"{draft.group} ({draft.split})") if draft.group in cut else draft
        for draft in drafts
    ]
