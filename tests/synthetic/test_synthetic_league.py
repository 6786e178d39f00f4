import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from bvas.data.ball import found_ball_task
from bvas.data.matches import annotated_halves, find_matches
from bvas.errors import ConfigError, DataError
from bvas.synthetic.config import SyntheticConfig
from bvas.synthetic.half_video import film_half, half_renderer
from bvas.synthetic.league import make_league
from bvas.synthetic.league_files import LEAGUE_FOLDER, match_name

SMALL = SyntheticConfig(matches=1, challenge_matches=1, minutes=0.2, size=(64, 112), keyframe_interval=50)


def matches_and_workshop(root):
    return [*(root / LEAGUE_FOLDER).iterdir(), *root.glob(".*")]


def digests(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def decode(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray()[: frame.height] for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def league(tmp_path_factory):
    calls = []
    made = make_league(tmp_path_factory.mktemp("league"), SMALL, progress=calls.append, jobs=1)
    return made, calls


def test_the_folders_are_those_of_the_2023_data(league):
    made, _ = league

    names = {str(path.relative_to(made.root)) for path in made.root.rglob("*") if path.is_file()}

    first, second = (f"{LEAGUE_FOLDER}/{match_name(i)}" for i in range(2))
    assert str(LEAGUE_FOLDER) == "spotting-ball-2023/england_efl/2019-2020"
    assert names == {
        "synthetic_league.json",
        f"{first}/1_64p.mkv",
        f"{first}/2_64p.mkv",
        f"{first}/Labels-ball.json",
        f"{second}/1_64p.mkv",
        f"{second}/2_64p.mkv",
    }
    assert [path.name for path in made.matches] == [match_name(0)]
    assert [path.name for path in made.challenge_matches] == [match_name(1)]


def test_videos_have_the_frames_size_and_keyframes_asked_for(league):
    made, _ = league
    with av.open(str(made.matches[0] / "1_64p.mkv")) as container:
        frames = list(container.decode(video=0))
        rate = container.streams.video[0].average_rate

    assert (len(frames), frames[0].height, frames[0].width, rate) == (150, 64, 112, 25)
    assert [i for i, frame in enumerate(frames) if frame.key_frame] == [0, 50, 100]


def test_the_decoded_frame_is_the_rendered_one(league):
    made, _ = league
    decoded = decode(made.matches[0] / "2_64p.mkv")
    rendered = list(half_renderer(SMALL, 0, 2).frames())

    def difference(i, j):
        return np.abs(decoded[i].astype(int) - rendered[j]).mean()

    assert max(difference(i, i) for i in range(150)) < 4.0
    assert all(difference(i, i) < difference(i, i - 6) for i in range(20, 150, 10))


def test_labels_are_the_simulated_passes_and_drives(league):
    made, _ = league
    labels = json.loads((made.matches[0] / "Labels-ball.json").read_text())

    expected = [
        (half, event.label, event.frame, event.team)
        for half in (1, 2)
        for event in film_half(SMALL, 0, half).play.events
        if event.label in ("PASS", "DRIVE")
    ]
    entries = labels["annotations"]
    assert labels["UrlLocal"] == f"england_efl/2019-2020/{match_name(0)}"
    assert [
        (int(entry["gameTime"][0]), entry["label"], int(25 * int(entry["position"]) / 1000), entry["team"])
        for entry in entries
    ] == expected
    assert all(isinstance(value, str) for entry in entries for value in entry.values())


def test_the_matches_are_found_and_read_as_soccernet_data(league):
    made, _ = league
    task = found_ball_task()

    matches = find_matches(task, made.root)

    assert [(match.folder, match.fold) for match in matches] == [
        (made.matches[0], 0),
        (made.challenge_matches[0], None),
    ]
    play = film_half(SMALL, 0, 2).play
    halves = annotated_halves(matches[0], task)
    annotations = halves[1][1]
    assert [round(annotation.seconds * 25) for annotation in annotations] == [
        event.frame for event in play.events if event.label in ("PASS", "DRIVE")
    ]
    assert [half.path.name for half, _ in halves] == ["1_64p.mkv", "2_64p.mkv"]


def test_progress_rises_to_the_number_of_frames(league):
    _, calls = league

    assert calls == sorted(calls)
    assert calls[-1] == SMALL.num_frames == 600


def test_two_processes_make_the_same_bytes_as_one(league, tmp_path):
    made, _ = league
    calls = []

    make_league(tmp_path, SMALL, progress=calls.append, jobs=2)

    assert digests(tmp_path) == digests(made.root)
    assert calls[-1] == 600


def test_a_second_call_keeps_what_is_there_and_makes_what_is_missing(tmp_path):
    config = replace(SMALL, minutes=0.05)
    made = make_league(tmp_path, config, jobs=1)
    before = digests(tmp_path)
    (made.matches[0] / "1_64p.mkv").write_bytes(b"kept")
    for path in made.challenge_matches[0].iterdir():
        path.unlink()
    made.challenge_matches[0].rmdir()
    calls = []

    make_league(tmp_path, config, progress=calls.append, jobs=1)

    after = digests(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {
        f"{LEAGUE_FOLDER}/{match_name(0)}/1_64p.mkv"
    }
    assert calls[-1] == config.num_frames


def test_a_league_of_another_config_is_not_mixed_with(league):
    made, _ = league
    with pytest.raises(DataError, match=r"another config \(other: minutes, seed\)"):
        make_league(made.root, replace(SMALL, seed=9, minutes=0.3), jobs=1)


def test_real_matches_are_not_mixed_with(tmp_path):
    (tmp_path / LEAGUE_FOLDER / "2019-10-01 - Leeds United - West Bromwich").mkdir(parents=True)

    with pytest.raises(DataError, match="another origin"):
        make_league(tmp_path, SMALL, jobs=1)


def test_a_full_disk_leaves_no_match(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        with pytest.raises(DataError, match="Make room"):
            make_league(tmp_path, SMALL, jobs=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert matches_and_workshop(tmp_path) == []


def test_an_error_in_a_worker_reaches_the_caller(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        with pytest.raises(DataError, match="Make room") as caught:
            make_league(tmp_path, SMALL, jobs=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert "while writing" in caught.value.__notes__[0]
    assert matches_and_workshop(tmp_path) == []


SCRIPT = """
import sys
from bvas.synthetic.config import SyntheticConfig
from bvas.synthetic.league import make_league
if __name__ == "__main__":
    try:
        make_league(sys.argv[1], SyntheticConfig(matches=2, minutes=6.0), jobs=2)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a process group")
@pytest.mark.slow
def test_ctrl_c_leaves_no_process_and_no_file(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    process = subprocess.Popen(
        [sys.executable, str(script), str(out)],
        env=environment,
        start_new_session=True,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while len(list(out.rglob("*.mkv.part"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)

    _, errors = process.communicate(timeout=30)

    assert (process.returncode, errors) == (130, b"")
    assert len(children) >= 2
    psutil.wait_procs(children, timeout=5)
    assert not any(child.is_running() for child in children)
    assert matches_and_workshop(out) == []


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(50)])
def test_other_rates_and_hevc_are_made_too(tmp_path, rate):
    config = replace(SMALL, challenge_matches=0, minutes=0.1, rate=rate, codec="hevc")
    made = make_league(tmp_path, config, jobs=1)

    with av.open(str(made.matches[0] / "1_64p.mkv")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, sum(1 for _ in container.decode(video=0))) == (
            "hevc",
            config.frames_per_half,
        )
        # Matroska keeps time in milliseconds, and the rate as the duration of a frame in nanoseconds.
        assert abs(float(stream.average_rate) - float(rate)) < 0.05


def test_match_names_are_unique_and_sort_in_match_order():
    names = [match_name(number) for number in range(300)]

    assert len(set(names)) == 300
    assert names == sorted(names)
    assert all(name.split(" - ")[1] != name.split(" - ")[2] for name in names)
    assert names[0] == "2019-10-01 - Synthetic Albion - Synthetic Borough"


def test_config_values_are_checked():
    with pytest.raises(ConfigError, match="at least one match"):
        SyntheticConfig(matches=0, challenge_matches=0)
    with pytest.raises(ConfigError, match="minutes"):
        SyntheticConfig(minutes=0.0)
    with pytest.raises(ConfigError, match="jobs"):
        make_league("unused", SMALL, jobs=0)
    with pytest.raises(ConfigError, match="rate"):
        SyntheticConfig(rate=Fraction(500))
