"""Second data root whose videos are prepared copies: the same names, labels, groups and splits."""

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from bvas.data.dataset_json import DATASET_NAME
from bvas.data.importing.draft import Import, MatchDraft, video_name, write_dataset
from bvas.data.importing.merging import read_root
from bvas.data.joints import joints_file
from bvas.data.labelled_ranges import ends_of
from bvas.data.raw_annotations import RawAnnotation, raise_faults
from bvas.errors import ConfigError, DataError
from bvas.system.atomic_files import replacing
from bvas.video.index.frame_folder import is_frame_folder
from bvas.video.index.frame_table import VideoInfo
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
            if video not in targets:
                place = _relative(video, root) or PurePosixPath(video_name(video, match, out, "copy"))
                target = out / place.parent / f"{place.name.removesuffix(video.suffix)}.mp4"
                if target in targets.values():
                    target = target.with_name(f"{video.name}.mp4")
                targets[video] = target
    return RootPlan(content=content, targets=targets, out=out)


def is_made(target: Path, num_frames: int, size: tuple[int, int]) -> bool:
    """Return whether a copy of an earlier run is there.

    Args:
        target: The copy.
        num_frames: Frames that it must have.
        size: (H, W) that it must have.

    Raises:
        ConfigError: a file is there that is not this copy.
    """
    if not target.exists():
        return False
    index, info = build_index(target)
    if index.num_frames != num_frames or _size(info) != size:
        found = f"{index.num_frames} frames of {info.height}x{info.width}"
        raise ConfigError(
            f"{target} exists and has {found}, where {num_frames} of {size[0]}x{size[1]} are wanted; --force "
            "replaces it"
        )
    return True


def _relative(video: Path, root: Path) -> PurePosixPath | None:
    """Return the path of a video below its data root; None elsewhere."""
    if not video.is_relative_to(root) or ".." in video.relative_to(root).parts:
        return None
    return PurePosixPath(video.relative_to(root).as_posix())


def _size(info: VideoInfo) -> tuple[int, int]:
    return info.height, info.width


def write_prepared(plan: RootPlan, made: Collection[Path], *, in_seconds: bool) -> Path:
    """Write the `dataset.json` of the copies, and put the joints beside them; return its path.

    Args:
        plan: What was planned.
        made: Originals that have a copy; others are named where they lie.
        in_seconds: Frames of annotations become seconds, as copies have other frames.
    """
    for video, target in plan.targets.items():
        joints = joints_file(video)
        if joints is not None and video in made:
            with replacing(target.with_suffix(joints.suffix)) as temporary:
                shutil.copyfile(joints, temporary)
    matches = [
        replace(
            match,
            videos=[plan.targets[video] if video in made else video for video in match.videos],
            annotations=_seconds(match) if in_seconds else match.annotations,
        )
        for match in plan.content.matches
    ]
    content = replace(plan.content, matches=tuple(matches))
    return write_dataset(content, plan.out, placing="path", overwrite=True)


def _seconds(match: MatchDraft) -> list[RawAnnotation] | None:
    """Return the annotations of a match, frames replaced by times."""
    if match.annotations is None:
        return None
    found = []
    for item in match.annotations:
        if item.frame is not None:
            index, _ = build_index(match.videos[item.part - 1])
            begin, end = (round(at, 6) for at in ends_of(item, index))
            item = replace(
                item, seconds=begin, frame=None, end_seconds=end if item.is_range else None, end_frame=None
            )
        found.append(item)
    return found
