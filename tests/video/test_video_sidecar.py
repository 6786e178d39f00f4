"""An index that travels with its video is used while it is that of the video, and named where it is not."""

import json
import logging
import shutil
import zipfile
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from video_samples import make_video

from bvas.cli import main
from bvas.system import notices
from bvas.video.container.read_options import ReadOptions
from bvas.video.index import index_entry, video_index
from bvas.video.index.sidecar import read_sidecar, sidecar_path, write_sidecar
from bvas.video.index.video_index import build_index


@pytest.fixture
def scans(monkeypatch):
    """Counts how often a file is scanned; nothing is cached."""
    counted = []

    def scan(path, reading, original=video_index.scan_file):
        counted.append(path)
        return original(path, reading)

    monkeypatch.setattr(video_index, "scan_file", scan)
    monkeypatch.setattr(video_index, "cache_folder", lambda: None)
    monkeypatch.setattr(notices, "_said", set())
    monkeypatch.setattr(notices, "_files_of_kind", Counter())
    return counted


@pytest.fixture
def pair(tmp_path, scans):
    """Return a video of 20 frames with its sidecar, as copies in another folder; they were never opened there."""
    (tmp_path / "made").mkdir()
    made = make_video(tmp_path / "made" / "a.mp4", num_frames=20)
    assert main(["video", "index", str(made), "--sidecar", "--quiet"]) == 0
    there = tmp_path / "elsewhere"
    shutil.copytree(made.parent, there, copy_function=shutil.copyfile)
    shutil.rmtree(made.parent)
    scans.clear()
    return there / "a.mp4"


def _is_ignored(video, scans, caplog, reason, reading=None):
    """Check that a video is scanned, and that one line names its sidecar and the reason."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            index, _ = build_index(video, **({} if reading is None else {"reading": reading}))
    lines = [record.getMessage() for record in caplog.records if "bvasindex" in record.getMessage()]
    assert len(lines) == 1, lines
    assert str(sidecar_path(video)) in lines[0]
    assert reason in lines[0]
    assert len(scans) == 2
    assert index.num_frames == 20


def test_a_copied_pair_is_opened_without_a_scan_and_with_the_same_times(pair, scans):
    index, info = build_index(pair)
    assert scans == []
    assert (index.path, info.path) == (pair, pair)
    scanned, scanned_info = build_index(pair, cache=False)
    assert len(scans) == 1
    assert info == scanned_info
    assert index.num_frames == 20
    for name in ("pts", "keyframe_pts", "keyframe_dts", "seconds"):
        assert np.array_equal(getattr(index, name), getattr(scanned, name))
    assert (index.rate, index.time_base, index.last_duration) == (
        scanned.rate,
        scanned.time_base,
        scanned.last_duration,
    )


def test_the_file_names_no_folder_of_the_machine_that_wrote_it(pair, tmp_path):
    with np.load(sidecar_path(pair), allow_pickle=False) as entry:
        about = str(entry["about"])
    assert str(tmp_path) not in about
    assert json.loads(about)["index"]["path"] == "a.mp4"


@pytest.mark.parametrize(("place", "is_seen"), [(30, True), (-1, True), (-100_000, False)])
def test_a_changed_head_or_tail_is_seen_and_a_changed_middle_is_not(pair, scans, caplog, place, is_seen):
    pair.write_bytes(pair.read_bytes() + _skipped_box(200_000))
    write_sidecar(pair, ReadOptions(), *build_index(pair, cache=False))
    content = bytearray(pair.read_bytes())
    content[place] ^= 1
    pair.write_bytes(content)
    assert (read_sidecar(pair, ReadOptions()) is None) == is_seen
    assert ("the video has other content" in caplog.text) == is_seen


def _skipped_box(size):
    """Return a box that may end an mp4, and that all programs skip."""
    return size.to_bytes(4, "big") + b"free" + bytes(size - 8)


def test_another_size_is_seen(pair, scans, caplog):
    pair.write_bytes(pair.read_bytes() + _skipped_box(1016))
    _is_ignored(pair, scans, caplog, "the video has another size")


def test_another_version_is_seen(pair, scans, caplog, monkeypatch):
    monkeypatch.setattr(index_entry, "_VERSION", index_entry._VERSION + 1)
    _is_ignored(pair, scans, caplog, "another version of bvas")


def test_another_way_of_reading_is_seen(pair, scans, caplog):
    _is_ignored(pair, scans, caplog, "another --stream, --rate or --tone", ReadOptions(tone="none"))


@pytest.mark.parametrize("keep", [0, 20, 0.5, -1])
def test_a_truncated_sidecar_is_named_and_not_used(pair, scans, caplog, keep):
    sidecar = sidecar_path(pair)
    content = sidecar.read_bytes()
    sidecar.write_bytes(content[: int(keep * len(content)) if keep == 0.5 else keep])
    _is_ignored(pair, scans, caplog, "damaged, or not a sidecar")


def _rewrite(video, **changes):
    """Write the sidecar again with other arrays, or with changed values of `about` (a function)."""
    sidecar = sidecar_path(video)
    with np.load(sidecar, allow_pickle=False) as entry:
        held = dict(entry)
    change = changes.pop("about", None)
    if change is not None:
        about = json.loads(str(held["about"]))
        held["about"] = np.array(json.dumps(change(about)))
    with sidecar.open("wb") as file:
        np.savez_compressed(file, **(held | changes))


def _with(part, name, value):
    return lambda about: about | {part: about[part] | {name: value}}


@pytest.mark.parametrize(
    "changes",
    [
        {"pts": np.zeros(20, np.int64)},
        {"pts": np.arange(20.0)},
        {"pts": np.arange(21)},
        {"pts": np.empty(0, np.int64)},
        {"pts": np.array([{}] * 20, dtype=object)},
        {"keyframe_dts": np.arange(7)},
        {"about": _with("index", "time_base", "1/0")},
        {"about": _with("index", "time_base", "-1/25")},
        {"about": _with("info", "num_frames", 19)},
        {"about": lambda about: about | {"key": 3}},
        {"about": lambda about: [about]},
    ],
    ids=[
        *("equal times", "fractions", "another number", "no frame", "pickles", "keyframes"),
        *("by zero", "backwards", "other facts", "no key", "no object"),
    ],
)
def test_a_sidecar_that_contradicts_itself_is_named_and_not_used(pair, scans, caplog, changes):
    _rewrite(pair, **changes)
    _is_ignored(pair, scans, caplog, "damaged, or not a sidecar")


def test_a_sidecar_that_unpacks_to_gigabytes_is_not_unpacked(pair, scans, caplog, monkeypatch):
    monkeypatch.setattr(index_entry, "_MOST_BYTES", 10**6)
    with zipfile.ZipFile(sidecar_path(pair), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("more.npy", bytes(2 * 10**6))
    assert sidecar_path(pair).stat().st_size < 20_000
    _is_ignored(pair, scans, caplog, "damaged, or not a sidecar")


def test_a_sidecar_cannot_make_a_list_of_addresses_of_a_file(pair, scans, caplog):
    _rewrite(pair, about=_with("index", "is_fetched", True))
    _is_ignored(pair, scans, caplog, "it is of a playlist")


def test_the_verb_replaces_a_sidecar_that_is_not_of_the_video(pair, scans, capsys):
    other = make_video(pair.with_name("b.mp4"), num_frames=12)
    shutil.copyfile(sidecar_path(pair), sidecar_path(other))
    assert main(["video", "index", str(other), "--sidecar", "--quiet"]) == 0
    assert capsys.readouterr().out == f"{other}: 12 frames, 0.480 s, index in {other}.bvasindex\n"
    scans.clear()
    assert build_index(other)[0].num_frames == 12
    assert scans == []


def test_the_verb_fills_the_cache_and_goes_on_after_a_file_that_is_none(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))
    video = make_video(tmp_path / "a.mp4", num_frames=20)
    (tmp_path / "text.mp4").write_text("no video")
    assert main(["video", "index", str(tmp_path / "text.mp4"), str(video), "--quiet"]) == 3
    assert capsys.readouterr().out == f"{video}: 20 frames, 0.800 s\n"
    assert len(list((tmp_path / "home" / "index").glob("*.npz"))) == 1
    assert not sidecar_path(video).exists()


def test_a_folder_of_pictures_has_no_sidecar(tmp_path, scans, capsys):
    folder = tmp_path / "frames"
    video = make_video(tmp_path / "a.mp4", num_frames=3)
    assert main(["video", "frames", str(video), "--out", str(folder), "--quiet"]) == 0
    assert main(["video", "index", str(folder), "--sidecar", "--quiet"]) == 2
    assert "playlist or a folder of pictures" in capsys.readouterr().err
    assert main(["video", "index", str(folder), str(video), "--sidecar", "--quiet"]) == 3
    assert sidecar_path(video).is_file()


def test_a_rate_is_part_of_the_sidecar(tmp_path, scans):
    video = make_video(tmp_path / "a.h264", num_frames=20)
    assert main(["video", "index", str(video), "--sidecar", "--rate", "50", "--quiet"]) == 0
    scans.clear()
    assert build_index(video, reading=ReadOptions(rate=Fraction(50)))[1].duration_seconds == 0.4
    assert scans == []
    assert build_index(video)[1].duration_seconds != 0.4
    assert len(scans) == 1
