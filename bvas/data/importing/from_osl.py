"""Import of OSL JSON: each sample with a video is a match, or a half of one, or a clip with one label."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bvas.data.importing.clip_drafts import clip_draft, drawn_splits
from bvas.data.importing.draft import Import, MatchDraft
from bvas.data.json_object import read_json_file
from bvas.data.named_files import named_file
from bvas.data.osl_json import OslFile, OslSample, is_osl, parse_osl
from bvas.data.osl_labels import has_sample_labels, parse_osl_labels
from bvas.data.raw_annotations import Fault


def read_osl(
    source: Path,
    videos: Path,
    *,
    head: str | None = None,
    shares: Sequence[float] | None = None,
    seed: int = 0,
) -> Import:
    """Read a file of annotations.

    Samples whose videos are called as SoccerNet's halves are parts of one match. A sample without a list of events is
    a challenge match. Where samples have labels and no event has a time, each is a clip; a group is the match that its
    metadata names.

    Args:
        source: The file.
        videos: Folder that the paths of its inputs begin in.
        head: Whose events or labels are read; None: `action`, else the head with the most.
        shares: Of train, valid and test, for clips; None: 70, 20, 10.
        seed: Of the draw.

    Raises:
        ConfigError: the file has no such head.
    """
    faults: list[Fault] = []
    content = read_json_file(source, faults)
    if not faults and not is_osl(content):
        faults.append(
            Fault(source, "", "is not OSL JSON: it needs 'version', 'labels' and 'data', a list of samples")
        )
    if faults:
        return Import(labels=(), matches=(), faults=tuple(faults))
    if has_sample_labels(content):
        return _read_clips(content, source, videos, head=head, drawn=drawn_splits(shares, seed))
    osl = parse_osl(content, source, faults, head=head)
    matches: dict[str, MatchDraft] = {}
    taken: dict[tuple[str, int], OslSample] = {}
    # Halves may stand in any order, and parts are counted in the order of the halves.
    for sample in sorted(osl.samples, key=lambda sample: sample.half):
        other = taken.setdefault((sample.name, sample.half), sample)
        if other is not sample:
            message = f"is half {sample.half} of match {sample.name!r}, as {other.place} is; keep one of them"
            faults.append(Fault(source, sample.place, message))
            continue
        _add(sample, osl, source, videos, matches, faults)
    if not matches and not faults:
        faults.append(Fault(source, "", "'data' is empty; there is nothing to import"))
    return Import(labels=osl.labels, matches=tuple(matches.values()), faults=tuple(faults))


def _add(
    sample: OslSample,
    osl: OslFile,
    source: Path,
    videos: Path,
    matches: dict[str, MatchDraft],
    faults: list[Fault],
) -> None:
    video = named_file(videos, sample.path)
    if video is None:
        missing = f"no video {sample.path} in {videos}; say where with --videos"
        faults.append(Fault(source, sample.place, missing if sample.path else "has no video"))
        return
    match = matches.setdefault(sample.name, MatchDraft(name=sample.name))
    match.videos.append(video)
    for event in sample.events or ():
        if event.label not in osl.labels:
            known = f"declared for head {osl.head!r}: {', '.join(osl.labels)}"
            place = f"{sample.place}, event {event.number}"
            faults.append(Fault(source, place, f"label {event.label!r} is not {known}"))
    if sample.events is not None:
        items = [replace(event, part=len(match.videos)) for event in sample.events]
        match.annotations = [*(match.annotations or ()), *items]


def _read_clips(
    content: Mapping[str, Any], source: Path, videos: Path, *, head: str | None, drawn: Mapping[str, Any]
) -> Import:
    faults: list[Fault] = []
    labels, clips = parse_osl_labels(content, source, faults, head=head)
    drafts: dict[str, MatchDraft] = {}
    for clip in clips:
        video = named_file(videos, clip.path)
        if video is None:
            missing = f"no video {clip.path} in {videos}; say where with --videos"
            faults.append(Fault(source, clip.place, missing if clip.path else "has no video"))
            continue
        draft = MatchDraft(name=clip.name, videos=[video])
        if clip.label is not None:
            draft = clip_draft(clip.name, video, clip.label, group=clip.group)
        if clip.name in drafts:
            faults.append(Fault(source, clip.place, f"is {clip.path} again; keep one of them"))
        drafts.setdefault(clip.name, draft)
    return Import(labels=labels, matches=tuple(drafts.values()), faults=tuple(faults), drawn=drawn)
