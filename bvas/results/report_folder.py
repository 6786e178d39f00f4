"""The folder that `bvas report` writes: the page, and beside it a preview of each video."""

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from bvas.plural import count_text
from bvas.report.content import MatchReport, VideoReport
from bvas.report.page import write_page
from bvas.video.index import build_index
from bvas.video.preview import PreviewConfig, make_preview, why_not_played
from bvas.video.reading import DEFAULT_READING, ReadOptions

logger = logging.getLogger(__name__)

PAGE_NAME = "index.html"

Progress = Callable[[int, int], None]
"""Takes the frames done and all there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedVideo:
    """A video of the page, and the file it shows."""

    shown: VideoReport
    source: Path
    name: str
    """What its preview is called, without a suffix."""
    reading: ReadOptions = DEFAULT_READING
    """Which stream of the source is shown, and how it is read."""


def write_report_folder(
    report: MatchReport,
    videos: Sequence[ReportedVideo],
    out: Path,
    *,
    link: bool,
    config: PreviewConfig,
    progress: Callable[[str], AbstractContextManager[Progress]],
) -> Path:
    """Write the page and the previews, and return the page's path.

    Args:
        report: What the page shows; its videos are left out.
        videos: The videos instead.
        out: The folder.
        link: Show a source itself where browsers play it.
        config: How previews are coded.
        progress: Gives what is called with the frames done of a preview, by its name.

    Raises:
        DecodeError: a source is no video.
        DataError: the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    shown = []
    names: set[str] = set()
    for video in videos:
        name = next(name for name in _names(video.name) if name not in names)
        names.add(name)
        href = _linked(video, out) if link else None
        if href is None:
            href = _preview(video, out / f"{name}.mp4", config, progress)
        shown.append(replace(video.shown, href=href))
    write_page(out / PAGE_NAME, replace(report, videos=tuple(shown)))
    return out / PAGE_NAME


def _names(name: str) -> Sequence[str]:
    """Return a name and others for when it is taken: matches of two leagues may share one."""
    return [name, *(f"{name}_{number}" for number in range(2, 1000))]


def _linked(video: ReportedVideo, out: Path) -> str | None:
    source = video.source
    reason = why_not_played(*build_index(source, reading=video.reading))
    if reason is not None:
        logger.info("%s gets a preview: %s", source, reason)
        return None
    return quote(Path(os.path.relpath(source.absolute(), out.absolute())).as_posix())


def _preview(
    video: ReportedVideo,
    target: Path,
    config: PreviewConfig,
    progress: Callable[[str], AbstractContextManager[Progress]],
) -> str:
    source = video.source
    with progress(target.name) as bar:
        preview = make_preview(source, target, config, reading=video.reading, progress=bar)
    if preview.reused:
        logger.info("%s is there already, with the times of %s", target, source)
    if preview.num_lost:
        logger.warning(
            "%s: %s not in its preview, which cannot be decoded",
            source,
            count_text(preview.num_lost, "frame"),
        )
    return quote(target.name)
