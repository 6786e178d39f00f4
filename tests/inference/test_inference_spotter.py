"""Spots from real and damaged files, with a model that was never trained: what comes out, not how good it is."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hdr_samples import write_hdr
from stream_sources import piped
from tiny import tiny_experiment
from video_samples import remux
from whole_clip import predict_clip_scores

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.commands.recording_run import with_estimate
from bvas.errors import CheckpointError, ConfigError, DecodeError
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.experiment.experiment import load_experiment
from bvas.inference.spot_video import spot_video
from bvas.inference.spotter import load_spotter
from bvas.models.spotting import build_model
from bvas.video.decode.open_video import open_video
from bvas.video.decode.video_reader import FrameReader
from bvas.video.encode.video_writer import VideoWriter

VIDEOS = [
    "av1_video.mkv",
    "bt709_full_range.mp4",
    "corrupted.mp4",
    "demo.mp4",
    "flipping_a_pancake.mkv",
    "h264_10bits.mp4",
    "h265_10bits.mp4",
    "h265_video.mp4",
    "nasa_13013.mp4",
    "test.avi",
    "test_video_structuralize.mp4",
    "unordered.mov",
    "video_0.mov",
    "video_90.mov",
]


def _save_untrained(experiment, runs: Path) -> None:
    torch.manual_seed(1)
    model = build_model(experiment.model, experiment.clip, len(experiment.task.labels))
    save_checkpoint(fold_folder(runs, experiment.name, 0) / FILE_NAME, model.state_dict(), experiment, {})


@pytest.fixture(scope="module")
def demo_runs(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    _save_untrained(load_experiment("demo"), runs)
    return runs


@pytest.fixture(scope="module")
def tiny_spotter(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    _save_untrained(tiny_experiment(), runs)
    return load_spotter(tiny_experiment(), runs, device="cpu")


def _video(path, num_frames, rate=25, size=(64, 96), keyframe_interval=10):
    rng = np.random.default_rng(0)
    frames = rng.integers(16, 236, (num_frames, *size), dtype=np.uint8)
    with VideoWriter(path, size=size, rate=rate, keyframe_interval=keyframe_interval) as writer:
        for frame in frames:
            writer.write(frame)
    return path


@pytest.mark.parametrize("name", VIDEOS)
def test_every_real_file_gives_results_or_one_clear_line(name, shared_data, demo_runs, tmp_path, capsys):
    video = shared_data / "videos" / name
    out = tmp_path / "out"
    code = main(
        ["spot", str(video), "--experiment", "demo", "--runs", str(demo_runs), "--out", str(out), "--quiet"]
    )

    printed = capsys.readouterr()
    if code == WRONG_INPUT:
        assert len([line for line in printed.err.splitlines() if line.startswith("bvas spot:")]) == 1
        assert not out.exists()
        return
    assert code == OK
    with open_video(video) as reader:
        seconds = reader.info.duration_seconds
    with np.load(out / f"{video.stem}_scores.npz") as curve:
        assert len(curve["scores"]) == pytest.approx(seconds * 25, abs=1.5)  # on the grid of 25 per second
    results = json.loads((out / "results_spotting.json").read_text())
    for entry in results["predictions"]:
        assert 0 <= int(entry["position"]) <= seconds * 1000 + 40
    with (out / "spots.csv").open() as table:
        for row in csv.DictReader(table):
            assert float(row["confidence"]) >= 0.2
    picture = (out / f"{video.stem}_timeline.png").read_bytes()
    assert picture.startswith(b"\x89PNG")


def test_a_damaged_file_leaves_gaps_or_fails_where_told_to(shared_data, demo_runs, tmp_path, capsys):
    command = [
        "spot",
        str(shared_data / "videos/corrupted.mp4"),
        "--experiment",
        "demo",
        "--runs",
        str(demo_runs),
    ]
    assert main([*command, "--out", str(tmp_path / "a"), "--quiet"]) == OK
    (gap,) = json.loads((tmp_path / "a/results_spotting.json").read_text())["gaps"]
    # Frame 30 of 50 at 10 frames per second is not to be had.
    assert gap["start_seconds"] == pytest.approx(3.0, abs=0.1)
    with np.load(tmp_path / "a/corrupted_scores.npz") as curve:
        assert np.isnan(curve["scores"][75]).all()
        assert not np.isnan(curve["scores"][:55]).any()

    assert main([*command, "--out", str(tmp_path / "b"), "--strict", "--quiet"]) == WRONG_INPUT
    assert "corrupted.mp4" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "b").iterdir()] == [".lock"]


def test_the_curve_is_that_of_whole_clips_edges_included(tiny_spotter, tmp_path):
    path = _video(tmp_path / "a.mp4", 40)

    found = spot_video(path, tiny_spotter)

    with open_video(path) as reader:
        frames = reader.read(range(40)).numpy()
        whole = predict_clip_scores(
            tiny_spotter.models,
            tiny_spotter.experiment.clip,
            frames,
            color_range=reader.info.color_range,
            flip=tiny_spotter.experiment.flip_tta,
        )
    assert np.abs(found.curve.scores - whole).max() < 1e-5


@pytest.mark.parametrize("num_frames", [1, 2, 5])
def test_a_video_shorter_than_a_clip_has_a_row_for_every_frame(tiny_spotter, tmp_path, num_frames):
    found = spot_video(_video(tmp_path / "a.mp4", num_frames), tiny_spotter)
    assert found.curve.scores.shape == (num_frames, 2)
    assert not np.isnan(found.curve.scores).any()


def test_another_rate_is_put_on_the_grid_and_spots_name_the_files_own_frames(tiny_spotter, tmp_path):
    found = spot_video(_video(tmp_path / "a.mp4", 100, rate=50), tiny_spotter)

    assert len(found.curve.seconds) == 50
    assert found.curve.seconds[:3].tolist() == pytest.approx([0.0, 0.04, 0.08])
    assert found.spots
    for spot, frame in zip(found.spots, found.source_frames, strict=True):
        assert frame == pytest.approx(spot.seconds * 50, abs=0.01)


@pytest.mark.parametrize(("lost", "is_error"), [(range(10, 22), False), (range(10, 23), True)])
def test_up_to_a_fifth_lost_is_a_gap_and_more_an_error(tiny_spotter, tmp_path, monkeypatch, lost, is_error):
    path = _video(tmp_path / "a.mp4", 60)
    read_into = FrameReader.read_into

    def damaged(self, indices, out):
        if set(lost) & set(np.asarray(indices).tolist()):
            raise DecodeError("frame 10 is damaged", path=path, lost=lost)
        read_into(self, indices, out)

    monkeypatch.setattr(FrameReader, "read_into", damaged)
    if is_error:
        with pytest.raises(DecodeError, match="13 of 60 frames cannot be decoded, more than 20%"):
            spot_video(path, tiny_spotter)
        return
    found = spot_video(path, tiny_spotter)
    (gap,) = found.gaps
    assert (gap.start_seconds, gap.end_seconds, gap.num_frames) == (
        pytest.approx(0.4),
        pytest.approx(0.84),
        12,
    )
    # A clip of 6 frames, every 2nd, reaches from -6 to +4 frames: frame 5 still ends before the gap.
    nan = np.isnan(found.curve.scores).any(axis=1)
    assert not nan[:6].any()
    assert nan[10:22].all()
    assert not nan[28:].any()


@pytest.mark.parametrize("start", range(30, 33))
def test_rows_at_the_ends_of_a_range_are_filled_in_from_clips_that_see_beyond_it(
    tiny_spotter, tmp_path, start
):
    path = _video(tmp_path / "a.mp4", 60)
    every = spot_video(path, tiny_spotter).curve.scores
    third = replace(tiny_spotter, stride=3)

    part = spot_video(path, third, from_seconds=start / 25, to_seconds=(start + 7) / 25).curve.scores

    def rows(phase):
        """Return the rows of the range where every third frame from `phase` on is scored."""
        known = range(phase, 60, 3)
        return np.stack(
            [np.interp(range(start, start + 7), known, every[known, k]) for k in range(2)], axis=1
        )

    assert min(np.abs(part - rows(phase)).max() for phase in range(3)) < 1e-6


def test_a_range_outside_the_video_is_refused_before_anything_is_decoded(tiny_spotter, tmp_path):
    path = _video(tmp_path / "a.mp4", 10)
    with pytest.raises(ConfigError, match=r"holds no frame of .*a\.mp4 \(0 to 0\.36 s\)"):
        spot_video(path, tiny_spotter, from_seconds=5.0)
    with pytest.raises(ConfigError, match="holds no frame"):
        spot_video(path, tiny_spotter, from_seconds=0.3, to_seconds=0.2)


def test_models_load_by_the_name_of_their_experiment(tmp_path):
    experiment = tiny_experiment()
    _save_untrained(experiment, tmp_path)
    (tmp_path / "tiny" / "experiment.json").write_text(experiment.to_json())

    spotter = load_spotter("tiny", str(tmp_path), device="cpu", stride=2)

    assert (spotter.experiment, spotter.stride, len(spotter.models)) == (experiment, 2, 1)
    with pytest.raises(ConfigError, match="no experiment named 'other'"):
        load_spotter("other", tmp_path)


def test_weights_answer_to_their_own_input_and_labels_only(tmp_path):
    experiment = tiny_experiment()
    _save_untrained(experiment, tmp_path)
    with pytest.raises(CheckpointError, match="trained with another input"):
        load_spotter(replace(experiment, input=replace(experiment.input, rate=50.0)), tmp_path)
    with pytest.raises(CheckpointError, match=r"no weights at .*fold_3"):
        load_spotter(experiment, tmp_path, folds=[3])


def test_after_200_frames_the_time_left_is_said_and_above_an_hour_what_shortens_it(monkeypatch, caplog):
    now = iter([5.0, 15.0])
    monkeypatch.setattr("bvas.commands.recording_run.time.monotonic", lambda: next(now))
    report = with_estimate(lambda done, total: None, num_videos=1, num_models=7, device="cpu")

    with caplog.at_level("INFO"):
        report(64, 135_000)
        assert caplog.text == ""
        report(264, 135_000)  # 10 s for 200 frames: 6737 s for the rest
        report(464, 135_000)

    assert caplog.text.count("of 135000 frames done; about 1 h 52 min left") == 1
    assert "a CUDA device" in caplog.text
    assert "--folds 0" in caplog.text
    assert "--from, --to" in caplog.text


@pytest.mark.parametrize("num_readers", [2, 5])
def test_several_readers_of_one_file_change_nothing(tiny_spotter, tmp_path, num_readers):
    path = _video(tmp_path / "a.mp4", 400, keyframe_interval=20)
    usual = spot_video(path, tiny_spotter)

    found = spot_video(path, tiny_spotter, num_readers=num_readers)

    # The readers' chunks end elsewhere, so that rows are computed in other batches.
    assert np.abs(found.curve.scores - usual.curve.scores).max() < 1e-5


def test_that_a_video_is_hdr_and_what_is_done_is_said_once_and_changes_the_curve(
    tiny_spotter, tmp_path, caplog
):
    rng = np.random.default_rng(0)
    luma = np.kron(rng.integers(64, 940, (16, 24)), np.ones((4, 4))).astype(np.uint16)
    path = write_hdr(tmp_path / "hdr.mp4", luma, num_frames=20)
    curves = {}
    for tone, words in (("sdr", "HDR (PQ); mapped to SDR"), ("none", "HDR (PQ); the stored bits are taken")):
        caplog.clear()
        with caplog.at_level("INFO"):
            curves[tone] = spot_video(path, tiny_spotter, tone=tone).curve.scores
        assert caplog.text.count(f"hdr.mp4: {words}") == 1
        assert f"--tone {'none' if tone == 'sdr' else 'sdr'}" in caplog.text
    assert not np.array_equal(curves["sdr"], curves["none"])
    with piped(remux(path, tmp_path / "hdr.mkv", lambda number, packet: None)) as pipe:
        caplog.clear()
        with caplog.at_level("INFO"):
            streamed = spot_video(pipe, tiny_spotter).curve.scores
    assert caplog.text.count("HDR (PQ); mapped to SDR") == 1
    assert np.abs(streamed - curves["sdr"]).max() < 1e-5


def test_how_a_video_unlike_those_in_training_is_brought_to_them_is_said_once(tiny_spotter, tmp_path, caplog):
    path = _video(tmp_path / "a.mp4", 60, rate=50, size=(128, 192))

    with caplog.at_level("INFO"):
        spot_video(_video(tmp_path / "same.mp4", 10), tiny_spotter)
        assert "same.mp4" not in caplog.text
        found = spot_video(path, tiny_spotter)

    assert len(found.curve.seconds) == 30
    said = "50 frames per second are put on a grid of 25 per second; 192x128 is scaled to 96x64 within 96x64"
    assert caplog.text.count(f"a.mp4: {said}") == caplog.text.count("a.mp4:") == 1
