"""Preparation of a video: its copy where it is remote, index, grid, hash, while the models work on the one before."""

from dataclasses import dataclass
from pathlib import Path

from bvas.errors import DecodeError
from bvas.experiment.input_config import InputConfig
from bvas.inference.video_remarks import log_adaptation, log_repeats
from bvas.system.scratch import Scratch
from bvas.video.index.file_identity import Fingerprint, content_digest, fingerprint_of
from bvas.video.index.frame_grid import Grid, make_grid
from bvas.video.index.remote_file import FetchedFile, RemoteFile
from bvas.video.index.video_index import build_index


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedVideo:
    """A video file before its prediction."""

    path: Path
    """The file, or the copy of a remote one."""
    fetched: FetchedFile | None
    fingerprint: Fingerprint
    sha256: str
    """Hash of its content."""
    grid: Grid

    def check_unchanged(self) -> None:
        """Refuse a file that changed after it was prepared; a copy does not.

        Raises:
            DecodeError: it changed.
        """
        if self.fetched is None and fingerprint_of(self.path) != self.fingerprint:
            raise DecodeError(f"{self.path} changed while it was predicted; predict it again", path=self.path)

    def discard(self) -> None:
        """Remove the copy of a remote video."""
        if self.fetched is not None:
            self.fetched.discard()


def prepare_video(
    video: Path | RemoteFile, settings: InputConfig, scratch: Scratch | None = None
) -> PreparedVideo:
    """Index and hash a video file; a remote one is copied into `scratch` first.

    Raises:
        DataError: it does not exist, or cannot be read or fetched.
        NoRoomError: scratch has no room for the copy.
        DecodeError: it is not a video that can be read.
    """
    if isinstance(video, Path):
        return _prepared(video, settings, None)
    assert scratch is not None
    fetched = video.fetch(scratch)
    try:
        with fetched.named():
            return _prepared(fetched.path, settings, fetched)
    except BaseException:
        fetched.discard()
        raise


def _prepared(path: Path, settings: InputConfig, fetched: FetchedFile | None) -> PreparedVideo:
    fingerprint = fingerprint_of(path) if fetched is None else fetched.fingerprint
    index, info = build_index(path)
    grid = make_grid(index, settings.rate)
    log_adaptation(path.name, info, settings)
    log_repeats(path.name, grid)
    digest = content_digest(path)
    return PreparedVideo(path=path, fetched=fetched, fingerprint=fingerprint, sha256=digest, grid=grid)
