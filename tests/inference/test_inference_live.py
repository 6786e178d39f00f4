"""A running source gives the spots of the saved file, in order, each once; what breaks off comes back."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from live_sources import RATE, Paced, broadcast, moving_frames, rolling_segments, write_video
from stream_sources import piped, sent_by_udp, served, written_slowly
from tiny import tiny_experiment
from usable_models import usable_model
from video_samples import remux

from bvas.cli import main
from bvas.commands.console import DONE_IN_PART, INTERRUPTED, OK, WRONG_INPUT
from bvas.errors import DecodeError
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.inference.live_spots import LiveSpots
from bvas.inference.spot_video import spot_video
from bvas.inference.spotter import Spotter, load_spotter
from bvas.inference.streaming import StreamingPredictor
from bvas.video.live.live_video import LiveVideo
from bvas.video.live.reconnect import ReconnectConfig
from bvas.video.live.reconnect_clock import SourceClock

SOON = ReconnectConfig(connect=5.0, stall=2.0, first_wait=0.05, most_wait=0.2, give_up=3.0)
NUM_FRAMES = 75


@pytest.fixture(autouse=True)
def _one_thread():
    # Pictures this small are only slowed down by threads that wait for each other.
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(num_threads)


@pytest.fixture(scope="module")
def spotter():
    experiment = tiny_experiment()
    clips = np.stack([moving_frames(experiment.clip.num_frames, seed) for seed in range(20)])
    model = usable_model(experiment.model, experiment.clip, clips, seed=1)
    # Its curve is noise: at a height of 0.01 all of its peaks count, in chains.
    return Spotter(experiment, (model,), torch.device("cpu"))


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "a.mkv", NUM_FRAMES)


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "a.ts", NUM_FRAMES)


@pytest.fixture(scope="module")
def runs(spotter, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    (runs / "tiny").mkdir()
    (runs / "tiny" / "experiment.json").write_text(spotter.experiment.to_json())
    weights = spotter.models[0].state_dict()
    save_checkpoint(fold_folder(runs, "tiny", 0) / FILE_NAME, weights, spotter.experiment, {})
    return runs


def spot(source, runs, out):
    """Spot a source as the command does; return its exit code."""
    return main(["spot", str(source), "--experiment", "tiny", "--runs", str(runs), "--out", str(out)])


def assert_same(found, expected):
    """The same spots in the same order; heights up to rounding, as frames come in other batches."""
    spots = [live.spot for live in found]
    assert [(spot.label, spot.seconds) for spot in spots] == [(s.label, s.seconds) for s in expected]
    assert [s.confidence for s in spots] == pytest.approx([s.confidence for s in expected], abs=1e-5)
    assert len(spots) >= 6


def test_a_finished_file_gives_its_spots_as_it_is_read(spotter, video):
    expected = spot_video(video, spotter)
    assert_same(LiveSpots(spotter, video, candidates=True), expected.spots)


@pytest.mark.parametrize("rate", [25, 30, 50])
def test_a_pipe_gives_the_spots_of_the_file_whatever_its_rate(spotter, tmp_path, rate):
    path = write_video(tmp_path / "a.mkv", 3 * rate, rate=rate)
    with piped(path) as pipe, LiveSpots(spotter, pipe, candidates=True) as found:
        assert_same(found, spot_video(path, spotter).spots)
    with piped(path) as pipe:
        whole, streamed = spot_video(path, spotter), spot_video(pipe, spotter)
    assert streamed.curve.seconds.tolist() == whole.curve.seconds.tolist()
    assert np.abs(streamed.curve.scores - whole.curve.scores).max() < 1e-5
    assert streamed.source_frames == whole.source_frames
    assert streamed.duration_seconds == whole.duration_seconds


def test_a_file_that_is_being_written_gives_the_spots_of_the_whole_one(spotter, video):
    with written_slowly(video) as growing:
        found = list(LiveSpots(spotter, growing, candidates=True, growing=True, idle_seconds=0.4))
    assert_same(found, spot_video(video, spotter).spots)


def test_a_broadcast_that_is_cut_twice_gives_the_spots_of_the_file_each_once(spotter, stream):
    paced = Paced([(stream, 0.9), (stream, 1.9), (stream, None)], seconds=NUM_FRAMES / RATE)
    start = time.monotonic()
    with broadcast(paced) as address, LiveSpots(spotter, address, candidates=True, reconnect=SOON) as found:
        spots = list(found)
        assert time.monotonic() - start > 2.5  # at playing speed
        assert found.num_reopened == 2
        assert found.rows.gaps == ()
    assert paced.num_connections == 3
    assert_same(spots, spot_video(stream, spotter).spots)
    # Out of order and again: neither.
    assert sorted(spots, key=lambda live: live.spot.seconds) == spots


def test_without_a_chain_a_spot_comes_within_the_bound_while_the_source_runs(spotter, stream):
    # A height that only few peaks reach: nothing is chained.
    experiment = replace(spotter.experiment, peaks=replace(spotter.experiment.peaks, min_distance_frames=1))
    quick = replace(spotter, experiment=experiment)
    paced = Paced([(stream, None)], seconds=NUM_FRAMES / RATE)
    with broadcast(paced) as address, LiveSpots(quick, address, candidates=True) as found:
        # 4 frames of the clip behind its center, 12 of the Gaussian, the next row.
        assert found.bound_frames == 4 + 12 + 1
        spots = list(found)
    in_time = [live for live in spots if live.spot.seconds < 1.5]
    # What the server sends at once comes together: 0.2 s are 5 frames.
    assert 1 <= len(in_time)
    assert max(live.latency_frames for live in in_time) <= found.bound_frames + 15
    assert min(live.latency_frames for live in in_time) >= found.bound_frames
    assert max(live.latency_seconds for live in in_time) < 3


def test_rolling_segments_give_the_spots_of_the_file(spotter, stream, tmp_path):
    expected = spot_video(stream, spotter).spots
    with rolling_segments(stream, tmp_path) as name, served(tmp_path) as address:
        found = list(LiveSpots(spotter, f"{address}/{name}", candidates=True, reconnect=SOON))
    assert_same(found, expected)


def test_a_source_whose_clock_begins_anew_goes_on_by_the_time_it_was_away(spotter, stream, tmp_path, caplog):
    other = write_video(tmp_path / "b.ts", 50, seed=7)
    paced = Paced([(stream, 1.0), (other, None)], seconds=2.0)
    with broadcast(paced) as address, LiveVideo(address, size=(64, 96), reconnect=SOON) as video:
        arrived = list(video.arrivals())
    times = [float(tick * video.time_base) for one in arrived for tick in one.ticks]
    (away,) = [one for one in arrived if one.gap_before]
    assert "broke off" in away.gap_before
    assert "has another clock than before" in caplog.text
    assert times == sorted(set(times))
    place = times.index(float(away.ticks[0] * video.time_base))
    assert 0 < times[place] - times[place - 1] < 1.5
    assert len(times) - place == 50
    assert times[-1] - times[place] == pytest.approx(49 / 25)


def test_while_a_source_was_away_nothing_is_spotted_and_the_gap_is_listed(spotter, stream, tmp_path):
    other = write_video(tmp_path / "b.ts", 50, seed=7)
    paced = Paced([(stream, 1.0), (other, None)], seconds=2.0)
    slow = replace(SOON, first_wait=0.5)
    with broadcast(paced) as address, LiveSpots(spotter, address, reconnect=slow) as found:
        rows = list(found.rows)
        (gap,) = found.rows.gaps
    scores = np.concatenate([part.scores for part in rows])
    seconds = np.concatenate([part.seconds for part in rows])
    assert gap.num_frames >= 10
    assert "broke off" in gap.reason
    inside = (seconds >= gap.start_seconds) & (seconds <= gap.end_seconds)
    assert inside.sum() == gap.num_frames
    assert np.isnan(scores[inside]).all()
    assert not np.isnan(scores[:10]).any()
    assert not np.isnan(scores[-30:]).any()
    assert seconds == pytest.approx(np.arange(len(seconds)) / 25, abs=0.002)


def test_a_source_that_does_not_come_back_is_given_up_after_its_spots_were_given(spotter, stream):
    with sent_by_udp(stream) as address:
        quick = replace(SOON, stall=0.5, connect=0.5, give_up=1.0)
        found = LiveSpots(spotter, address, candidates=True, reconnect=quick)
        spots = []
        with found, pytest.raises(DecodeError, match=r"did not come back within 1 s \("):
            for live in found:
                spots.append(live)
    assert len(spots) >= 6


def test_what_is_kept_of_a_running_source_does_not_grow(spotter, video, tmp_path):
    long = write_video(tmp_path / "long.mkv", 400)
    with piped(long) as pipe, LiveSpots(spotter, pipe, candidates=True) as found:
        most = 0
        for _ in found:
            most = max(most, len(found._open), len(found.rows._pending))
        assert found.rows.num_grid_frames == 400
    # The clip's look-ahead, the Gaussian's, the distance, a batch, and short chains.
    assert most < 150


def test_a_lost_frame_is_a_gap_or_an_error_where_told_to(spotter, shared_data):
    path = shared_data / "videos/corrupted.mp4"
    found, whole = LiveSpots(spotter, path, candidates=True), spot_video(path, spotter)
    assert_same(found, whole.spots)
    assert found.rows.gaps == whole.gaps
    assert len(whole.gaps) == 1
    with pytest.raises(DecodeError, match="does not output frame 30"):
        list(LiveSpots(spotter, path, strict=True))


def test_how_another_video_is_brought_to_the_models_input_is_said_once(spotter, tmp_path, caplog):
    path = write_video(tmp_path / "a.mkv", 30, rate=50)
    experiment = replace(spotter.experiment, input=replace(spotter.experiment.input, size=(32, 64)))
    small = replace(spotter, experiment=experiment)
    with caplog.at_level("INFO"):
        spot_video(path, small)
        with piped(path) as pipe:
            list(LiveSpots(small, pipe))
    said = [record.message for record in caplog.records if "are put on a grid" in record.message]
    assert said == [
        f"{name}: 50 frames per second are put on a grid of 25 per second; 96x64 is scaled to 48x32 within 64x32"
        for name in ("a.mkv", str(pipe))
    ]


def test_a_time_that_jumps_far_ahead_is_another_clock():
    clock = SourceClock(0, Fraction(1, 90000))
    clock.give([0.0, 3600.0], np.zeros((2, 8, 8), np.uint8), remember=True)
    assert clock.can_be(3600.0 + 59 * 90000)
    assert not clock.can_be(3600.0 + 95_000 * 90000)
    picture = np.ones((8, 8), np.uint8)
    seconds = clock.reopen(95_000 * 90000, Fraction(1, 90000), picture)
    assert seconds is not None
    (placed,) = clock.ticks([95_000 * 90000 + 3600], Fraction(1, 90000))
    assert placed == pytest.approx(2 * 3600, abs=90000)
    # A picture that was given before at that time is shown again, and the clock is the same.
    other = SourceClock(500, Fraction(1, 1000))
    other.give([0, 40], np.zeros((2, 8, 8), np.uint8), remember=True)
    assert other.reopen(540, Fraction(1, 1000), np.zeros((8, 8), np.uint8)) is None
    assert other.reopen(540, Fraction(1, 1000), picture) is not None


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
    # The demo's operating point.
    shown = [line["seconds"] for line in lines_of((tmp_path / "a.jsonl").read_text())]
    assert shown == [line["seconds"] for line in lines if line["confidence"] >= 0.45]
    assert capsys.readouterr().out == ""


def test_a_source_that_stays_away_is_done_in_part(runs, stream, monkeypatch, capsys):
    monkeypatch.setattr(
        "bvas.video.live.live_video.ReconnectConfig",
        lambda: replace(SOON, stall=0.5, connect=0.5, give_up=0.6),
    )
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
    quick = replace(SOON, stall=0.5, connect=0.5, first_wait=0.5, give_up=0.4)
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


def test_a_stream_of_which_much_is_lost_keeps_the_rest(spotter, video, monkeypatch):
    arrivals = LiveVideo.arrivals

    def torn(source):
        for one in arrivals(source):
            is_lost = 1.0 <= one.ticks[0] * source.time_base < 2.0
            yield replace(one, luma=None, reason="torn") if is_lost else one

    monkeypatch.setattr(LiveVideo, "arrivals", torn)
    with piped(video) as pipe:
        found = spot_video(pipe, spotter)
    assert isinstance(found.failure, DecodeError)
    assert "more than 20%" in str(found.failure)
    assert [gap.reason for gap in found.gaps] == ["torn"]
    assert len(found.curve.seconds) == NUM_FRAMES


def test_a_jump_in_time_is_filled_a_few_pictures_at_a_time(spotter, tmp_path, monkeypatch):
    def jump(number, packet):
        if number >= 40:
            packet.pts += int(4 / packet.time_base)
            packet.dts += int(4 / packet.time_base)

    path = remux(write_video(tmp_path / "a.mp4", NUM_FRAMES), tmp_path / "jump.mkv", jump)
    whole = spot_video(path, spotter)
    pushed = []
    push = StreamingPredictor.push
    monkeypatch.setattr(
        StreamingPredictor, "push", lambda self, *given: pushed.append(len(given[0])) or push(self, *given)
    )
    with piped(path) as pipe:
        streamed = spot_video(pipe, spotter)
    assert sum(pushed) == len(whole.curve.seconds) == NUM_FRAMES + 100
    assert max(pushed) <= 16
    assert streamed.curve.seconds.tolist() == whole.curve.seconds.tolist()
    assert np.abs(streamed.curve.scores - whole.curve.scores).max() < 1e-5
    assert streamed.source_frames == whole.source_frames


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
