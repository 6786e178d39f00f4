"""Rows of a video file do not depend on how it is cut into segments."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from live_sources import moving_frames, write_video
from tiny import tiny_experiment
from usable_models import usable_model

from bvas.errors import ConfigError, DecodeError
from bvas.inference.file_rows import FrameGap, GridVideo, cut_gaps, gaps_in_time
from bvas.inference.spot_video import spot_video
from bvas.inference.spotter import Spotter
from bvas.video.decode.video_reader import FrameReader

NUM_FRAMES = 300
LOST = range(150, 154)


@pytest.fixture(scope="module")
def spotter():
    experiment = tiny_experiment()
    frames = np.stack([moving_frames(experiment.clip.num_frames, seed) for seed in range(20)])
    model = usable_model(experiment.model, experiment.clip, frames)
    return Spotter(experiment, (model,), torch.device("cpu"))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "a.mp4", NUM_FRAMES)


@pytest.fixture
def damaged(monkeypatch):
    """Frames 150 to 153 cannot be decoded."""
    read_into = FrameReader.read_into

    def read_what_is_there(self, indices, out):
        if set(LOST) & set(np.asarray(indices).tolist()):
            raise DecodeError("damaged", path=self.info.path, lost=LOST)
        read_into(self, indices, out)

    monkeypatch.setattr(FrameReader, "read_into", read_what_is_there)


def rows_of(path, spotter, cuts):
    """Return the rows and gaps of a video that is cut there."""
    predictor = spotter.predictor()
    scores, gaps = [], ()
    for start, stop in pairwise(cuts):
        chunks = list(GridVideo(path, spotter).rows(predictor, start, stop))
        scores += [chunk.scores for chunk in chunks]
        gaps += sum((chunk.gaps for chunk in chunks), ())
        assert sum(len(chunk.scores) for chunk in chunks) == chunks[-1].num_decoded == stop - start
    return np.concatenate(scores), gaps


CUTS = [
    (0, 300),
    (0, 100, 200, 300),
    (0, 1, 2, 149, 151, 154, 155, 299, 300),
    (*range(0, 289, 18), 300),
]


@pytest.mark.parametrize("stride", [1, 3])
def test_rows_are_those_of_the_whole_video_wherever_it_is_cut(spotter, path, damaged, stride):
    spotter = replace(spotter, stride=stride)
    expected, _ = rows_of(path, spotter, CUTS[0])

    for cuts in CUTS[1:]:
        scores, gaps = rows_of(path, spotter, cuts)
        np.testing.assert_allclose(scores, expected, atol=1e-6, rtol=0)
        (gap,) = gaps_in_time(gaps, np.arange(NUM_FRAMES) / 25)
        assert (gap.start_seconds, gap.end_seconds, gap.num_frames) == (6.0, 6.12, 4)

    # A clip of 6 frames, every 2nd, reaches from -6 to +4 frames.
    nan = np.isnan(expected).any(axis=1)
    assert nan[150:154].all()
    assert not nan[:145].any()
    assert not nan[160:].any()
    assert np.nanstd(expected, axis=0).min() > 0.01


def test_segments_of_one_open_video_may_be_asked_for_in_any_order(spotter, path):
    video, predictor = GridVideo(path, spotter), spotter.predictor()
    expected = np.concatenate([chunk.scores for chunk in video.rows(predictor)])

    for start, stop in ((200, 290), (0, 60)):
        next(video.rows(predictor, 100, 300))  # another one is given up
        scores = np.concatenate([chunk.scores for chunk in video.rows(predictor, start, stop)])
        np.testing.assert_allclose(scores, expected[start:stop], atol=1e-6, rtol=0)


def test_a_segment_reads_what_its_clips_see_beyond_it_and_no_more(spotter, path, monkeypatch):
    read, read_into = [], FrameReader.read_into

    def noted(self, indices, out):
        read.extend(indices.tolist())
        read_into(self, indices, out)

    monkeypatch.setattr(FrameReader, "read_into", noted)
    rows_of(path, spotter, (200, 290))

    # 6 frames before row 200, 4 behind row 289.
    assert read == list(range(194, 294))


def test_rows_of_frames_that_repeat_are_computed_once_and_counted(spotter, tmp_path, caplog):
    path = write_video(tmp_path / "slow.mp4", 40, rate=12.5)
    with caplog.at_level("INFO"):
        some = spot_video(path, spotter).curve.scores
    line = caplog.messages[-1]
    caplog.clear()
    with caplog.at_level("INFO"):
        every = spot_video(path, replace(spotter, share_repeats=False)).curve.scores

    np.testing.assert_allclose(some, every, atol=1e-6, rtol=0)
    # Each frame is shown twice, and a clip sees every 2nd: every second one is that before it.
    indices, clip = GridVideo(path, spotter).grid.indices, spotter.experiment.clip
    seen = [tuple(indices[clip.indices(row, len(indices))]) for row in range(len(indices))]
    num_shared = sum(one == other for one, other in pairwise(seen))
    assert line == (
        f"slow.mp4: {num_shared} of {len(indices)} rows repeat the row before, because their frames are byte-equal"
    )
    assert num_shared == pytest.approx(40, abs=2)
    assert not any("byte-equal" in message for message in caplog.messages)


def test_strict_raises_the_damage_that_else_is_a_gap(spotter, path, damaged):
    with pytest.raises(DecodeError, match="damaged"):
        list(GridVideo(path, spotter).rows(spotter.predictor(), strict=True))


@pytest.mark.parametrize(("start", "stop"), [(-1, 10), (10, 10), (0, 301)])
def test_a_segment_outside_the_video_is_refused(spotter, path, start, stop):
    with pytest.raises(
        ConfigError, match=rf"no grid frames \[{start}, {stop}\); a segment lies in \[0, 300\)"
    ):
        next(GridVideo(path, spotter).rows(spotter.predictor(), start, stop))


def test_gaps_that_touch_are_one_with_the_reason_of_the_first():
    gaps = [FrameGap(1, 3, "a"), FrameGap(3, 4, "b"), FrameGap(6, 7, "c")]

    first, second = gaps_in_time(gaps, np.arange(10) / 2)

    assert (first.start_seconds, first.end_seconds, first.num_frames, first.reason) == (0.5, 1.5, 3, "a")
    assert (second.start_seconds, second.end_seconds, second.num_frames) == (3.0, 3.0, 1)
    assert cut_gaps(gaps, 2, 6) == (FrameGap(2, 3, "a"), FrameGap(3, 4, "b"))
