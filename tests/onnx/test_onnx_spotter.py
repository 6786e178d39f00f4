"""bvas spot --model: without PyTorch, from a folder that is an export, and one clear line where it is none."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from exported_models import EXPERIMENT, write_video

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.inference.spot_video import spot_video
from bvas.inference.spotter import load_spotter
from bvas.onnx.spotter import load_onnx_spotter
from bvas.results.store import load_curve

# As on a machine without the extra `train`.
WITHOUT_TORCH = Path(__file__).with_name("without_torch.py")


@pytest.fixture
def copied(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "model")


def spot(*arguments):
    return main(["spot", *map(str, arguments), "--quiet"])


def test_where_there_is_no_pytorch_the_results_are_those_of_the_checkpoints(runs, exported, tmp_path):
    video = write_video(tmp_path / "a.mp4", 60)
    command = ["spot", str(video), "--model", str(exported), "--out", str(tmp_path / "out"), "--quiet"]

    done = subprocess.run([sys.executable, str(WITHOUT_TORCH), *command], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (OK, "")
    names = [
        ".lock",
        "a_scores.npz",
        "a_timeline.png",
        "recording.json",
        "results_spotting.json",
        "spots.csv",
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    expected = spot_video(video, load_spotter(EXPERIMENT, runs, device="cpu"))
    curve = load_curve(tmp_path / "out" / "a_scores.npz")
    np.testing.assert_allclose(curve.scores, expected.curve.scores, atol=1e-4, rtol=0)
    assert expected.curve.scores.std() > 0.02
    stored = json.loads((tmp_path / "out" / "results_spotting.json").read_text())["predictions"]
    assert len(stored) == len(expected.spots) > 0


def test_a_running_source_gives_the_spots_of_the_file(exported, tmp_path, capsys):
    video = write_video(tmp_path / "a.mp4", 60)
    lines = tmp_path / "spots.jsonl"

    assert spot(video, "--model", exported, "--live", "--candidates", "--jsonl", lines) == OK
    assert spot(video, "--model", exported, "--out", tmp_path / "out") == OK

    live = [json.loads(line) for line in lines.read_text().splitlines()]
    stored = json.loads((tmp_path / "out" / "results_spotting.json").read_text())["predictions"]
    expected = sorted((int(one["position"]), one["label"]) for one in stored)
    assert sorted((round(one["seconds"] * 1000), one["label"]) for one in live) == expected


def refused(capsys, *arguments):
    assert spot(*arguments) == WRONG_INPUT
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--folds", "0"], "--folds does not go with --model"),
        (["--device", "cuda:1"], "install the package onnxruntime-gpu"),
        (["--engine", "torch"], "take --engine onnxruntime or openvino"),
        (["--engine", "openvino", "--device", "cuda"], "openvino computes on the CPU, not on cuda"),
        (["--device", "tpu"], "use auto, cpu, cuda or cuda:N"),
        (["--device", "cuda:x"], "use auto, cpu, cuda or cuda:N"),
    ],
)
def test_options_that_do_not_fit_are_refused(exported, tmp_path, capsys, options, message):
    video = write_video(tmp_path / "a.mp4", 1)

    assert message in refused(capsys, video, "--model", exported, *options)


def test_openvino_gives_the_rows_of_onnx_runtime(exported, tmp_path):
    pytest.importorskip("openvino")
    video = write_video(tmp_path / "a.mp4", 30)
    found, expected = (
        spot_video(video, load_onnx_spotter(exported, device="cpu", engine=engine)).curve.scores
        for engine in ("openvino", "auto")
    )

    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=0)
    assert not np.array_equal(found, expected)


def test_ctrl_c_is_an_interrupt_also_after_openvino_sessions_ended_in_any_order(tmp_path):
    pytest.importorskip("openvino")
    shape = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    graph = onnx.helper.make_graph(
        [node], "relu", [shape("x", onnx.TensorProto.FLOAT, [2])], [shape("y", onnx.TensorProto.FLOAT, [2])]
    )
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8),
        tmp_path / "relu.onnx",
    )
    # A segmentation fault ends a child only.
    script = """
import signal, sys
from pathlib import Path
from bvas.system.openvino_session import OpenVinoSession
first, second = (OpenVinoSession(Path(sys.argv[1]), num_threads=1) for _ in range(2))
del first
del second
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "relu.onnx")], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\n")


def test_checkpoints_on_onnx_runtime_give_the_scores_of_pytorch(runs, tmp_path):
    video = write_video(tmp_path / "a.mp4", 60)
    for engine in ("torch", "onnxruntime"):
        command = ["--experiment", "tiny", "--runs", runs, "--engine", engine, "--device", "cpu"]
        assert spot(video, *command, "--out", tmp_path / engine) == OK

    found, expected = (
        load_curve(tmp_path / name / "a_scores.npz").scores for name in ("onnxruntime", "torch")
    )
    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=0)
    assert not np.array_equal(found, expected)


def test_an_engine_that_is_not_installed_is_named_with_the_way_to_install_it(
    runs, exported, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "openvino", None)
    video = write_video(tmp_path / "a.mp4", 1)

    for which in (["--model", exported], ["--experiment", "tiny", "--runs", runs, "--device", "cpu"]):
        assert "pip install openvino" in refused(capsys, video, *which, "--engine", "openvino")


def test_experiment_and_model_exclude_each_other(exported, capsys):
    with pytest.raises(SystemExit, match="2"):
        spot("a.mp4", "--model", exported, "--experiment", "demo")
    assert "not allowed with" in capsys.readouterr().err


def test_without_onnx_runtime_the_command_says_how_to_install_it(exported, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    video = write_video(tmp_path / "a.mp4", 1)

    assert "pip install onnxruntime" in refused(capsys, video, "--model", exported)


def change(path, edit):
    graph = onnx.load(path)
    edit(graph)
    path.write_bytes(graph.SerializeToString())


def test_a_folder_that_is_no_export_is_refused(copied, tmp_path, capsys):
    video = write_video(tmp_path / "a.mp4", 1)

    assert "no folder" in refused(capsys, video, "--model", tmp_path / "nowhere")
    assert "no folder" in refused(capsys, video, "--model", copied / "head.onnx")
    (copied / "head.onnx").unlink()
    assert f"no head.onnx in {copied}" in refused(capsys, video, "--model", copied)
    (copied / "head.onnx").write_bytes(b"")
    assert "cannot load" in refused(capsys, video, "--model", copied)
    (copied / "head.onnx").write_bytes((copied / "encoder.onnx").read_bytes()[:-999])
    assert "cannot load" in refused(capsys, video, "--model", copied)
    (copied / "head.onnx").write_bytes((copied / "encoder.onnx").read_bytes())
    assert "is the encoder of a model, not its head" in refused(capsys, video, "--model", copied)


def test_files_of_other_programs_versions_and_exports_are_refused(copied, tmp_path, capsys):
    video = write_video(tmp_path / "a.mp4", 1)
    ours = (copied / "head.onnx").read_bytes()

    def after(edit):
        (copied / "head.onnx").write_bytes(ours)
        change(copied / "head.onnx", edit)
        return refused(capsys, video, "--model", copied)

    def set_entry(key, value):
        def edit(graph):
            next(entry for entry in graph.metadata_props if entry.key == key).value = value

        return edit

    def no_metadata(graph):
        del graph.metadata_props[:]

    def unheard_of_opset(graph):
        graph.opset_import[0].version = 99

    def of_two_inputs(graph):
        graph.graph.input.append(onnx.helper.make_tensor_value_info("more", 1, [1]))

    settings = json.loads(
        next(one.value for one in onnx.load_from_string(ours).metadata_props if one.key == "bvas_settings")
    )
    assert "was not written by 'bvas weights export'" in after(no_metadata)
    assert "ONNX Runtime" in after(unheard_of_opset)
    assert "has 2 inputs" in after(of_two_inputs)
    assert "has format 'bvas-onnx-9'" in after(set_entry("bvas_format", "bvas-onnx-9"))
    assert "not a valid set of export settings of this version" in after(set_entry("bvas_settings", "{"))
    assert "not a valid set of export settings of this version" in after(
        set_entry("bvas_settings", '{"name": "x"}')
    )
    other = {**settings, "name": "another"}
    assert "different exports" in after(set_entry("bvas_settings", json.dumps(other)))
    other = {**settings, "labels": ["PASS"]}
    assert "has the shape (3, 2), its settings say (3, 1)" in after(
        set_entry("bvas_settings", json.dumps(other))
    )
