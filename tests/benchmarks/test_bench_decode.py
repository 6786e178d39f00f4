import json

import bench_decode
import bench_nvdec
import bench_open
import numpy as np
import pytest
from adapters.decord_adapter import Decord
from adapters.torchcodec_adapter import Torchcodec
from apart import AbsentError
from methods import Measured, OpencvUsual, Ours
from videos import make_video

NUM_FRAMES = 90
CLIPS = [list(range(first, first + 29, 2)) for first in (3, 33, 61)]
TINY = ["--height", "96", "--width", "160", "--frames", str(NUM_FRAMES), "--rounds", "2", "--clips", "2"]
TINY += ["--codecs", "h264", "--keyframe-intervals", "30", "--sequence", "40"]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("videos") / "a.mp4"
    make_video(path, size=(96, 160), num_frames=NUM_FRAMES, keyframe_interval=30)
    return path


class Faulty:
    """Delivers a frame for another, and one too few."""

    def __init__(self, frames):
        self._frames = frames

    def clip(self, indices):
        return self._frames[[*indices[:-2], 0]]

    def sequence(self, stop):
        yield self._frames[:10]
        yield self._frames[10:stop]


def test_wrong_and_missing_frames_are_counted(video):
    frames = np.concatenate(list(Ours("pyav")(video).sequence(NUM_FRAMES)))
    faulty = Measured(lambda path: Faulty(frames), video)
    # Of each clip the last is missing and the one before it is frame 0.
    assert faulty.num_wrong(CLIPS, 40) == 3 * 2
    assert faulty.num_wrong([], NUM_FRAMES + 1) == 1


@pytest.mark.parametrize(
    "method",
    [Ours("pyav"), Ours("opencv"), OpencvUsual(), Torchcodec("exact"), Torchcodec("approximate"), Decord()],
)
def test_every_method_delivers_the_frames_asked_for(video, method):
    try:
        measured = Measured(method, video)
    except AbsentError as error:
        pytest.skip(str(error))
    assert measured.num_wrong(CLIPS, NUM_FRAMES) == 0


def test_a_file_that_our_reader_refuses_is_a_reason_not_a_failure(tmp_path):
    path = tmp_path / "a.avi"
    make_video(path, size=(96, 160), num_frames=20, keyframe_interval=10)
    with pytest.raises(AbsentError, match=r"refused: a\.avi .*open it with backend"):
        Ours("opencv")(path)


@pytest.mark.slow
def test_the_table_has_every_method_and_says_which_were_not_run(tmp_path, monkeypatch):
    # A package of that name that fails as one does whose libraries are missing.
    (tmp_path / "decord.py").write_text("raise OSError('libavcodec.so is not there')")
    monkeypatch.syspath_prepend(tmp_path)
    results = tmp_path / "decode.json"
    bench_decode.main([*TINY, "--methods", "pyav reader", "decord", "--json", str(results)])
    table = json.loads(results.read_text())["rows"]
    assert [(row["reading"], row["case"]) for row in table] == [
        (reading, case)
        for reading in ("random clips", "in sequence")
        for case in ("libav floor", "pyav reader", "decord")
    ]
    for floor, ours, absent in (table[:3], table[3:]):
        assert floor["cpu_ratio"]["median"] == 1.0
        assert ours["wrong_frames"] == 0
        assert absent["not_run"] == "decord: libavcodec.so is not there"


@pytest.mark.slow
def test_the_gpu_script_runs_with_a_cpu_backend(tmp_path):
    results = tmp_path / "nvdec.json"
    setups = ["--setups", "1x2", "2x1", "--backend", "pyav", "--device", "cpu"]
    bench_nvdec.main([*TINY, *setups, "--json", str(results)])
    content = json.loads(results.read_text())
    assert [(row["reading"], row["case"]) for row in content["rows"]] == [
        (reading, case)
        for reading in ("random clips", "in sequence, read", "in sequence, stream")
        for case in ("pyav on the CPU", "pyav 1x2", "pyav 2x1")
    ]
    assert content["settings"]["gpu_memory"] == {"h264": None}


def test_memory_is_what_the_device_has_less_of():
    assert bench_nvdec.memory_of([1000, 700, 600, 520]) == {"process_bytes": 300, "reader_bytes": [100, 80]}
    assert bench_nvdec.memory_of([None, None]) is None


@pytest.mark.parametrize("text", ["4", "0x1", "2x", "axb"])
def test_a_setup_that_is_none_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        bench_nvdec.main(["--setups", text])
    assert "PROCESSESxREADERS" in capsys.readouterr().err


def test_opening_is_measured_from_the_cache_and_by_a_scan(tmp_path, monkeypatch):
    # The script sets the variable for itself; this puts it back.
    monkeypatch.setenv("BVAS_HOME", str(tmp_path))
    results = tmp_path / "open.json"
    bench_open.main(["--frames", "600", "--rounds", "3", "--json", str(results)])
    cached, scanned = json.loads(results.read_text())["rows"]
    assert (cached["case"], scanned["case"]) == ("from the cache", "by a scan")
    assert cached["wall_milliseconds"]["median"] < scanned["wall_milliseconds"]["median"]
