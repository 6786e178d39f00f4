"""Second data root whose videos are prepared copies: the same names, labels, groups and splits."""

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from bvas.data.dataset_json import DATASET_NAME
from bvas.data.importing.draft import Import, video_name, write_dataset
from bvas.data.importing.merging import read_root
from bvas.data.joints import joints_file
from bvas.data.raw_annotations import raise_faults
from bvas.errors import ConfigError, DataError
from bvas.system.atomic_files import replacing
from bvas.video.index.frame_folder import is_frame_folder
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.video_index import build_index


@dataclass(frozen=True, slots=True, kw_only=True)
class RootPlan:
    """A data root, and where the copies of its videos go."""

    content: Import
    targets: Mapping[Path, Path]
    """The copy of each video, `.mp4`."""
    out: Path


def plan_root(root: Path, out: Path, *, replaced: bool) -> RootPlan:
    """Return the videos of a data root and the places of their copies.

    Args:
        root: Folder with a `dataset.json`.
        out: The data root to make.
        replaced: Whether a `dataset.json` in it may be replaced.

    Raises:
        ConfigError: it would be made in its original, or exists.
        DataError: the `dataset.json` has faults, or a video is missing.
    """
    if out.resolve() == root.resolve():
        raise ConfigError(f"the copies would be made in {root} itself; choose another --out folder")
    if (out / DATASET_NAME).exists() and not replaced:
        raise ConfigError(f"{out / DATASET_NAME} exists already; --force replaces it")
    content = read_root(root, resolution="720p", label_file=None)
    raise_faults(content.faults)
    targets: dict[Path, Path] = {}
    for match in content.matches:
        for video in match.videos:
            if not video.is_file() and not is_frame_folder(video):
                raise DataError(f"no video {video}, which {root / DATASET_NAME} names")
            name = PurePosixPath(video_name(video, match, out, "copy"))
            targets.setdefault(video, out / name.parent / f"{name.name.removesuffix(video.suffix)}.mp4")
    return RootPlan(content=content, targets=targets, out=out)


def is_made(target: Path, original: VideoIndex, size: tuple[int, int]) -> bool:
    """Return whether a copy of an earlier run is there.

    Args:
        target: The copy.
        original: Its original.
        size: (H, W) that the copy must have.

    Raises:
        ConfigError: a file is there that is not this copy.
    """
    if not target.exists():
        return False
    index, info = build_index(target)
    if index.num_frames != original.num_frames or _size(info) != size:
        found = f"{index.num_frames} frames of {info.height}x{info.width}"
        raise ConfigError(
            f"{target} exists and has {found}, where {original.num_frames} of {size[0]}x{size[1]} are wanted; --force "
            "replaces it"
        )
    return True


def _size(info: VideoInfo) -> tuple[int, int]:
    return info.height, info.width


def write_prepared(plan: RootPlan, made: Collection[Path]) -> Path:
    """Write the `dataset.json` of the copies, and put the joints beside them; return its path.

    Args:
        plan: What was planned.
        made: Originals that have a copy; others are named where they lie.
    """
    for video, target in plan.targets.items():
        joints = joints_file(video)
        if joints is not None and video in made:
            with replacing(target.with_suffix(joints.suffix)) as temporary:
                shutil.copyfile(joints, temporary)
    matches = [
        replace(match, videos=[plan.targets[video] if video in made else video for video in match.videos])
        for match in plan.content.matches
    ]
    content = replace(plan.content, matches=tuple(matches))
    return write_dataset(content, plan.out, placing="path", overwrite=True)
