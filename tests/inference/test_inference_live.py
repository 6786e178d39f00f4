"""A running source gives the spots of the saved file, in order, each once; what breaks off comes back."""

import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from live_sources import RATE, Paced, broadcast, rolling_segments, write_video
from stream_sources import piped, sent_by_udp, served, written_slowly
from video_samples import remux

from bvas.errors import DecodeError
from bvas.inference.live_spots import LiveSpots
from bvas.inference.spot_video import spot_video
from bvas.inference.streaming import StreamingPredictor
from bvas.video.live.live_video import LiveVideo
from bvas.video.live.reconnect import ReconnectConfig
from bvas.video.live.reconnect_clock import SourceClock

SOON = ReconnectConfig(connect=5.0, stall=2.0, first_wait=0.05, most_wait=0.2, give_up=3.0)
NUM_FRAMES = 75

pytestmark = pytest.mark.usefixtures("one_thread")


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


def test_a_stream_of_which_much_is_lost_keeps_the_rest(spotter, video, monkeypatch):
    arrivals = LiveVideo.arrivals

    def torn(source):
        for one in arrivals(source):
            is_lost = 1.0 <= one.ticks[0] * source.time_base < 2.0
            yield replace(one, frames=None, reason="torn") if is_lost else one

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
        StreamingPredictor,
        "push",
        lambda self, *given, **aspect: pushed.append(len(given[0])) or push(self, *given, **aspect),
    )
    with piped(path) as pipe:
        streamed = spot_video(pipe, spotter)
    assert sum(pushed) == len(whole.curve.seconds) == NUM_FRAMES + 100
    assert max(pushed) <= 16
    assert streamed.curve.seconds.tolist() == whole.curve.seconds.tolist()
    assert np.abs(streamed.curve.scores - whole.curve.scores).max() < 1e-5
    assert streamed.source_frames == whole.source_frames
