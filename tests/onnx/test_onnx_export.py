"""An exported model gives the scores of its checkpoints, says what it is, and is refused where it is none."""

import errno
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from exported_models import EXPERIMENT, write_video

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.errors import CheckpointError, DecodeError
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.inference.spot_video import spot_video
from bvas.inference.spotter import load_spotter
from bvas.onnx.export import export_onnx
from bvas.onnx.graphs import measure
from bvas.onnx.model_folder import load_exported
from bvas.onnx.spotter import load_onnx_spotter
from bvas.tasks.kind_choice import kind_of
from bvas.values.clip_config import ClipConfig
from bvas.video.decode.video_reader import FrameReader

FILES = ["README.md", "encoder.onnx", "head.onnx"]


def export(runs, *options):
    return main(["weights", "export", "tiny", "--runs", str(runs), "--quiet", *map(str, options)])


def test_two_files_and_a_card_are_written(exported):
    assert sorted(path.name for path in exported.iterdir()) == FILES


def test_the_parts_take_any_batch_and_one_size_of_pictures(exported):
    model = load_exported(exported, "cpu")

    assert model.encoder.input_shape == ("num_stacks", 2, 64, 96)
    # 24 features of each of two folds.
    assert model.encoder.output_shape[1:] == (48, 2, 3)
    assert model.head.input_shape == ("num_windows", 3, 48, 2, 3)
    assert model.head.output_shape[1:] == (2,)
    for num in (1, 5):
        features = model.encoder(np.zeros((num, 2, 64, 96), np.float32))
        assert features.shape == (num, 48, 2, 3)
        assert model.head(np.zeros((num, 3, 48, 2, 3), np.float32)).shape == (num, 2)


def test_the_files_say_what_other_programs_have_to_know(exported):
    for part in ("encoder", "head"):
        graph = onnx.load(exported / f"{part}.onnx")
        onnx.checker.check_model(graph)
        facts = {entry.key: entry.value for entry in graph.metadata_props}
        settings = json.loads(facts["bvas_settings"])

        assert [(one.domain, one.version) for one in graph.opset_import] == [("", 18)]
        assert facts["bvas_part"] == part
        assert settings["labels"] == ["PASS", "DRIVE"]
        assert settings["clip"] == {"num_frames": 6, "frame_step": 2, "stack_size": 2}
        said = {name: settings["input"][name] for name in ("size", "rate", "luma_scaling", "channels")}
        assert said == {"size": [64, 96], "rate": 25.0, "luma_scaling": "range", "channels": "luma"}
        assert settings["flip_tta"] is EXPERIMENT.flip_tta
        assert [len(weights["sha256"]) for weights in settings["weights"]] == [64, 64]


def test_the_files_name_no_folder_of_the_machine_that_wrote_them(exported):
    package = str(Path(__file__).resolve().parents[2])
    for name in FILES:
        content = (exported / name).read_bytes()
        assert package.encode() not in content
        assert b"site-packages" not in content


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["test_vit3", "test_mambaout"])
def test_single_frames_of_other_families_are_exported(tmp_path, encoder):
    experiment = replace(
        EXPERIMENT,
        clip=ClipConfig(num_frames=1, stack_size=1),
        model=replace(EXPERIMENT.model, encoder=encoder, num_blocks_3d=0),
    )
    state = kind_of(experiment).model().state_dict()
    save_checkpoint(fold_folder(tmp_path, "tiny", 0) / FILE_NAME, state, experiment, {})
    export_onnx(experiment, tmp_path, [0], tmp_path / "out")  # which refuses deviations
    assert load_exported(tmp_path / "out", "cpu").encoder.input_shape == ("num_stacks", 1, 64, 96)


@pytest.mark.slow
def test_the_same_weights_give_the_same_files_and_one_fold_others(runs, exported, tmp_path):
    assert export(runs, "--out", tmp_path / "again") == OK
    assert export(runs, "--out", tmp_path / "one", "--folds", "1") == OK

    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (exported / name).read_bytes()
    one = load_exported(tmp_path / "one", "cpu")
    assert [weights.fold for weights in one.settings.weights] == [1]
    assert one.encoder.output_shape[1] == 24


def contents(exported):
    return {part: (exported / f"{part}.onnx").read_bytes() for part in ("encoder", "head")}


def with_another_bias(content, name):
    """Return a graph whose numbers called `name` are all larger by 0.01."""
    graph = onnx.load_from_string(content)
    (tensor,) = (one for one in graph.graph.initializer if one.name == name)
    raised = onnx.numpy_helper.to_array(tensor) + np.float32(0.01)
    tensor.CopyFrom(onnx.numpy_helper.from_array(raised, name))
    return graph.SerializeToString()


def test_a_part_that_differs_from_pytorch_is_noticed(runs, exported):
    models = load_spotter(EXPERIMENT, runs, device="cpu").models
    right = contents(exported)
    assert measure(models, right)[0] < 1e-5

    head = with_another_bias(right["head"], "models.1.classifier.bias")
    with pytest.raises(CheckpointError, match="in scores"):
        measure(models, {**right, "head": head})
    with pytest.raises(CheckpointError, match="of the largest feature"):
        measure(models[::-1], right)


def test_files_that_would_differ_from_pytorch_are_not_written(runs, exported, tmp_path, monkeypatch, capsys):
    wrong = contents(exported)
    wrong["head"] = with_another_bias(wrong["head"], "models.1.classifier.bias")
    monkeypatch.setattr("bvas.onnx.export.make_graphs", lambda *_: wrong)

    assert export(runs, "--out", tmp_path / "out") == WRONG_INPUT
    assert "would differ from PyTorch by" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_export_that_is_there_stays_unless_it_is_to_be_replaced(
    runs, exported, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("bvas.onnx.export.make_graphs", lambda *_: contents(exported))
    (tmp_path / "README.md").write_text("mine")

    assert export(runs, "--out", tmp_path) == WRONG_INPUT
    assert "--overwrite" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]

    assert export(runs, "--out", tmp_path, "--overwrite") == OK
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    assert (tmp_path / "README.md").read_text().startswith("---\nlibrary_name: onnx")


def test_a_full_disk_leaves_the_export_that_was_there(runs, exported, tmp_path, monkeypatch, capsys):
    for name in FILES:
        (tmp_path / name).write_text("old")
    write_bytes = Path.write_bytes

    names = []

    def fills_up(self, content):
        if self.suffix == ".onnx":
            names.append(self.name)
        if len(names) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(self, content)

    made = contents(exported)
    monkeypatch.setattr("bvas.onnx.export.make_graphs", lambda *_: made)
    monkeypatch.setattr(Path, "write_bytes", fills_up)

    assert export(runs, "--out", tmp_path, "--overwrite") == WRONG_INPUT
    message = capsys.readouterr().err
    assert "head.onnx: No space left on device" in message
    assert "free some space" in message
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(FILES, "old")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "FILE/out"], "choose another folder that can be written to"),
        (["--folds", "7"], "no fold 7; existing folds: 0, 1"),
        (["--runs", "FILE/runs"], "no experiment named 'tiny'"),
    ],
)
def test_what_cannot_be_exported_is_said_in_a_line(runs, tmp_path, capsys, options, message):
    (tmp_path / "FILE").write_text("")
    options = [str(tmp_path / option) if "FILE" in option else option for option in options]

    assert export(runs, *options) == WRONG_INPUT
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_without_a_package_the_command_says_how_to_install_it(runs, tmp_path, monkeypatch, capsys, package):
    monkeypatch.setitem(sys.modules, package, None)

    assert export(runs, "--out", tmp_path / "out") == WRONG_INPUT
    assert "pip install" in capsys.readouterr().err


def test_a_damaged_video_has_the_gap_and_the_rows_that_pytorch_gives(runs, exported, tmp_path, monkeypatch):

    path = write_video(tmp_path / "a.mp4", 60)
    read_into = FrameReader.read_into

    def damaged(self, indices, out):
        if set(range(30, 34)) & set(np.asarray(indices).tolist()):
            raise DecodeError("frame 30 is damaged", path=path, lost=range(30, 34))
        read_into(self, indices, out)

    monkeypatch.setattr(FrameReader, "read_into", damaged)
    expected = spot_video(path, load_spotter(EXPERIMENT, runs, device="cpu"))
    found = spot_video(path, load_onnx_spotter(exported, device="cpu"))

    assert expected.curve.scores[~np.isnan(expected.curve.scores)].std() > 0.02
    assert np.isnan(found.curve.scores[30:34]).all()
    np.testing.assert_allclose(found.curve.scores, expected.curve.scores, atol=1e-4, rtol=0, equal_nan=True)
    assert found.gaps == expected.gaps


@pytest.mark.parametrize("num_frames", [1, 5])
def test_short_videos_have_the_rows_that_pytorch_gives(runs, exported, tmp_path, num_frames):

    path = write_video(tmp_path / "a.mp4", num_frames)

    found = spot_video(path, load_onnx_spotter(exported, device="cpu")).curve.scores

    expected = spot_video(path, load_spotter(EXPERIMENT, runs, device="cpu")).curve.scores
    assert len(found) == num_frames
    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=0)


def test_a_stride_computes_every_second_row(exported, tmp_path):
    path = write_video(tmp_path / "a.mp4", 31)
    all_rows = spot_video(path, load_onnx_spotter(exported, device="cpu")).curve.scores

    rows = spot_video(path, load_onnx_spotter(exported, device="cpu", stride=2)).curve.scores

    np.testing.assert_allclose(rows[::2], all_rows[::2], atol=1e-5, rtol=0)
    between = (rows[:-2:2] + rows[2::2]) / 2
    np.testing.assert_allclose(rows[1::2], between, atol=1e-5, rtol=0)
    assert np.abs(all_rows[1::2] - between).max() > 1e-3
