"""Videos whose picture changes its size, or the shape of its samples, in mid-stream."""

import logging
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from loading_videos import labelled
from stream_sources import frames_of, piped
from tiny import tiny_experiment
from video_samples import make_changing_video, number_in, numbers_in, read_luma, stream_past_damage

from bvas import ClipConfig, ClipLoader, DecodeError, open_stream, open_video
from bvas.cli import main
from bvas.commands.console import OK
from bvas.inference.spot_video import spot_video
from bvas.inference.spotter import Spotter
from bvas.loading.clip_requests import FixedClips
from bvas.models.spotting import build_model
from bvas.report.content import video_report
from bvas.report.overlay import OverlayConfig, write_overlay
from bvas.results.video_result import VideoFile, VideoResult
from bvas.values.annotations import LabelSet
from bvas.values.input_format import InputFormat
from bvas.video.decode import pyav_backend as pyav
from bvas.video.decode.backends import BackendOptions
from bvas.video.decode.orientation import UprightFit
from bvas.video.encode.browser_preview import make_preview
from bvas.video.index.video_index import build_index
from bvas.video.live.live_video import LiveVideo

SIZE = (48, 80)
PARTS = [(30, SIZE, 1), (30, (96, 160), 1), (30, SIZE, 1)]
CODINGS = {
    "a.ts": ("libx264", None),
    "a.mkv": ("libx264", None),
    "a.mp4": ("libx264", None),
    "b.webm": ("libvpx-vp9", {"g": "12", "deadline": "realtime"}),
    "c.ts": ("libx265", {"x265-params": "log-level=none:keyint=12"}),
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    return {
        name: make_changing_video(folder / name, PARTS, codec=codec, options=options)
        for name, (codec, options) in CODINGS.items()
    }


@pytest.fixture(scope="module")
def aspects(tmp_path_factory):
    """Samples 4/3 as wide as high, then square for 20 frames, then 4/3 again; the size stays."""
    folder = tmp_path_factory.mktemp("video")
    parts = [(20, SIZE, Fraction(4, 3)), (20, SIZE, 1), (20, SIZE, Fraction(4, 3))]
    return make_changing_video(folder / "a.ts", parts)


@pytest.mark.parametrize("name", CODINGS)
def test_each_picture_is_fitted_into_the_size_asked_for_and_one_line_says_so(videos, name, caplog):
    with open_video(videos[name], "pyav", size=SIZE) as reader:
        assert stream_past_damage(reader) == (list(range(90)), [])
        assert numbers_in(read_luma(reader, [70, 31, 5, 59, 60])) == [70, 31, 5, 59, 60]
        assert reader.info.damaged == ()
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        f"{name} changes its picture: frame 30 (1.200 s) is 160x96, it began with 80x48; all are fitted into 80x48"
    ]


def test_frames_as_they_are_end_where_the_picture_changes(videos):
    with open_video(videos["a.mkv"]) as reader:
        assert numbers_in(read_luma(reader, [0, 29, 60, 89])) == [0, 29, 60, 89]
        with pytest.raises(
            DecodeError, match=r"frame 31 \(1.240 s\) of a.mkv is 160x96, .* with 80x48; give a size"
        ):
            reader.read([31])


@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "b.webm"])
def test_pipes_and_live_sources_give_the_frames_of_the_file(videos, name):
    with open_video(videos[name], size=(40, 64)) as reader:
        whole = read_luma(reader, range(90))
    with piped(videos[name]) as pipe, open_stream(pipe, size=(40, 64)) as reader:
        assert frames_of(reader) == ([(i, i) for i in range(90)], [])
    with piped(videos[name]) as pipe, LiveVideo(pipe, size=(40, 64)) as live:
        arrived = np.concatenate([part.frames for part in live.arrivals()])
    assert np.array_equal(arrived, whole)


def columns_of(frame):
    """First and last column, exclusive, that are not black padding."""
    (columns,) = np.nonzero(frame.max(axis=0))
    return int(columns[0]), int(columns[-1]) + 1


def test_the_shape_of_samples_counts_from_the_frame_where_it_changes(aspects, caplog):
    # 80 samples of 4/3 are 107 wide, 2 and 3 columns of padding beside them; 80 square ones 80, 16 and 16.
    wide, square = (2, 109), (16, 96)
    expected = [wide] * 20 + [square] * 20 + [wide] * 20
    with open_video(aspects, size=(48, 112)) as reader:
        whole = read_luma(reader, range(60))
        assert [columns_of(frame) for frame in whole] == expected
        for index in (45, 25, 3, 39, 40, 19, 20):
            assert np.array_equal(read_luma(reader, [index])[0], whole[index])
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        "a.ts changes its picture: frame 20 (0.800 s) is 80x48 of samples 1, it began with 80x48 of samples 4/3; "
        "all are fitted into 112x48"
    ]
    with piped(aspects) as pipe, open_stream(pipe, size=(48, 112)) as reader:
        assert np.array_equal(np.concatenate([batch for _, batch in reader.stream()]), whole)


def test_a_turned_picture_is_fitted_turned(videos):
    _, info = build_index(videos["a.mkv"])
    fit = UprightFit(_turned(info), InputFormat(size=(80, 48)), lambda index: index / 25)
    stored = np.arange(96 * 160).reshape(96, 160).astype(np.uint8) // 2 + 16
    out = np.zeros((80, 48), np.uint8)
    fit.apply(30, np.repeat(np.repeat(stored, 2, 0), 2, 1), out)
    assert out.min() >= 16
    tensor = fit.apply_tensor(30, torch.from_numpy(np.repeat(np.repeat(stored, 2, 0), 2, 1)))
    assert np.abs(tensor.numpy().astype(int) - out).max() <= 1


def _turned(info):
    return replace(info, height=info.width, width=info.height, rotation=90)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "b.webm"])
def test_opencv_which_scales_to_the_first_size_in_silence_is_refused(tmp_path, name):
    # Frames that it is tried at lie at 0, 104 and 209 of 210: not where the picture is another.
    codec, options = CODINGS[name]
    parts = [(70, SIZE, 1), (10, (96, 160), 1), (130, SIZE, 1)]
    path = make_changing_video(tmp_path / name, parts, codec=codec, options=options)
    with pytest.raises(
        DecodeError, match="changes its picture in mid-stream, which OpenCV scales to the first size"
    ):
        open_video(path, "opencv", size=SIZE)


def test_every_row_of_a_video_is_scored_across_the_change(videos):
    torch.manual_seed(0)
    experiment = tiny_experiment()
    model = build_model(experiment.model, experiment.clip, len(experiment.task.labels)).eval()
    spotter = Spotter(experiment, (model,), torch.device("cpu"))
    found = spot_video(videos["a.mkv"], spotter)
    assert found.gaps == ()
    assert found.curve.scores.shape[0] == 90
    assert np.isfinite(found.curve.scores).all()
    with piped(videos["a.mkv"]) as pipe:
        streamed = spot_video(pipe, spotter)
    assert np.allclose(streamed.curve.scores, found.curve.scores, atol=1e-6)


@pytest.mark.parametrize(("options", "size"), [([], SIZE), (["--size", "96x160"], (96, 160))])
def test_a_copy_holds_all_frames_in_one_size(videos, tmp_path, options, size, caplog):
    assert main(["video", "prepare", str(videos["a.ts"]), "--out", str(tmp_path), "--quiet", *options]) == OK
    with open_video(tmp_path / "a.mp4", cache=False) as reader:
        assert reader.size == size
        assert numbers_in(read_luma(reader, range(90))) == list(range(90))
    assert [record for record in caplog.records if "changes its picture" in record.getMessage()][1:] == []


def test_a_copy_keeps_the_shape_of_its_samples(aspects, tmp_path):
    # The copy's samples are 4/3 as wide as high: 80 square ones take 60 of its columns.
    assert main(["video", "prepare", str(aspects), "--out", str(tmp_path), "--quiet", "--crf", "0"]) == OK
    with open_video(tmp_path / "a.mp4", cache=False) as reader:
        assert reader.info.sample_aspect == Fraction(4, 3)
        frames = read_luma(reader, [10, 30])
    assert columns_of(frames[0]) == (0, 80)
    assert columns_of(np.where(frames[1] > 24, frames[1], 0)) == (10, 70)


def test_previews_and_overlays_go_on_behind_the_change(videos, tmp_path):
    make_preview(videos["a.mkv"], tmp_path / "preview.mp4")
    with open_video(tmp_path / "preview.mp4", cache=False) as reader:
        assert (reader.size, numbers_in(read_luma(reader, range(90)))) == (SIZE, list(range(90)))
    labels = LabelSet(("PASS", "DRIVE"))
    video = VideoFile(name="a", path=videos["a.mkv"])
    report = video_report(VideoResult(video=video), labels, duration_seconds=3.6)
    made = write_overlay(tmp_path / "overlay.mp4", report, labels, config=OverlayConfig(min_height=96))
    assert (made.num_frames, made.lost) == (90, ())
    with open_video(tmp_path / "overlay.mp4", cache=False) as reader:
        frames = read_luma(reader, [10, 40, 70])
    # The clock is drawn over the left of the bars; the lower bits are read from the last rows of them.
    assert [number_in(frame[:96]) & 1 for frame in frames] == [0, 0, 0]


def test_nothing_is_logged_of_a_video_that_stays_as_it_is(tmp_path, caplog):
    path = make_changing_video(tmp_path / "a.mkv", [(20, SIZE, 1), (20, SIZE, 1)])
    with caplog.at_level(logging.INFO), open_video(path, "opencv", size=(24, 40)) as reader:
        assert numbers_in(read_luma(reader, range(40))) == list(range(40))
    assert not caplog.records
    index, info = build_index(path)
    pyav.check(index, info, BackendOptions())


def test_clips_of_the_loader_cross_the_change(videos):
    clip = ClipConfig(num_frames=3, frame_step=2, stack_size=3)
    fixed = FixedClips([labelled(90, path=videos["a.mkv"])], clip, [[30, 59]])
    with ClipLoader(fixed, 2, size=SIZE, workers={}, seed=0) as loader:
        (batch,) = loader.epoch(0)
    assert [numbers_in(clip) for clip in batch.frames.numpy()] == [[28, 30, 32], [57, 59, 61]]
