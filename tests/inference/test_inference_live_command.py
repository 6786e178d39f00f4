"""The command spots running sources: as lines while they run, or as results when they end."""

import json
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from stream_sources import piped, sent_by_udp

from bvas.cli import main
from bvas.commands.console import DONE_IN_PART, INTERRUPTED, OK, WRONG_INPUT
from bvas.inference.spot_video import spot_video
from bvas.inference.spotter import load_spotter
from bvas.video.live.live_video import LiveVideo
from bvas.video.live.reconnect import ReconnectConfig

QUICK = ReconnectConfig(connect=0.5, stall=0.5, first_wait=0.05, most_wait=0.2, give_up=0.6)

pytestmark = pytest.mark.usefixtures("one_thread")


def spot(source, runs, out):
    """Spot a source as the command does; return its exit code."""
    return main(["spot", str(source), "--experiment", "tiny", "--runs", str(runs), "--out", str(out)])


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def live(runs, *arguments):
    return main(["spot", *map(str, arguments), "--live", "--experiment", "tiny", "--runs", str(runs)])


def test_the_command_prints_the_spots_of_a_file_as_json_lines(runs, spotter, video, tmp_path, capsys):
    assert live(runs, video, "--candidates", "--kickoff", "1") == OK
    printed = capsys.readouterr()
    # The weights as a file has them: the fixture's other epsilon is no part of it.
    expected = spot_video(video, load_spotter(spotter.experiment, runs, device="cpu")).spots
    lines = lines_of(printed.out)
    assert [(line["label"], line["seconds"]) for line in lines] == [
        (spot.label, pytest.approx(spot.seconds, abs=1e-3)) for spot in expected
    ]
    assert set(lines[0]) == {
        "seconds", "clock", "label", "confidence", "latency_frames", "latency_seconds",
    }  # fmt: skip
    assert "spots come 30 grid frames behind (1.2 s)" in printed.err
    assert f"{len(expected)} spots" in printed.err

    assert live(runs, video, "--jsonl", tmp_path / "a.jsonl", "--quiet") == OK
    least = spotter.experiment.peaks.operating_point
    shown = [line["seconds"] for line in lines_of((tmp_path / "a.jsonl").read_text())]
    assert shown == [line["seconds"] for line in lines if line["confidence"] >= least]
    assert capsys.readouterr().out == ""


def test_a_source_that_stays_away_is_done_in_part(runs, stream, monkeypatch, capsys):
    monkeypatch.setattr("bvas.video.live.live_video.ReconnectConfig", lambda: QUICK)
    with sent_by_udp(stream) as address:
        assert live(runs, address, "--candidates") == DONE_IN_PART
    printed = capsys.readouterr()
    assert len(lines_of(printed.out)) >= 6
    assert "did not come back" in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.ts", "b.ts", "--live"], "--live takes one source, got 2"),
        (["a.ts", "--live", "--from", "3"], "do not go with --live"),
        (["a.ts", "--jsonl", "x"], "--jsonl goes with --live only"),
        (["a.ts", "--live", "--max-lag", "-1"], "--max-lag must not be negative, got -1"),
        (["missing.ts", "--live"], "no file missing.ts"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(runs, arguments, message, capsys):
    assert main(["spot", *arguments, "--runs", str(runs)]) == WRONG_INPUT
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_pipe_is_spotted_as_a_file_is(runs, video, tmp_path):
    command = ["--experiment", "tiny", "--runs", str(runs), "--quiet"]
    assert main(["spot", str(video), *command, "--out", str(tmp_path / "file")]) == OK
    with piped(video) as pipe:
        assert main(["spot", str(pipe), *command, "--out", str(tmp_path / "pipe")]) == OK
    results = [
        json.loads((tmp_path / name / "results_spotting.json").read_text())["predictions"]
        for name in ("file", "pipe")
    ]
    assert [(one["label"], one["position"]) for one in results[0]] == [
        (one["label"], one["position"]) for one in results[1]
    ]
    assert len(results[0]) >= 6


def test_what_came_of_a_source_that_stays_away_is_written(runs, stream, tmp_path, monkeypatch, capsys):
    quick = replace(QUICK, first_wait=0.5, give_up=0.4)
    monkeypatch.setattr("bvas.video.live.live_video.ReconnectConfig", lambda: quick)
    with sent_by_udp(stream) as address:
        assert spot(address, runs, tmp_path / "out") == DONE_IN_PART
    printed = capsys.readouterr()
    assert "results in" in printed.out
    assert "did not come back within 0.4 s" in printed.err
    results = json.loads((tmp_path / "out" / "results_spotting.json").read_text())
    assert len(results["predictions"]) >= 6


def test_what_came_before_ctrl_c_is_written(runs, video, tmp_path, monkeypatch, capsys):
    arrivals = LiveVideo.arrivals

    def interrupted(source):
        num_frames = 0
        for one in arrivals(source):
            yield one
            num_frames += len(one.ticks)
            if num_frames >= 40:
                raise KeyboardInterrupt

    monkeypatch.setattr(LiveVideo, "arrivals", interrupted)
    with piped(video) as pipe:
        assert spot(pipe, runs, tmp_path / "out") == INTERRUPTED
    printed = capsys.readouterr()
    assert "results in" in printed.out
    assert "interrupted" in printed.err
    results = json.loads((tmp_path / "out" / "results_spotting.json").read_text())
    places = [int(one["position"]) for one in results["predictions"]]
    assert len(places) >= 3
    assert max(places) < 40 * (40 + 16)


@pytest.mark.slow
def test_spots_come_while_standard_input_runs_and_ctrl_c_ends_it(runs, video):
    command = [sys.executable, "-m", "bvas", "spot", "-", "--live", "--candidates", "--experiment", "tiny"]
    with subprocess.Popen(
        [*command, "--runs", str(runs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        data = video.read_bytes()
        process.stdin.write(data[: int(len(data) * 0.8)])
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=30)
    assert first["seconds"] < 1.5
    for line in rest.splitlines():
        json.loads(line)
    assert process.returncode == INTERRUPTED
    assert b"spots" in err
    assert b"Traceback" not in err
