"""`build_index`: the frame table and the facts of a video file, scanned once and then taken from the cache."""

from dataclasses import replace
from pathlib import Path

from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.container.sources import file_of
from bvas.video.index.file_scan import scan_file
from bvas.video.index.frame_table import VideoIndex
from bvas.video.index.index_cache import load_index, store_index
from bvas.video.index.video_info import VideoInfo, say_once


def build_index(
    path: Path | str, *, reading: ReadOptions = DEFAULT_READING, cache: bool = True
) -> tuple[VideoIndex, VideoInfo]:
    """Find the frames of a video by one pass over its packets, or in the cache of earlier passes.

    Args:
        path: The video file.
        reading: Which stream of it is read, and how.
        cache: Keep the result in the cache folder, and take it from there while the file is unchanged.

    Raises:
        DecodeError: the file does not exist, it is not a video, no frame of it can be decoded, or the source runs (a
            pipe, a URL).
        ConfigError: a rate is given, and the frames have times of their own.
    """
    path = file_of(path)
    found = load_index(path, reading) if cache else None
    if found is None:
        found = scan_file(path, reading)
        if cache:
            store_index(path, reading, *found)
    # An entry has the path as it was written when the file was scanned.
    index, info = replace(found[0], path=path, reading=reading), replace(found[1], path=path)
    say_once(info)
    return index, info
