"""Videos that are indexed and hashed in the background, while the models work on the one before."""

import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from bvas.experiment.experiment import InputConfig
from bvas.inference.video_remarks import log_adaptation, log_repeats
from bvas.video.index.file_identity import Fingerprint, content_digest, fingerprint_of
from bvas.video.index.frame_grid import Grid, make_grid
from bvas.video.index.video_index import build_index


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedVideo:
    """A video file before its prediction."""

    path: Path
    fingerprint: Fingerprint
    sha256: str
    """Hash of its content."""
    grid: Grid


def prepare_video(path: Path, settings: InputConfig) -> PreparedVideo:
    """Index and hash a video file.

    Raises:
        DataError: it does not exist or cannot be read.
        DecodeError: it is not a video that can be read.
    """
    fingerprint = fingerprint_of(path)
    index, info = build_index(path)
    grid = make_grid(index, settings.rate)
    log_adaptation(path.name, info, settings)
    log_repeats(path.name, grid)
    return PreparedVideo(path=path, fingerprint=fingerprint, sha256=content_digest(path), grid=grid)


def prepare_in_background(path: Path, settings: InputConfig) -> "Future[PreparedVideo]":
    """Begin to prepare a video in a thread, which Ctrl-C does not wait for."""
    future: Future[PreparedVideo] = Future()

    def prepare() -> None:
        try:
            future.set_result(prepare_video(path, settings))
        # Every error is raised where the result is asked for.
        except BaseException as error:  # noqa: BLE001
            future.set_exception(error)

    threading.Thread(target=prepare, name="bvas-prepare", daemon=True).start()
    return future
