"""`bvas predict` over matches: what is skipped, resumed, made again, and what fails alone."""

import json
import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from workplaces import NUM_FRAMES, save_untrained, write_video

from bvas.cli import main
from bvas.commands.console import DONE_IN_PART, OK, WRONG_INPUT
from bvas.errors import ConfigError, DataError, ScoresError
from bvas.experiment.seen_matches import write_seen
from bvas.predicting.segments import precision_settings
from bvas.system.locks import locked

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


def test_what_is_finished_is_left_and_what_changed_is_made_again(there):
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

    _touch(there.video("game/a"))
    _touch(there.folder / "runs/tiny/fold_0/model.safetensors")
    done, num_computed = there.run(there.held_out(0, 1))
    assert done.counts == {"made": 0, "finished": 2, "failed": 0}
    assert there.times() == first
    assert num_computed == 0

    # One half of one match is another video now.
    write_video(there.video("game/a", 2), seed=77)
    before = there.scores("cv/game/a"), there.scores("cv/game/a", "2_64p")
    done, num_computed = there.run(there.held_out(0, 1))
    assert done.counts == {"made": 1, "finished": 1, "failed": 0}
    second = there.times()
    assert {name for name in ALL if second[name] != first[name]} == {"cv/game/a"}
    assert num_computed == NUM_FRAMES
    assert np.array_equal(there.scores("cv/game/a"), before[0])
    assert np.abs(there.scores("cv/game/a", "2_64p") - before[1]).max() > 1e-4

    save_untrained(there.folder, 1, seed=55)
    assert there.predict() == OK
    third = there.times()
    assert {name for name in ALL if third[name] != second[name]} == {"cv/game/b"}


def test_another_setting_makes_results_again_and_one_of_peaks_without_computing(there):
    assert there.predict() == OK
    first = there.times()
    _edit_config(there, "demo,\n", "demo, peaks=replace(demo.peaks, min_height=0.0001),\n")
    assert there.run(there.held_out(0, 1))[1] == 0
    second = there.times()
    assert all(second[name] != first[name] for name in ALL)

    _edit_config(there, "demo, peaks", "demo, flip_tta=True, peaks")
    assert there.run(there.held_out(0))[1] == 2 * NUM_FRAMES
    third = there.times()
    assert {name for name in ALL if third[name] != second[name]} == {"cv/game/a"}

    assert there.run(there.held_out(0), overwrite=True)[1] == 2 * NUM_FRAMES


def test_several_folds_see_a_video_that_is_computed_once(there):
    assert there.run(there.challenge(0, 1))[1] == NUM_FRAMES
    both = there.scores("challenge/game/c")
    alone = []
    for fold in ("0", "1"):
        assert there.predict("--challenge", "--folds", fold) == OK
        alone.append(there.scores("challenge/game/c"))
    assert np.abs(alone[0] - alone[1]).max() > 1e-4
    assert np.allclose(both, (alone[0] + alone[1]) / 2, atol=1e-6)


def test_a_match_that_the_model_of_its_fold_learned_from_is_refused(there, capsys):
    write_seen(there.folder / "runs/tiny/fold_0", trained_on=["game/a"], held_out=["game/b"])
    assert there.predict("--folds", "0") == WRONG_INPUT
    assert "was trained on 'game/a', which this fold holds out now" in capsys.readouterr().err
    assert not (there.predictions / "cv").exists()


def test_a_failed_match_stops_no_other_and_is_listed_until_it_is_fixed(there, capsys):
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


def test_results_are_of_the_decoder_that_is_asked_for_and_auto_takes_those_that_are_there(there):
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
    assert (
        "game/a: its results are of other weights, settings or videos; they are made again"
        in capsys.readouterr().err
    )
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
    assert "lies in half 2, which has no video" in there.failures()["game/a"]

    there.video("game/c").rename(there.video("game/c", 2))
    assert there.predict("--challenge") == WRONG_INPUT
    assert "no video of half 1 in" in there.failures("challenge")["game/c"]


def test_shards_of_a_manifest_make_all_of_it_and_wrong_ones_are_refused(there, monkeypatch, capsys):
    (there.folder / "list.txt").write_text("game/a\ngame/c\ngame/b\ndata/other.mkv\n")
    write_video(there.folder / "data/other.mkv", seed=4, num_frames=1)
    assert there.predict("--manifest", "list.txt", "--shard", "1/2") == OK
    assert there.times().keys() == ALL
    # The second of the two pods.
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    assert there.predict("--manifest", "list.txt", "--shard", "auto/2") == OK
    assert there.times().keys() == ALL | {"challenge/game/c", "videos/data/other.mkv"}
    assert there.scores("videos/data/other.mkv", "other").shape == (1, 2)

    (there.folder / "list.txt").write_text("game/a\ngame/d\n")
    assert there.predict("--manifest", "list.txt") == WRONG_INPUT
    assert "line 2 of list.txt: 'game/d' is neither a match of the data" in capsys.readouterr().err
    for wrong in ("0/2", "3/2", "1", "a/b"):
        with pytest.raises(SystemExit):
            there.predict("--shard", wrong)
        assert "is not a share; write I/N" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        there.predict("--shard", "auto")
    assert (
        "Kubernetes does not tell a pod how many there are; write --shard auto/N" in capsys.readouterr().err
    )


def test_a_match_that_another_process_predicts_is_waited_for(there):
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


def test_devices_that_are_unavailable_or_of_two_kinds_are_refused(there, capsys):
    for devices, message in (
        ("cpu,tpu", "unknown device 'tpu'"),
        ("97", "no device 'cuda:97'"),
        ("", "unknown device ''"),
    ):
        assert main(["predict", "--experiment", "tiny", "--devices", devices, "--quiet"]) == WRONG_INPUT
        assert message in capsys.readouterr().err
    assert there.predict("--devices", "cpu") == WRONG_INPUT
    assert "give one of them" in capsys.readouterr().err
    with pytest.raises(
        ConfigError, match="all CUDA or all CPU, as a video has rows of one precision; got cpu, cuda:0"
    ):
        there.run([], devices=["cpu", "cuda:0"])


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced_and_its_segments_are_resumed(there, caplog):
    write_video(there.folder / "long.mkv", seed=3, num_frames=3000)
    kept = "videos/long.mkv/long_unfinished/*/00000.npz"

    def kill():
        deadline = time.monotonic() + 60
        while not list(there.predictions.glob(kept)) and time.monotonic() < deadline:
            time.sleep(0.01)
        for child in psutil.Process().children():
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    video = there.of_video("long.mkv")
    with caplog.at_level("INFO"):
        done, _ = there.run([video, *there.held_out(0)], devices=["cpu"], save_seconds=0.0)
    killer.join()
    assert done.counts == {"made": 2, "finished": 0, "failed": 0}
    assert "its process was ended by signal 9" in caplog.text
    assert "long.mkv: resumed at frame" in caplog.text
    resumed = there.scores("videos/long.mkv", "long")
    there.run([video], overwrite=True)
    assert np.allclose(there.scores("videos/long.mkv", "long"), resumed, atol=1e-6)


def test_errors_of_scores_and_memory_fail_their_match_only_and_those_of_settings_end_all(there):
    """Each error comes from the progress report in the middle of the first match."""
    for error, reason in (
        (ScoresError("NaN; take --precision float32"), "take --precision float32"),
        (MemoryError(), "memory ran out; end other programs"),
    ):
        errors = [error]

        def fail(done, total, errors=errors):
            if errors:
                raise errors.pop()

        done, _ = there.run(there.held_out(0, 1), progress=fail, overwrite=True)
        assert done.counts == {"made": 1, "finished": 0, "failed": 1}
        assert reason in done.failures["game/a"]
        assert there.failures().keys() == {"game/a"}

    def refuse(done, total):
        raise ConfigError("a wrong setting")

    with pytest.raises(ConfigError, match="a wrong setting"):
        there.run(there.held_out(0, 1), progress=refuse, overwrite=True)


def test_a_full_disk_ends_all_and_leaves_nothing_half_written(there):
    def full(done, total):
        raise DataError("cannot write a.npz") from OSError(28, "No space left on device")

    with pytest.raises(DataError, match="cannot write"):
        there.run(there.held_out(0, 1), progress=full)
    assert not list(there.predictions.rglob("*.part*"))
    assert there.predict() == OK
    assert there.times().keys() == ALL


def test_segments_are_of_the_precision_that_prediction_chooses(there):
    def settings(precision):
        work = there.work(precision=precision)
        return precision_settings("cuda", work)

    assert settings("auto") == settings("float16") != settings("bfloat16")
