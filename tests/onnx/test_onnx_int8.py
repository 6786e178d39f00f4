"""An encoder in int8: its loss is measured, written down and said; the rest of the export stays float32."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from exported_models import write_video

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.inference.spot_video import spot_video
from bvas.onnx.int8 import calibration_stacks
from bvas.onnx.model_folder import load_exported
from bvas.onnx.spotter import load_onnx_spotter


def export(runs, *options):
    return main(["weights", "export", "tiny", "--runs", str(runs), "--quiet", *map(str, options)])


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "a.mp4", 200)


@pytest.fixture(scope="module")
def in_int8(runs, video, tmp_path_factory):
    out = tmp_path_factory.mktemp("int8")
    assert export(runs, "--out", out, "--int8", "--calibrate", video) == OK
    return out


def test_the_loss_is_in_the_files_the_card_and_a_line_when_it_is_loaded(in_int8, video, caplog):
    spotter = load_onnx_spotter(in_int8, device="cpu")

    loss = spotter.model.settings.int8
    # Four stretches: 25 frames a block, clips reach 5 frames before and 5 after.
    assert (loss.videos, loss.num_rows) == (("a.mp4",), 4 * 15)
    assert 1e-5 < loss.mean_difference < loss.largest_difference < 0.1
    assert caplog.messages == [str(loss)]
    assert str(loss) in (in_int8 / "README.md").read_text()
    assert load_exported(in_int8, "cpu").settings == spotter.model.settings


def test_scores_differ_by_as_much_as_it_says(in_int8, exported, video):
    found, expected = (
        spot_video(video, load_onnx_spotter(folder, device="cpu")).curve.scores
        for folder in (in_int8, exported)
    )

    loss = load_exported(in_int8, "cpu").settings.int8
    # Rows 30 to 44 are those of the first stretch.
    differences = np.abs(found - expected)
    assert 0 < differences[30:45].max() <= loss.largest_difference + 1e-6
    assert differences.mean() < 3 * loss.mean_difference


def test_weights_of_all_convolutions_but_the_first_and_the_last_are_bytes(in_int8, exported):
    graph = onnx.load(in_int8 / "encoder.onnx").graph
    onnx.checker.check_model(onnx.load(in_int8 / "encoder.onnx"))
    made_by = {output: node.op_type for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]

    are_bytes = [made_by.get(node.input[1]) == "DequantizeLinear" for node in convolutions]
    # Two folds lie in one graph.
    assert are_bytes.count(False) == 4
    assert not are_bytes[0]
    assert not are_bytes[-1]
    head = (in_int8 / "head.onnx").read_bytes()
    assert b"DequantizeLinear" not in head
    assert (in_int8 / "encoder.onnx").stat().st_size < (exported / "encoder.onnx").stat().st_size


def test_stacks_of_even_blocks_calibrate_and_every_other_one_is_mirrored(exported, video):
    settings = replace(load_exported(exported, "cpu").settings, flip_tta=True)
    stacks = list(calibration_stacks([video], settings))

    # Blocks of 25 frames; a stack is 2 frames, 2 apart, so 23 begin in a block.
    assert len(stacks) == 4 * 23
    assert {stack.shape for stack in stacks} == {(1, 2, 64, 96)}
    plain = list(calibration_stacks([video], replace(settings, flip_tta=False)))
    assert np.array_equal(stacks[0], plain[0])
    assert np.array_equal(stacks[1], plain[1][..., ::-1])


def refused(capsys, runs, *options):
    assert export(runs, *options) == WRONG_INPUT
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_int8_needs_videos_that_are_long_enough(runs, tmp_path, capsys):
    out = ["--out", tmp_path / "out"]
    assert "--int8 and --calibrate VIDEO go together" in refused(capsys, runs, "--int8", *out)
    assert "--int8 and --calibrate VIDEO go together" in refused(capsys, runs, "--calibrate", "a.mp4", *out)
    assert "no file" in refused(capsys, runs, "--int8", *out, "--calibrate", tmp_path / "a.mp4")
    short = write_video(tmp_path / "short.mp4", 95)
    # Eight blocks of a clip's 11 frames and one more.
    assert "has 95 frames at 25 per second, and a calibration needs 96" in refused(
        capsys, runs, "--int8", *out, "--calibrate", short
    )
    assert not (tmp_path / "out").exists()
