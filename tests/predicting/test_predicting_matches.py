"""`bvas predict` over matches: what is skipped, gone on with, made again, and what fails alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from workplaces import NUM_FRAMES, save_untrained, write_video

from bvas.cli import main
from bvas.commands.console import DONE_IN_PART, INTERRUPTED, OK, WRONG_INPUT
from bvas.errors import DecodeError, ScoresError
from bvas.experiment.seen_matches import write_seen
from bvas.predicting.kept_rows import KeptRows, unfinished_settings
from bvas.system.locks import locked
from bvas.video.decode.video_reader import VideoReader
from bvas.video.index.file_identity import Glance

ALL = {"cv/game/a", "cv/game/b"}


def _touch(path):
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))


def _edit_config(there, old, new):
    path = there.folder / "configs/tiny.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def _spots(there):
    entries = json.loads((there.predictions / "cv/game/a/results_spotting.json").read_text())["predictions"]
    return [
        (entry["label"], entry["gameTime"] + entry["position"], float(entry["confidence"]))
        for entry in entries
    ]


def _count_decoded(monkeypatch):
    frames = []
    read_into = VideoReader.read_into

    def counted(self, indices, out):
        frames.extend(np.asarray(indices).tolist())
        read_into(self, indices, out)

    monkeypatch.setattr(VideoReader, "read_into", counted)
    return frames


@pytest.fixture
def few_frames_at_once(monkeypatch):
    """Chunks of 16 frames, and work that may begin again at every 8th, so that a short video has many."""
    monkeypatch.setattr("bvas.video.decode.prefetch._CHUNK_BYTES", 16 * 64 * 96)
    monkeypatch.setattr("bvas.inference.file_rows._ALIGNMENT", 8)


def test_what_is_finished_is_left_and_what_changed_is_made_again(there, monkeypatch):
    assert there.predict() == OK
    first = there.times()
    assert first.keys() == ALL
    names = {path.name for path in (there.predictions / "cv/game/a").iterdir()}
    assert names == {
        "results_spotting.json",
        "1_64p_scores.npz",
        "2_64p_scores.npz",
        "made_from.json",
        ".lock",
    }

    decoded = _count_decoded(monkeypatch)
    _touch(there.video("game/a"))
    _touch(there.folder / "runs/tiny/fold_0/model.safetensors")
    assert there.predict() == OK
    assert there.times() == first
    assert decoded == []

    # Of one match one half is another video now.
    write_video(there.video("game/a", 2), seed=77)
    before = there.scores("cv/game/a"), there.scores("cv/game/a", "2_64p")
    assert there.predict() == OK
    second = there.times()
    assert {name for name in ALL if second[name] != first[name]} == {"cv/game/a"}
    assert len(decoded) == NUM_FRAMES
    assert np.array_equal(there.scores("cv/game/a"), before[0])
    assert np.abs(there.scores("cv/game/a", "2_64p") - before[1]).max() > 1e-4

    save_untrained(there.folder, 1, seed=55)
    assert there.predict() == OK
    third = there.times()
    assert {name for name in ALL if third[name] != second[name]} == {"cv/game/b"}


def test_another_setting_makes_results_again_and_one_of_peaks_without_decoding(there, monkeypatch):
    assert there.predict() == OK
    first = there.times()
    decoded = _count_decoded(monkeypatch)
    _edit_config(there, "demo,\n", "demo, peaks=replace(demo.peaks, min_height=0.0001),\n")
    assert there.predict() == OK
    second = there.times()
    assert all(second[name] != first[name] for name in ALL)
    assert decoded == []

    _edit_config(there, "demo, peaks", "demo, flip_tta=True, peaks")
    assert there.predict("--folds", "0") == OK
    third = there.times()
    assert {name for name in ALL if third[name] != second[name]} == {"cv/game/a"}
    assert len(decoded) == 2 * NUM_FRAMES

    assert there.predict("--overwrite", "--folds", "0") == OK
    assert len(decoded) == 4 * NUM_FRAMES


def test_several_folds_see_a_video_that_is_decoded_once(there, monkeypatch):
    decoded = _count_decoded(monkeypatch)
    assert there.predict("--challenge") == OK
    assert sorted(decoded) == list(range(NUM_FRAMES))
    both = there.scores("challenge/game/c")
    alone = []
    for fold in ("0", "1"):
        assert there.predict("--challenge", "--folds", fold) == OK
        alone.append(there.scores("challenge/game/c"))
    assert np.abs(alone[0] - alone[1]).max() > 1e-4
    assert np.allclose(both, (alone[0] + alone[1]) / 2, atol=1e-6)


@pytest.mark.parametrize(
    "stop_at", [2, 7, *(pytest.param(number, marks=pytest.mark.slow) for number in (1, 3, 4, 5, 6, 8))]
)
def test_ctrl_c_keeps_the_rows_so_far_and_the_result_is_as_without_it(
    there, few_frames_at_once, monkeypatch, capsys, stop_at
):
    assert there.predict("--folds", "0") == OK
    whole = [there.scores("cv/game/a", stem) for stem in ("1_64p", "2_64p")]
    results = (there.predictions / "cv/game/a/results_spotting.json").read_text()
    whole_spots = _spots(there)
    assert len(whole_spots) > 4
    (there.predictions / "cv/game/a/made_from.json").unlink()

    keep, calls = KeptRows.__call__, []

    def interrupted(self, rows):
        keep(self, rows)
        calls.append(rows)
        if len(calls) == stop_at:
            raise KeyboardInterrupt

    monkeypatch.setattr(KeptRows, "__call__", interrupted)
    assert there.predict("--folds", "0", "--save-seconds", "0") == INTERRUPTED
    assert "interrupted" in capsys.readouterr().err
    names = {path.name for path in (there.predictions / "cv/game/a").iterdir()}
    assert not any(".part" in name for name in names)
    # 60 frames are 4 chunks: the first half is done then, and its rows are kept.
    assert ("2_64p_unfinished.npz" in names) == (stop_at > 4)
    # What was there before is there still.
    assert (there.predictions / "cv/game/a/results_spotting.json").read_text() == results

    decoded = _count_decoded(monkeypatch)
    assert there.predict("--folds", "0") == OK
    # Of a half whose rows are kept, little more than what a clip sees behind the last of them.
    assert len(decoded) <= 2 * NUM_FRAMES - (NUM_FRAMES - 24 if stop_at > 4 else 0)
    for before, stem in zip(whole, ("1_64p", "2_64p"), strict=True):
        assert np.allclose(there.scores("cv/game/a", stem), before, atol=1e-6)
    assert _spots(there) == [
        (label, at, pytest.approx(height, abs=2e-6)) for label, at, height in whole_spots
    ]
    assert not list((there.predictions / "cv/game/a").glob("*_unfinished.npz"))


KILLED = """
import os, signal, sys
import bvas.video.decode.prefetch
from bvas.cli import main
from bvas.predicting.kept_rows import KeptRows
bvas.video.decode.prefetch._CHUNK_BYTES = 100 * 64 * 96
save = KeptRows.save
saves = []
def killed(self):
    save(self)
    saves.append(1)
    if len(saves) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
KeptRows.save = killed
main(sys.argv[1:])
"""


def test_a_kill_inside_a_match_costs_what_was_not_saved(there, monkeypatch):
    write_video(there.folder / "long.mkv", seed=3, num_frames=400)
    (there.folder / "list.txt").write_text("long.mkv\n")
    command = ["predict", "--experiment", "tiny", "--manifest", "list.txt", "--save-seconds", "0", "--quiet"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *command, "--device", "cpu"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL
    folder = there.predictions / "videos/long.mkv"
    assert {path.name for path in folder.iterdir()} == {".lock", "long_unfinished.npz"}
    decoded = _count_decoded(monkeypatch)
    assert there.predict("--manifest", "list.txt") == OK
    # 192 frames were there, in chunks of 64; their last rows need frames behind them, so it goes on at 128.
    assert (min(decoded), max(decoded)) == (128, 399)
    resumed = there.scores("videos/long.mkv", "long")

    assert there.predict("--manifest", "list.txt", "--overwrite") == OK
    assert np.allclose(there.scores("videos/long.mkv", "long"), resumed, atol=1e-6)


def test_a_match_that_the_model_of_its_fold_learned_from_is_refused(there, capsys):
    write_seen(there.folder / "runs/tiny/fold_0", trained_on=["game/a"], held_out=["game/b"])
    assert there.predict("--folds", "0") == WRONG_INPUT
    assert "was trained on 'game/a', which this fold holds out now" in capsys.readouterr().err
    assert not (there.predictions / "cv").exists()


def test_a_bad_match_stops_no_other_and_is_listed_until_it_is_mended(there, capsys):
    whole = there.video("game/a", 2).read_bytes()
    there.video("game/a", 2).write_text("<html>")
    assert there.predict() == DONE_IN_PART
    assert there.times().keys() == {"cv/game/b"}
    (reason,) = there.failures().values()
    assert "2_64p.mkv" in reason
    err = capsys.readouterr().err
    assert f"game/a failed: {reason}" in err
    assert "1 of 2 matches failed (game/a), see runs/tiny/predictions/cv/failed.jsonl" in err

    there.video("game/a", 2).write_bytes(whole)
    assert there.predict() == OK
    assert there.times().keys() == ALL
    assert not (there.predictions / "cv/failed.jsonl").exists()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ScoresError("no numbers; take --precision float32"), "take --precision float32"),
        (torch.OutOfMemoryError("CUDA out of memory"), "the GPU's memory ran out; end what else"),
        (MemoryError(), "memory ran out; end other programs"),
    ],
)
def test_scores_that_are_no_numbers_and_too_little_memory_cost_their_match_only(
    there, monkeypatch, error, reason
):
    def fail(path, *_, **__):
        raise error if "game/a" in str(path) else DecodeError("another", path=path)

    monkeypatch.setattr("bvas.predicting.match.spot_video", fail)
    assert there.predict() == WRONG_INPUT
    failures = there.failures()
    assert reason in failures["game/a"]
    assert failures["game/b"] == "another"


def test_results_are_of_the_decoder_that_is_asked_for_and_auto_takes_those_that_are_there(there, monkeypatch):
    options = ["--folds", "0"]
    assert there.predict(*options, "--backend", "opencv") == OK
    first = there.times()
    assert there.predict(*options) == there.predict(*options, "--backend", "opencv") == OK
    assert there.times() == first
    assert there.predict(*options, "--backend", "pyav") == OK
    second = there.times()
    assert second != first
    assert there.predict(*options) == OK
    assert there.times() == second


def test_rows_of_another_decoder_are_not_gone_on_with(there, few_frames_at_once, monkeypatch):
    keep = KeptRows.__call__

    def interrupted(self, rows):
        keep(self, rows)
        if len(rows.scores) > 20:
            raise KeyboardInterrupt

    write_video(there.folder / "one.mkv", seed=3)
    (there.folder / "list.txt").write_text("one.mkv\n")
    options = ["--manifest", "list.txt", "--save-seconds", "0"]
    with monkeypatch.context() as patched:
        patched.setattr(KeptRows, "__call__", interrupted)
        assert there.predict(*options, "--backend", "opencv") == INTERRUPTED
    assert (there.predictions / "videos/one.mkv/one_unfinished.npz").is_file()
    decoded = _count_decoded(monkeypatch)
    assert there.predict(*options) == OK
    assert decoded == list(range(NUM_FRAMES))


def test_unfinished_rows_are_of_the_precision_that_prediction_chooses():
    glance = Glance(size=1, mtime_ns=1, ends="")

    def settings(precision):
        return unfinished_settings(
            {}, glance, backend="pyav", device=torch.device("cuda"), precision=precision
        )

    assert settings("auto") == settings("float16") != settings("bfloat16")


def test_results_of_an_earlier_version_are_made_again(there, capsys):
    assert there.predict("--folds", "0") == OK
    first = there.times()
    path = there.predictions / "cv/game/a/made_from.json"
    record = json.loads(path.read_text())
    record["rows"]["version"] -= 1
    for video in record["videos"].values():
        video["name"] = Path(video.pop("path")).name
        del video["backend"]
    path.write_text(json.dumps(record))
    assert main(["predict", "--experiment", "tiny", "--device", "cpu", "--folds", "0"]) == OK
    assert "game/a: there are results of other weights, settings or videos" in capsys.readouterr().err
    assert there.times() != first


def test_another_video_of_the_same_path_replaces_no_results_unless_asked_to(there, monkeypatch):
    disks = [there.folder / "disk1", there.folder / "disk2"]
    for seed, disk in enumerate(disks):
        write_video(disk / "match.mkv", seed=seed)
        (disk / "list.txt").write_text("match.mkv\n")

    def predict(disk, *options):
        monkeypatch.chdir(disk)
        options = ["--manifest", "list.txt", "--runs", "../runs", "--quiet", "--device", "cpu", *options]
        return main(["predict", "--experiment", "../configs/tiny.py", *options])

    assert predict(disks[0]) == OK
    first = there.times()
    assert predict(disks[1]) == WRONG_INPUT
    assert there.times() == first
    reason = there.failures("videos")["match.mkv"]
    assert (
        f"holds the results of {disks[0]}/match.mkv, which is another video than {disks[1]}/match" in reason
    )
    assert predict(disks[1], "--overwrite") == OK
    second = there.times()
    assert second != first

    # A copy is the same video wherever it lies.
    shutil.copy(disks[1] / "match.mkv", disks[0] / "match.mkv")
    assert predict(disks[0]) == OK
    assert there.times() == second


def test_a_missing_half_is_a_failure_of_that_match(there):
    there.video("game/a", 2).unlink()
    assert there.predict() == DONE_IN_PART
    assert "lies in half 2, and there is no video of that half" in there.failures()["game/a"]

    there.video("game/c").rename(there.video("game/c", 2))
    assert there.predict("--challenge") == WRONG_INPUT
    assert "no video of half 1 in" in there.failures("challenge")["game/c"]


def test_a_full_disk_ends_the_job_and_leaves_nothing_half_written(there, monkeypatch, capsys):
    def full(*args, **arrays):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("bvas.predicting.kept_rows.np.savez", full)
        assert there.predict() == WRONG_INPUT
    assert "No space left on device; free some space" in capsys.readouterr().err
    assert [path.name for path in there.predictions.rglob("*") if path.is_file()] == [".lock"]
    assert there.predict() == OK
    assert there.times().keys() == ALL


def test_shards_of_a_manifest_make_all_of_it_and_wrong_ones_are_refused(there, capsys):
    (there.folder / "list.txt").write_text("game/a\ngame/c\ngame/b\ndata/other.mkv\n")
    write_video(there.folder / "data/other.mkv", seed=4, num_frames=1)
    assert there.predict("--manifest", "list.txt", "--shard", "1/2") == OK
    assert there.times().keys() == ALL
    assert there.predict("--manifest", "list.txt", "--shard", "2/2") == OK
    assert there.times().keys() == ALL | {"challenge/game/c", "videos/data/other.mkv"}
    assert there.scores("videos/data/other.mkv", "other").shape == (1, 2)

    (there.folder / "list.txt").write_text("game/a\ngame/d\n")
    assert there.predict("--manifest", "list.txt") == WRONG_INPUT
    assert "line 2 of list.txt: 'game/d' is no match of the data" in capsys.readouterr().err
    for wrong in ("0/2", "3/2", "1", "a/b"):
        with pytest.raises(SystemExit):
            there.predict("--shard", wrong)
        assert "is no share; write I/N" in capsys.readouterr().err


def test_a_match_that_another_job_works_on_is_waited_for(there):
    codes = []
    with locked(there.predictions / "cv/game/a"):
        thread = threading.Thread(target=lambda: codes.append(there.predict()))
        thread.start()
        deadline = time.monotonic() + 60
        while "cv/game/b" not in there.times() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.1)
        assert thread.is_alive()
        assert there.times().keys() == {"cv/game/b"}
    thread.join(60)
    assert codes == [OK]
    assert there.times().keys() == ALL


@pytest.mark.slow
def test_devices_share_the_matches_and_give_what_one_gives(there):
    (there.folder / "list.txt").write_text("game/a\nbroken.mp4\ngame/b\ngame/c\n")
    (there.folder / "broken.mp4").write_text("<html>")
    options = ["predict", "--experiment", "tiny", "--quiet", "--manifest", "list.txt"]
    assert main([*options, "--devices", "cpu,cpu"]) == DONE_IN_PART
    assert there.failures("videos").keys() == {"broken.mp4"}
    names = sorted(there.times())
    assert names == ["challenge/game/c", "cv/game/a", "cv/game/b"]
    apart = [there.scores(name) for name in names]
    assert there.predict("--manifest", "list.txt", "--overwrite") == DONE_IN_PART
    for name, scores in zip(names, apart, strict=True):
        assert np.allclose(there.scores(name), scores, atol=1e-6)


def test_devices_that_are_not_there_are_refused(there, capsys):
    for devices, message in (
        ("cpu,tpu", "unknown device 'tpu'"),
        ("97", "no device 'cuda:97'"),
        ("", "unknown device ''"),
    ):
        assert main(["predict", "--experiment", "tiny", "--devices", devices, "--quiet"]) == WRONG_INPUT
        assert message in capsys.readouterr().err
    assert there.predict("--devices", "cpu") == WRONG_INPUT
    assert "give one of them" in capsys.readouterr().err


@pytest.mark.slow
def test_a_process_that_is_killed_costs_its_match_and_is_replaced(there):
    write_video(there.folder / "long.mkv", seed=3, num_frames=3000)
    (there.folder / "list.txt").write_text("long.mkv\ngame/a\n")
    kept = there.predictions / "videos/long.mkv/long_unfinished.npz"

    def kill():
        deadline = time.monotonic() + 60
        while not kept.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        for child in psutil.Process().children():
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    options = ["--manifest", "list.txt", "--devices", "cpu", "--save-seconds", "0", "--quiet"]
    assert main(["predict", "--experiment", "tiny", *options]) == DONE_IN_PART
    killer.join()
    assert there.times().keys() == {"cv/game/a"}
    assert [*there.failures("videos").values()] == [
        "its process was ended by signal 9; what it said is in the log; if memory ran out, use fewer --devices"
    ]
    assert json.loads((there.predictions / "videos/failed.jsonl").read_text())["match"] == "long.mkv"
    assert Path(kept).exists()
