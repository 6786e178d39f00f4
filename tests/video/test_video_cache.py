import os
import stat
from pathlib import Path

import av
import numpy as np
import pytest
from video_samples import make_video

from bvas import open_video
from bvas.system import cache_folder
from bvas.video.container.read_options import ReadOptions
from bvas.video.index import video_index as index
from bvas.video.index.video_index import build_index


@pytest.fixture
def scans(monkeypatch):
    """Counts how often a file is scanned."""
    counted = []

    def scan(path, reading, original=index.scan_file):
        counted.append(path)
        return original(path, reading)

    monkeypatch.setattr(index, "scan_file", scan)
    return counted


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_file_is_scanned_once_and_comes_back_the_same(tmp_path, home, scans):
    path = make_video(tmp_path / "a.mp4")
    first, first_info = build_index(path)
    again, again_info = build_index(path)
    assert len(scans) == 1
    assert first_info == again_info
    for name in ("pts", "keyframe_pts", "keyframe_dts"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert (first.rate, first.time_base, first.last_duration) == (
        again.rate,
        again.time_base,
        again.last_duration,
    )


def test_opening_from_the_cache_does_not_open_the_container(tmp_path, home, monkeypatch):
    path = make_video(tmp_path / "a.mp4", num_frames=10)
    open_video(path).close()

    def refuse(*args, **options):
        raise AssertionError("the container is opened")

    monkeypatch.setattr(av, "open", refuse)
    with open_video(path) as reader:
        assert (reader.info.num_frames, len(reader.index.pts), reader.seconds_of(9)) == (10, 10, 0.36)
        with pytest.raises(AssertionError, match="the container is opened"):
            reader.read([0])


def test_a_file_that_changed_is_scanned_again(tmp_path, home, scans):
    path = make_video(tmp_path / "a.mp4", num_frames=10)
    build_index(path)
    assert build_index(make_video(path, num_frames=12))[0].num_frames == 12
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    build_index(path)
    assert len(scans) == 3


def test_without_the_cache_nothing_is_written(tmp_path, home, scans):
    path = make_video(tmp_path / "a.mp4", num_frames=5)
    build_index(path, cache=False)
    assert not home.exists()


def test_a_spoilt_entry_is_replaced(tmp_path, home, scans):
    path = make_video(tmp_path / "a.mp4", num_frames=5)
    build_index(path)
    (entry,) = home.rglob("*.npz")
    whole = entry.read_bytes()
    # A block type that deflate does not know.
    first = 30 + int.from_bytes(whole[26:28], "little") + int.from_bytes(whole[28:30], "little")
    flipped = whole[:first] + b"\xff" + whole[first + 1 :]
    for rubbish in (b"", b"PK rubbish", whole[:200], flipped):
        entry.write_bytes(rubbish)
        assert build_index(path)[0].num_frames == 5
    build_index(path)
    assert len(scans) == 5
    assert [file.name for file in home.rglob("*") if file.is_file()] == [entry.name]


def test_a_home_that_cannot_be_written_only_costs_the_cache(tmp_path, monkeypatch, scans):
    path = make_video(tmp_path / "a.mp4", num_frames=5)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("BVAS_HOME", str(blocked / "home"))
    assert [build_index(path)[0].num_frames for _ in range(2)] == [5, 5]
    assert len(scans) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_home_only_costs_the_cache(tmp_path, home, scans):
    home.mkdir()
    home.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert build_index(make_video(tmp_path / "a.mp4", num_frames=5))[0].num_frames == 5


def test_the_folder_follows_the_variable_then_the_platform(monkeypatch, tmp_path):
    monkeypatch.setenv("BVAS_HOME", str(tmp_path))
    assert cache_folder.cache_folder() == tmp_path
    monkeypatch.delenv("BVAS_HOME")
    monkeypatch.setattr(cache_folder.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder.cache_folder() == Path("/caches/bvas")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ann"))
    assert cache_folder.cache_folder() == Path("/home/ann/.cache/bvas")
    monkeypatch.setattr(cache_folder.sys, "platform", "darwin")
    assert cache_folder.cache_folder() == Path("/home/ann/Library/Caches/bvas")


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("BVAS_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(cache_folder.sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", no_home)
    assert cache_folder.cache_folder() is None


def test_what_comes_from_the_cache_has_the_path_and_the_options_of_the_caller(
    tmp_path, home, scans, monkeypatch
):
    build_index(make_video(tmp_path / "a.mp4", num_frames=5))
    monkeypatch.chdir(tmp_path)
    reading = ReadOptions(fit=(24, 40))
    index, info = build_index("a.mp4", reading=reading)
    assert len(scans) == 1
    assert index.path == info.path == Path("a.mp4")
    assert index.reading == reading
