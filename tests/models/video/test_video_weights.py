"""Published weights from files and by download: strict, and one clear line where they do not fit."""

import pickle
import random
import warnings
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from torchvision.models import get_model
from video_networks import fill

from bvas.errors import CheckpointError
from bvas.models.video.published import published_model
from bvas.models.video.slow_r50 import SlowR50
from bvas.models.video.video_model import build_video_model
from bvas.models.video.video_weights import load_published


@pytest.fixture(scope="module")
def published():
    """Return weights in the layout of the smallest model."""
    return fill(get_model("s3d"), 3).state_dict()


def layout_file(path, network, **changes):
    """Write a file of the names and shapes of a network's weights; all are 1, so that it is small."""
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} | changes
    torch.save({name: torch.ones(()).expand(shape) for name, shape in shapes.items() if shape != "-"}, path)
    return path


def s3d_layout():
    with torch.device("meta"):
        return get_model("s3d")


def test_a_file_of_published_weights_fills_the_whole_model(tmp_path, published):
    torch.save(published, tmp_path / "s3d.pth")
    state = build_video_model("s3d", weights=tmp_path / "s3d.pth").state_dict()
    assert len(state) == len(published)
    for name, value in published.items():
        own = name.replace("classifier.1.", "classifier.") if "classifier" in name else f"encoder.{name}"
        assert torch.equal(state[own], value)


def test_another_number_of_classes_replaces_the_last_layer_and_nothing_else(tmp_path, published, caplog):
    torch.save(published, tmp_path / "s3d.pth")
    with caplog.at_level("INFO"):
        model = build_video_model("s3d", 10, weights=tmp_path / "s3d.pth")
    assert "s3d: new last layer" in caplog.text
    assert "s3d.pth (400 classes) is not used" in caplog.text
    assert model.num_labels == 10
    state = model.encoder.state_dict()
    assert {*state} == {name for name in published if not name.startswith("classifier.1.")}
    assert all(torch.equal(value, published[name]) for name, value in state.items())


def test_own_classes_are_new_even_if_they_are_as_many(tmp_path, published):
    torch.save(published, tmp_path / "s3d.pth")
    model = build_video_model("s3d", 400, weights=tmp_path / "s3d.pth")
    assert not torch.equal(model.classifier.weight, published["classifier.1.weight"])


def test_slow_r50_takes_the_pickle_of_pytorchvideo(tmp_path):
    with torch.device("meta"):
        network = SlowR50()
    state = {name: torch.ones(()).expand(value.shape) for name, value in network.state_dict().items()}
    torch.save({"epoch": 196, "model_state": state}, tmp_path / "SLOW_8x8_R50.pyth")
    model = build_video_model("slow_r50", 10, weights=tmp_path / "SLOW_8x8_R50.pyth")
    assert all(value.eq(1).all() for value in model.encoder.state_dict().values())
    assert model.classifier.weight.shape == (10, 2048)


def test_counts_that_old_files_lack_are_not_missed(tmp_path):
    network = s3d_layout()
    counts = {name: "-" for name in network.state_dict() if name.endswith("num_batches_tracked")}
    path = layout_file(tmp_path / "old.pth", network, **counts)
    assert len(counts) > 50
    assert build_video_model("s3d", weights=path).classifier.weight.eq(1).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features.0.0.0.weight": "-"}, r"1 missing \(features\.0\.0\.0\.weight\)"),
        ({"extra.weight": (2,)}, r"1 unknown \(extra\.weight\)"),
        (
            {"classifier.1.weight": (10, 1024, 1, 1, 1), "classifier.1.bias": (10,)},
            r"2 of another shape \(classifier\.1\.weight \[10, 1024, 1, 1, 1\] instead of \[400, 1024, 1, 1, 1\]",
        ),
    ],
)
def test_names_and_shapes_that_do_not_fit_are_named(tmp_path, changes, message):
    path = layout_file(tmp_path / "other.pth", s3d_layout(), **changes)
    with pytest.raises(CheckpointError, match=rf"other\.pth does not fit s3d: of its tensors {message}"):
        build_video_model("s3d", weights=path)


def test_weights_of_another_model_are_refused_with_the_first_names(tmp_path):
    with torch.device("meta"):
        path = layout_file(tmp_path / "r3d.pth", get_model("r3d_18"))
    with pytest.raises(
        CheckpointError, match=r"missing \(features\.0\.0\.0\.weight, .*, \.\.\.\); \d+ unknown"
    ):
        build_video_model("s3d", 10, weights=path)


class Code:
    def __reduce__(self):
        return print, ("code of a file was run",)


@pytest.mark.parametrize("content", ["text", "empty", "code", "list", "numbers", "absent"])
def test_a_file_that_holds_no_weights_is_refused_and_none_of_its_code_is_run(tmp_path, content, capsys):
    path = tmp_path / "weights.pth"
    if content == "text":
        path.write_text("no weights\n")
    elif content == "empty":
        path.touch()
    elif content == "code":
        path.write_bytes(pickle.dumps(Code(), protocol=2))
    elif content == "list":
        torch.save([torch.zeros(2)], path)
    elif content == "numbers":
        torch.save({"model_state": {"epoch": 3}}, path)
    with pytest.raises(CheckpointError, match=r"weights\.pth") as caught:
        build_video_model("mc3_18", weights=path)
    assert published_model("mc3_18").url in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "set to `False`" not in str(caught.value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("is_zip", [True, False])
def test_damaged_files_are_refused(tmp_path, is_zip):
    path = tmp_path / "weights.pth"
    state = {f"layer.{number}": torch.full((3, 2), float(number)) for number in range(5)}
    torch.save({"model_state": state}, path, _use_new_zipfile_serialization=is_zip)
    whole = path.read_bytes()
    network, published = torch.nn.Linear(3, 2), published_model("s3d")
    for seed in range(60):
        stream = random.Random(seed)
        damaged = bytearray(whole[: stream.randrange(len(whole))] if seed % 2 else whole)
        for _ in range(seed % 2 * 3, 3):
            damaged[stream.randrange(min(len(damaged), 800))] = stream.randrange(256)
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"weights\.pth"), warnings.catch_warnings(action="ignore"):
            load_published(network, published, path)


def test_without_network_the_message_says_which_file_to_give(monkeypatch, tmp_path):
    def unreachable(*_, **__):
        raise URLError("Network is unreachable")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    for name in ("mc3_18", "slow_r50"):
        with pytest.raises(CheckpointError, match=r"Network is unreachable.* and give its path") as caught:
            build_video_model(name, 10, weights="published")
        assert published_model(name).url in str(caught.value)


def test_a_download_is_kept_where_torchvision_keeps_its_own(monkeypatch, tmp_path):
    asked = []

    def served(url, path, hash_prefix, **_):
        asked.append((url, hash_prefix))
        layout_file(Path(path), s3d_layout())

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", served)
    for _ in range(2):
        assert build_video_model("s3d", weights="published").classifier.weight.eq(1).all()
    assert asked == [("https://download.pytorch.org/models/s3d-d76dad2f.pth", "d76dad2f")]
    assert (tmp_path / "hub" / "checkpoints" / "s3d-d76dad2f.pth").is_file()
