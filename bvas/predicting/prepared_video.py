"""Preparation of a video: its index, grid and hash, while the models work on the video before."""

from dataclasses import dataclass
from pathlib import Path

from bvas.experiment.input_config import InputConfig
from bvas.inference.video_remarks import log_adaptation, log_repeats
from bvas.video.index.file_identity import Fingerprint, content_digest, fingerprint_of
from bvas.video.index.frame_grid import Grid, make_grid
from bvas.video.index.video_index import build_index


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedVideo:
    """A video file before its prediction."""

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
    return PreparedVideo(fingerprint=fingerprint, sha256=content_digest(path), grid=grid)
