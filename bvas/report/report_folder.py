"""Folder of a report: the page, and a preview of each video beside it."""

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bvas.errors import DataError
from bvas.report.content import MatchReport
from bvas.report.page import write_page
from bvas.system.atomic_files import write_json
from bvas.system.text_files import read_json
from bvas.values.plural import count_text
from bvas.values.progress import Progress
from bvas.video.container.read_options import ReadOptions
from bvas.video.encode.browser_preview import PreviewConfig, make_preview, why_not_played
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

PAGE_NAME = "index.html"
RECORD_NAME = "report.json"
_FORMAT = "bvas-report-1"


def write_report_folder(
    report: MatchReport,
    out: Path,
    *,
    link: bool,
    config: PreviewConfig,
    progress: Callable[[str], AbstractContextManager[Progress]],
    made_from: str = "",
) -> Path:
    """Write the page and the previews, and return the page's path.

    Args:
        report: Content of the page, with the files of its videos.
        out: The folder.
        link: Show a source itself where browsers play it.
        config: How previews are coded.
        progress: Gives what is called with the frames done of a preview, by its name.
        made_from: Place of the results, for `check_same_report`.

    Raises:
        DecodeError: a source is not a video.
        DataError: the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    shown = []
    names: set[str] = set()
    before = _made_from(out)
    for video in report.videos:
        # Matches of two leagues may share a name.
        others = (f"{video.file_stem}_{number}" for number in count(2))
        name = next(name for name in chain([video.file_stem], others) if name not in names)
        names.add(name)
        file, target = video.result.video, out / f"{name}.mp4"
        assert file.path is not None
        href = video_href(file.path, file.reading, target, link=link, config=config, progress=progress)
        shown.append(replace(video, href=href))
    previews = [f"{name}.mp4" for name in names if (out / f"{name}.mp4").is_file()]
    if made_from:
        write_json(out / RECORD_NAME, report_record(made_from, previews))
    write_page(out / PAGE_NAME, replace(report, videos=tuple(shown)))
    for stale in set(before.get("previews", ())) - set(previews):
        (out / Path(str(stale)).name).unlink(missing_ok=True)
    return out / PAGE_NAME


def report_record(made_from: str, previews: Sequence[str]) -> dict[str, Any]:
    """Return what a report's folder notes about itself."""
    return {"format": _FORMAT, "made_from": made_from, "previews": sorted(previews)}


def check_same_report(out: Path, made_from: str) -> None:
    """Refuse a folder with a page of other results.

    Args:
        out: The folder.
        made_from: Place of the results that the page is made from.

    Raises:
        DataError: whose page it is, and the remedy.
    """
    if not (out / PAGE_NAME).exists():
        return
    before = _made_from(out).get("made_from", "")
    if before == made_from or (not before and _is_ours(out / PAGE_NAME)):
        return
    whose = f"the page of {before}" if before else f"an {PAGE_NAME} of something else"
    raise DataError(f"{out} holds {whose}; take another --out, or replace it with --overwrite")


def _made_from(out: Path) -> dict[str, Any]:
    try:
        content = read_json(out / RECORD_NAME)
    except DataError:
        return {}
    return content if isinstance(content, dict) and content.get("format") == _FORMAT else {}


def _is_ours(page: Path) -> bool:
    """Return whether it is a page of a version that wrote no record."""
    try:
        return b'<script type="application/json" id="data">' in page.read_bytes()
    except OSError:
        return False


def video_href(
    source: Path,
    reading: ReadOptions,
    target: Path,
    *,
    link: bool,
    config: PreviewConfig,
    progress: Callable[[str], AbstractContextManager[Progress]],
) -> str:
    """Return the URL of a source itself, or of a preview that is made of it.

    Args:
        source: The video.
        reading: How it is read.
        target: Where a preview goes.
        link: Show the source itself where browsers play it.
        config: How the preview is coded.
        progress: Gives what is called with the frames done, by the preview's name.
    """
    reason = why_not_played(*build_index(source, reading=reading)) if link else None
    if link and reason is None:
        path = Path(os.path.relpath(source.absolute(), target.parent.absolute()))
        return quote(os.fsencode(path.as_posix()))
    if reason is not None:
        logger.info("%s gets a preview: %s", source, reason)
    with progress(target.name) as bar:
        preview = make_preview(source, target, config, reading=reading, progress=bar)
    if preview.reused:
        logger.info("%s is reused: it has the times of %s", target, source)
    if preview.num_lost:
        lost = count_text(preview.num_lost, "frame")
        logger.warning("%s: %s cannot be decoded, and are not in its preview", source, lost)
    return quote(os.fsencode(target.name))
