"""Parts of a model on other engines give PyTorch's rows, or are refused; the choice is measured where that pays."""

import json
import logging
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import torch
from usable_models import SHORT, SMALL, stream, textured_frames, torch_predictor, usable_model

from bvas.errors import ConfigError
from bvas.inference import engine_choice, model_parts
from bvas.inference.engine_choice import ExpectedWork, check_engine, least_seconds, on_engine
from bvas.inference.model_parts import ExportablePart
from bvas.inference.prepared_model import PreparedModel
from bvas.system.cache_folder import cache_folder

SIZE = (32, 48)
CPU = torch.device("cpu")
FRAMES = textured_frames(24)
# Batches of 8 stacks and their mirror images, far more than an export takes.
MANY = ExpectedWork(size=SIZE, batch=16, num_batches=1e9)


@cache
def model(seed=0):
    # A graph of few nodes is exported in a second.
    config = replace(SMALL, encoder="test_resnet")
    return usable_model(config, SHORT, textured_frames(40 * SHORT.num_frames, seed=99), seed=seed)


_graphs = {}


@pytest.fixture(autouse=True)
def exports(tmp_path, monkeypatch):
    """Count the exports into an empty cache folder; each graph is made once for all tests, which takes seconds."""
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "cache"))
    export = model_parts.graph_bytes
    exports = []

    def kept(module, examples, *names, **options):
        exports.append(len(examples))
        # The tests export one model: one part has one input, the other two.
        if len(examples) not in _graphs:
            _graphs[len(examples)] = export(module, examples, *names, **options)
        return _graphs[len(examples)]

    monkeypatch.setattr(model_parts, "graph_bytes", kept)
    return exports


def rows_on(engine, work=MANY, **options):
    return stream(
        torch_predictor([model()], SHORT, parts=partial(on_engine, engine=engine, work=work), **options),
        FRAMES,
    )


@cache
def rows_of_torch():
    return stream(torch_predictor([model()], SHORT), FRAMES)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_engine_gives_the_rows_of_pytorch(engine):
    pytest.importorskip(engine)
    found = rows_on(engine)

    np.testing.assert_allclose(found, rows_of_torch(), atol=1e-4, rtol=0)
    assert rows_of_torch().std(axis=0).min() > 0.01


# Rows do not tell who computed them: on some CPUs OpenVINO gives PyTorch's to the bit.
@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_pytorch_computes_the_first_batch_too_and_no_other(engine, monkeypatch):
    pytest.importorskip(engine)
    # An export runs it too.
    rows_on(engine)
    encoded = []
    encode = PreparedModel.encode
    monkeypatch.setattr(
        PreparedModel, "encode", lambda self, stacks: encoded.append(len(stacks)) or encode(self, stacks)
    )

    rows_on(engine)

    # 8 stacks and their mirror images; those that end a video are padded to as many.
    assert encoded == [16]


def test_sessions_have_the_threads_of_pytorch_and_follow_them(monkeypatch):
    opened = []
    open_session = model_parts.graph_session
    monkeypatch.setattr(
        model_parts,
        "graph_session",
        lambda *given, **more: opened.append(more) or open_session(*given, **more),
    )
    part = ExportablePart(PreparedModel(model()), "2D", 16, SIZE).on("onnxruntime")
    (pictures,) = ExportablePart(PreparedModel(model()), "2D", 16, SIZE).examples()
    before = torch.get_num_threads()
    try:
        for num in (before, before + 1, before + 1, before):
            torch.set_num_threads(num)
            part(pictures)
    finally:
        torch.set_num_threads(before)

    assert [one["num_threads"] for one in opened] == [before, before + 1, before]


def test_graphs_are_exported_once_and_damaged_ones_again(exports, caplog):
    rows_on("onnxruntime")
    assert len(exports) == 2

    rows_on("onnxruntime")
    assert len(exports) == 2

    largest = max((cache_folder() / "graphs").iterdir(), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-999])
    np.testing.assert_allclose(rows_on("onnxruntime"), rows_of_torch(), atol=1e-4, rtol=0)
    assert len(exports) == 3
    assert f"{largest} is damaged" in caplog.text


def test_graphs_of_other_weights_parts_batches_and_sizes_have_other_names():
    prepared = [PreparedModel(model(seed)) for seed in (0, 1)]

    def name(number=0, part="2D", batch=16, size=SIZE):
        return ExportablePart(prepared[number], part, batch, size).cache_name

    assert len({name(), name(1), name(part="3D"), name(batch=8), name(size=(64, 96))}) == 5
    assert name() == ExportablePart(PreparedModel(model()), "2D", 16, SIZE).cache_name


def test_a_cache_folder_that_cannot_be_written_costs_an_export_each_time(tmp_path, monkeypatch, exports):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "file"))

    for num_exports in (2, 4):
        np.testing.assert_allclose(rows_on("onnxruntime"), rows_of_torch(), atol=1e-4, rtol=0)
        assert len(exports) == num_exports


class Off:
    """A session whose outputs are too large by a share."""

    def __init__(self, session, share):
        self.session, self.inputs, self.share = session, session.inputs, share

    def run(self, inputs):
        return {name: array * (1 + self.share) for name, array in self.session.run(inputs).items()}


@pytest.mark.parametrize(("share", "num_refused"), [(1e-3, 2), (np.nan, 2), (1e-6, 0)])
def test_an_engine_that_computes_something_else_is_refused_by_its_first_batch(
    monkeypatch, caplog, share, num_refused
):
    opened = model_parts.graph_session
    monkeypatch.setattr(
        model_parts, "graph_session", lambda *given, **more: Off(opened(*given, **more), share)
    )

    found = rows_on("onnxruntime")

    lines = [line.getMessage() for line in caplog.records if line.levelno == logging.WARNING]
    assert sum("more than 0.0001; PyTorch computes it" in line for line in lines) == num_refused
    assert np.array_equal(found, rows_of_torch()) == (num_refused == 2)


def with_times(monkeypatch, **times):
    """Have a measurement find these seconds for both parts, or those of `torch` alone."""
    measured = []

    def found(runs, seconds):
        measured.append(list(runs))
        return {engine: times[engine] for engine in runs}

    monkeypatch.setattr(engine_choice, "find_spec", lambda name: name in times)
    monkeypatch.setattr(engine_choice, "least_seconds", found)
    return measured


def test_the_fastest_engine_is_measured_once_and_named_in_a_line(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    measured = with_times(monkeypatch, torch=1.0, onnxruntime=0.8)

    first = rows_on("auto")

    assert "engine: 2D onnxruntime (0.80 of torch), 3D onnxruntime (0.80 of torch)" in caplog.messages
    # For each part whether it may pay at all, then the engines.
    assert measured == [["torch"], ["torch", "onnxruntime"]] * 2
    entries = list((cache_folder() / "engines").iterdir())
    assert len(entries) == 2
    # Behind the line with its digest.
    assert json.loads(entries[0].read_text().partition("\n")[2]) == {"torch": 1.0, "onnxruntime": 0.8}
    np.testing.assert_allclose(first, rows_of_torch(), atol=1e-4, rtol=0)

    assert np.array_equal(rows_on("auto"), first)
    assert len(measured) == 4

    entries[0].write_text("{")
    rows_on("auto")
    assert len(measured) == 6


@pytest.mark.parametrize("seconds", [0.99, 1.3])
def test_an_engine_that_is_not_clearly_faster_is_not_taken(monkeypatch, caplog, seconds):
    caplog.set_level(logging.INFO)
    with_times(monkeypatch, torch=1.0, onnxruntime=seconds)

    assert np.array_equal(rows_on("auto"), rows_of_torch())
    assert "engine: 2D torch, 3D torch" in caplog.messages


@pytest.mark.parametrize("num_batches", [0, 10, 60])
def test_where_little_is_to_compute_nothing_is_measured_or_exported(monkeypatch, caplog, num_batches):
    caplog.set_level(logging.INFO)
    # A tenth of 60 batches of 1 s may be saved; an export takes 3 s or more, and a measurement 6.
    measured = with_times(monkeypatch, torch=1.0, onnxruntime=0.1)

    found = rows_on("auto", replace(MANY, num_batches=num_batches))

    assert np.array_equal(found, rows_of_torch())
    assert measured == ([["torch"]] * 2 if num_batches == 60 else [])
    assert not cache_folder().exists()
    assert not caplog.messages


def test_graphs_that_are_there_are_used_for_short_videos_too(monkeypatch):
    measured = with_times(monkeypatch, torch=1.0, onnxruntime=0.1)
    rows_on("auto")

    found = rows_on("auto", replace(MANY, num_batches=0))

    assert not np.array_equal(found, rows_of_torch())
    assert len(measured) == 4


def test_a_model_that_cannot_be_exported_stays_on_pytorch(monkeypatch, caplog):
    caplog.set_level(logging.INFO)

    def refuse(*_, **options):
        raise ConfigError("PyTorch cannot export this model")

    with_times(monkeypatch, torch=1.0, onnxruntime=0.1)
    monkeypatch.setattr(model_parts, "graph_bytes", refuse)

    assert np.array_equal(rows_on("auto"), rows_of_torch())
    assert (
        "engine: onnxruntime does not compute the 2D part: PyTorch cannot export this model"
        in caplog.messages
    )
    with pytest.raises(ConfigError, match="cannot export"):
        rows_on("onnxruntime")


def test_times_are_the_least_of_interleaved_rounds():
    now, order = [0.0], []
    took = {"torch": iter([9, 3, 2, 4]), "openvino": iter([1, 5, 6, 7])}

    def run(engine):
        order.append(engine)
        now[0] += next(took[engine])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_choice.time, "perf_counter", lambda: now[0])
        found = least_seconds({engine: partial(run, engine) for engine in took}, 20.0)

    # Two rounds take 18 s, three 26.
    assert found == {"torch": 2, "openvino": 1}
    assert order == ["torch", "openvino"] * 3


def test_engines_that_cannot_compute_here_are_refused(monkeypatch):
    check_engine("auto", torch.device("cuda"), torch.float16)
    check_engine("torch", CPU, torch.bfloat16)
    check_engine("onnxruntime", CPU, torch.float32)
    with pytest.raises(ConfigError, match="onnxruntime computes on the CPU, not on cuda:1"):
        check_engine("onnxruntime", torch.device("cuda:1"), torch.float32)
    with pytest.raises(ConfigError, match="openvino computes in float32, not in bfloat16"):
        check_engine("openvino", CPU, torch.bfloat16)
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(ConfigError, match="pip install openvino"):
        check_engine("openvino", CPU, torch.float32)
