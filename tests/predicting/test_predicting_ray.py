"""Prediction on a Ray cluster of this machine, a node of which is killed."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from local_ray import kill_node, local_ray, ray_environment
from predicting_on_ray import SEGMENT_FRAMES
from workplaces import RESULTS, make_workplace, write_video

NUM_FRAMES = 1000
MATCHES = ("cv/game/a", "cv/game/b")


@pytest.mark.slow
def test_a_killed_node_costs_one_segment_and_changes_no_result(tmp_path, monkeypatch):
    pytest.importorskip("ray")
    (tmp_path / "plain").mkdir()
    monkeypatch.chdir(tmp_path / "plain")
    plain = make_workplace(tmp_path / "plain")
    for number, match in enumerate(("game/a", "game/b")):
        for half in (1, 2):
            write_video(plain.video(match, half), seed=10 + 2 * number + half, num_frames=NUM_FRAMES)
    shutil.copytree(tmp_path / "plain", tmp_path / "ray")
    plain.run(plain.held_out(0, 1), segment_frames=SEGMENT_FRAMES)

    before = {process.pid for process in psutil.process_iter()}
    with local_ray(0, 1, 1) as cluster:
        script = Path(__file__).with_name("predicting_on_ray.py")
        with (tmp_path / "log").open("w") as log_file:
            driver = subprocess.Popen(
                [sys.executable, script, str(tmp_path / "ray"), cluster.address],
                env=ray_environment(),
                stdout=subprocess.PIPE,
                stderr=log_file,
                text=True,
            )
        segments = tmp_path / "ray/runs/tiny/predictions/cv/game"
        deadline = time.monotonic() + 120
        while len(list(segments.rglob("0*.npz"))) < 4:
            assert driver.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        kill_node(cluster)
        whole = _whole_segments(segments)
        output, _ = driver.communicate(timeout=240)
        actors = [process for process in psutil.process_iter(["cmdline"]) if _is_actor(process)]
    log = (tmp_path / "log").read_text()
    assert driver.returncode == 0, log
    # Ray prints the end of a node there too.
    done = json.loads(output.splitlines()[-1])
    assert done["counts"] == {"made": 2, "finished": 0, "failed": 0}
    assert done["failures"] == {}

    # The job of the lost worker is tried again, and goes on in the segment that was unfinished, or behind it.
    lost = re.findall(
        r"game/(\w)/(\d)_64p (\d+)-(\d+): its worker on \S+ was lost .*; it is tried again", log
    )
    assert len(lost) == 1, log
    match, half, first, last = lost[0]
    kept = [number for number in range(int(first), int(last) + 1) if (match, half, number) in whole]
    resumed = re.findall(rf"{match}/{half}_64p.* {first}-{last}: .*resumed at frame (\d+)", log)
    began = int(resumed[0]) if resumed else int(first) * SEGMENT_FRAMES
    assert began >= (int(first) + len(kept)) * SEGMENT_FRAMES
    for name in MATCHES:
        for number in (1, 2):
            curve = f"{name}/{number}_64p_scores.npz"
            one, other = (
                np.load(tmp_path / place / "runs/tiny/predictions" / curve) for place in ("plain", "ray")
            )
            np.testing.assert_allclose(other["scores"], one["scores"], atol=1e-6, rtol=0)
        spots = [
            (tmp_path / place / "runs/tiny/predictions" / name / RESULTS).read_text()
            for place in ("plain", "ray")
        ]
        assert spots[0] == spots[1]
    assert actors == []
    left = [process.name() for process in psutil.process_iter() if process.pid not in before]
    assert [name for name in left if "ray" in name or "gcs" in name] == []


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_the_end_of_the_command_ends_its_workers_and_the_same_command_finishes(tmp_path, end):
    pytest.importorskip("ray")
    place = make_workplace(tmp_path)
    for half in (1, 2):
        write_video(place.video("game/a", half), seed=10 + half, num_frames=NUM_FRAMES)
    with local_ray(2) as cluster:
        words = ["bvas.predict", "--experiment", "tiny", "--folds", "0", "--save-seconds", "0.2"]
        command = [sys.executable, "-m", *words, "--ray", cluster.address]

        def begun():
            return subprocess.Popen(
                command, cwd=tmp_path, env=ray_environment(), stderr=subprocess.PIPE, text=True
            )

        driver = begun()
        deadline = time.monotonic() + 120
        while not list(place.predictions.rglob("0*.npz")):
            assert driver.poll() is None, driver.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        driver.send_signal(end)
        driver.communicate(timeout=60)
        assert driver.returncode == (130 if end == signal.SIGINT else -signal.SIGKILL)
        deadline = time.monotonic() + 30
        while any(_is_actor(process) for process in psutil.process_iter(["cmdline"])):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        driver = begun()
        _, said = driver.communicate(timeout=240)
    assert driver.returncode == 0, said
    assert "1 predicted" in said
    assert not list(tmp_path.rglob(".processes"))


def _whole_segments(folder: Path) -> set[tuple[str, str, int]]:
    """Return match, half and number of each segment all of whose rows are saved."""
    whole = set()
    for path in folder.rglob("0*.npz"):
        with np.load(path, allow_pickle=False) as stored:
            if len(stored["scores"]) == SEGMENT_FRAMES:
                match, unfinished = path.relative_to(folder).parts[:2]
                whole.add((match, unfinished[0], int(path.stem)))
    return whole


def _is_actor(process: psutil.Process) -> bool:
    return "ray::JobActor" in " ".join(process.info["cmdline"] or ())
