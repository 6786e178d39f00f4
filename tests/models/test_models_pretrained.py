import logging

import huggingface_hub.constants
import pytest
import timm
import torch
from safetensors.torch import save_file

from bvas.errors import CheckpointError
from bvas.models.config import ModelConfig
from bvas.models.spotting import build_model
from bvas.values.clip_config import ClipConfig

NAME = "mobilenetv3_small_050.lamb_in1k"


@pytest.fixture(scope="module")
def published():
    torch.manual_seed(3)
    return timm.create_model(NAME).state_dict()


def build(weights_file, stack_size=3, encoder=NAME):
    config = ModelConfig(encoder=encoder, weights_file=str(weights_file))
    return build_model(config, ClipConfig(num_frames=stack_size, stack_size=stack_size), 2, pretrained=True)


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_weights_come_from_a_local_file(tmp_path, published, suffix):
    path = tmp_path / f"model.{suffix}"
    save_file(published, path) if suffix == "safetensors" else torch.save(published, path)

    backbone = build(path).encoder.backbone

    state = backbone.state_dict()
    assert len(state) > 200
    assert all(torch.equal(state[key], published[key]) for key in state)


def test_the_color_filters_are_added_up_for_single_gray_frames(tmp_path, published):
    save_file(published, tmp_path / "model.safetensors")

    stem = build(tmp_path / "model.safetensors", stack_size=1).encoder.backbone.conv_stem.weight

    torch.testing.assert_close(stem, published["conv_stem.weight"].sum(dim=1, keepdim=True))


def test_a_wrapped_encoder_takes_a_file_too(tmp_path):
    published = timm.create_model("resnet10t.c3_in1k").state_dict()
    torch.save({"state_dict": published}, tmp_path / "resnet.pth")

    backbone = build(tmp_path / "resnet.pth", encoder="resnet10t.c3_in1k").encoder.backbone

    torch.testing.assert_close(
        backbone.state_dict()["layer1.0.conv1.weight"], published["layer1.0.conv1.weight"]
    )


def test_without_pretrained_the_file_is_not_even_opened():
    config = ModelConfig(encoder=NAME, weights_file="nowhere.pth")

    assert build_model(config, ClipConfig(), 2).num_labels == 2


def test_a_file_of_another_network_is_refused(tmp_path):
    save_file({"conv_stem.weight": torch.zeros(16, 3, 3, 3)}, tmp_path / "other.safetensors")

    with pytest.raises(CheckpointError, match=r"other\.safetensors is not of the encoder"):
        build(tmp_path / "other.safetensors")


@pytest.mark.parametrize("name", ["broken.pth", "broken.safetensors", "absent.pth", "absent.safetensors"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"not weights")

    with pytest.raises(CheckpointError, match=name):
        build(tmp_path / name)


def test_a_file_that_holds_no_names_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / "list.pth")

    with pytest.raises(CheckpointError, match="does not hold a state dict"):
        build(tmp_path / "list.pth")


def test_without_network_the_error_says_what_to_fetch_and_where_to_name_it(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))

    with pytest.raises(CheckpointError, match=f"(?s)huggingface.co/timm/{NAME}.*weights_file.*pretrained"):
        build_model(ModelConfig(encoder=NAME), ClipConfig(), 2, pretrained=True)


def test_an_encoder_that_was_never_published_is_refused():
    with pytest.raises(CheckpointError, match="weights tag"):
        build_model(ModelConfig(encoder="mobilenetv3_large_075"), ClipConfig(), 2, pretrained=True)


def test_timm_says_nothing_meanwhile(tmp_path, published, caplog):
    save_file(published, tmp_path / "model.safetensors")

    with caplog.at_level(logging.DEBUG, logger="timm"):
        build(tmp_path / "model.safetensors")
        assert logging.getLogger("timm").level == logging.DEBUG

    assert caplog.records == []
