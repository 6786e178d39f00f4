"""Encoders of many families on single frames: their stages, sizes and scores."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from usable_models import stream, textured_frames, torch_predictor, usable_model
from whole_clip import predict_clip_scores

from bvas.errors import ConfigError
from bvas.models.config import ModelConfig
from bvas.models.spotting import build_model
from bvas.values.clip_config import ClipConfig

FRAME = ClipConfig(num_frames=1, stack_size=1)
SIZE = (64, 96)
# NHWC maps, windows, and position embeddings for one size are among them.
ENCODERS = [
    "mobilenetv3_small_050",
    "test_convnext",
    "test_mambaout",
    "test_maxvit",
    "test_nfnet",
    "test_resnet",
    "test_vit",
    "test_vit3",
    "swin_tiny_patch4_window7_224",
    "resnet50",
]


def config(encoder):
    return ModelConfig(
        encoder=encoder,
        pretrained=False,
        num_blocks_3d=0,
        num_features_3d=24,
        num_features_stack=8,
        drop_rate=0.0,
        encoder_drop_path_rate=0.0,
    )


@pytest.mark.parametrize("encoder", ENCODERS)
def test_stages_hold_each_weight_and_statistic_once_and_each_weight_learns(encoder):
    model = build_model(config(encoder), FRAME, 2, size=SIZE)

    held = Counter(
        id(tensor) for stage in model.stages().values() for tensor in [*stage.parameters(), *stage.buffers()]
    )

    assert held == Counter(id(tensor) for tensor in [*model.parameters(), *model.buffers()])
    model(torch.rand(2, 1, *SIZE)).square().sum().backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("encoder", ENCODERS)
def test_single_frames_stream_as_the_network_computes_them(encoder):
    frames = textured_frames(12, cell=16)
    model = usable_model(config(encoder), FRAME, textured_frames(20, seed=9, cell=16), weight=1.0)

    whole = predict_clip_scores([model], FRAME, frames, flip=False)

    predictor = torch_predictor([model], FRAME, flip_tta=False, batch=5)
    np.testing.assert_allclose(stream(predictor, frames), whole, atol=1e-5, rtol=0)
    assert whole.std(axis=0).min() > 1e-3


@pytest.mark.parametrize(
    ("encoder", "names"),
    [
        ("test_resnet", "stem layer1 layer2 layer3 layer4"),
        ("test_convnext", "stem stages.0 stages.1 stages.2 stages.3"),
        ("test_nfnet", "stem stages.0 stages.1 stages.2 stages.3 final_conv"),
        ("test_efficientnet", "stem blocks.0 blocks.1 blocks.2 blocks.3 blocks.4"),
        ("test_vit", "stem blocks.0 blocks.1 blocks.2 blocks.3 blocks.4 blocks.5"),
        (
            "vgg11",
            "features.0 features.3 features.6 features.8 features.11 features.13 features.16 features.18",
        ),
    ],
)
def test_stages_have_the_names_of_timm(encoder, names):
    with torch.device("meta"):
        stages = [*build_model(config(encoder), FRAME, 2).stages()]
    assert stages == [*(f"encoder.{name}" for name in names.split()), "encoder.projection", "head"]


def test_the_tokens_and_positions_of_a_transformer_belong_to_its_stem():
    model = build_model(config("test_vit"), FRAME, 2)
    network = model.encoder.backbone.model
    stem = {id(parameter) for parameter in model.stages()["encoder.stem"].parameters()}
    assert {id(network.pos_embed), id(network.cls_token), id(network.patch_embed.proj.weight)} <= stem


@pytest.mark.parametrize(
    ("encoder", "reason"),
    [("test_vit", "divisible by patch size"), ("nest_tiny", "only handles square inputs")],
)
def test_a_size_that_an_encoder_does_not_take_is_refused_before_training(encoder, reason):
    with pytest.raises(
        ConfigError, match=rf"{encoder} does not take frames of 64x90 \(.*{reason}.*change the"
    ):
        build_model(config(encoder), FRAME, 2, size=(64, 90))


def test_published_weights_of_a_transformer_are_fitted_to_the_size(tmp_path):
    path = tmp_path / "vit.safetensors"
    published = timm.create_model("test_vit3")
    save_file(published.state_dict(), path)
    other = build_model(
        ModelConfig(encoder="test_vit3", weights_file=str(path), num_blocks_3d=0),
        FRAME,
        2,
        size=SIZE,
        pretrained=True,
    )
    # A token and 4 x 6 patches of 16, in place of 10 x 10.
    assert other.encoder.backbone.model.pos_embed.shape == (1, 25, 96)
    assert torch.equal(
        other.encoder.backbone.model.blocks[0].mlp.fc1.weight, published.blocks[0].mlp.fc1.weight
    )


@pytest.mark.parametrize("encoder", ["mobilenetv3_small_050", "tf_efficientnetv2_b0"])
def test_stages_behind_the_map_that_is_taken_are_not_computed_but_stay_among_the_weights(encoder):
    model = build_model(replace(config(encoder), feature_level=2), FRAME, 2).eval()
    whole = timm.create_model(encoder, features_only=True, in_chans=1, out_indices=(2,)).eval()
    whole.load_state_dict(model.encoder.backbone.state_dict())
    ran = []
    for place, stage in enumerate(model.encoder.backbone.blocks.children()):
        stage.register_forward_hook(lambda *_, place=place: ran.append(place))
    pictures = torch.rand(2, 1, *SIZE)

    torch.testing.assert_close(model.encoder.backbone(pictures)[0], whole(pictures)[0])
    # Stride 8 is reached by the second stage of MobileNetV3-small, and by the third of EfficientNetV2.
    assert ran == {"mobilenetv3_small_050": [0, 1], "tf_efficientnetv2_b0": [0, 1, 2]}[encoder]
