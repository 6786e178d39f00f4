import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from bvas.errors import ConfigError
from bvas.lromul.weights import our_key, read_reference_checkpoint
from bvas.models.blocks3d import DepthwiseConv3d, InvertedResidual3d
from bvas.models.config import ModelConfig
from bvas.models.pooling import GeneralizedMeanPool
from bvas.models.spotting import build_model
from bvas.values.clip_config import ClipConfig

TINY = ModelConfig(
    encoder="mobilenetv3_small_050",
    pretrained=False,
    num_blocks_3d=1,
    num_features_3d=8,
    se_reduction_3d=4,
    num_features_stack=4,
)


@pytest.mark.parametrize("layout", ["15 frames", "33 frames"])
def test_the_default_network_has_the_seeds_weights_shape_by_shape(shared_data, layout):
    seed = json.loads((shared_data / "weights" / "seed_checkpoint_layout.json").read_text())[layout]

    model = build_model(ModelConfig(), ClipConfig(num_frames=int(layout.split()[0])), 2)

    ours = {key: list(value.shape) for key, value in model.state_dict().items()}
    assert ours == {our_key(key): shape for key, shape in seed["keys"].items()}
    assert sum(parameter.numel() for parameter in model.parameters()) == seed["num_parameters"]


def test_the_seeds_weights_give_the_seeds_logits_and_features(shared_data):
    seed = read_reference_checkpoint(shared_data / "weights" / "seed_small.pth")
    model = build_model(seed.model, seed.clip, seed.num_labels).eval()
    model.load_state_dict(seed.state_dict)
    io = np.load(shared_data / "weights" / "seed_small_io.npz")
    frames = nn.functional.pad(torch.from_numpy(io["frames"]).float(), (0, 0, 3, 3)) / 255

    with torch.inference_mode():
        logits = model(frames)
        features = model.encode_stacks(frames[:1, :3])[0]

    np.testing.assert_allclose(logits.numpy(), io["logits"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(features.numpy(), io["stack_features_first"], atol=1e-4, rtol=0)


def test_a_stack_depends_on_its_own_frames_only():
    model = build_model(TINY, ClipConfig(), 2).eval()
    clip = torch.rand(15, 32, 48)
    changed = clip.clone()
    changed[6:9] = 0.0  # stack 2

    with torch.inference_mode():
        before, after = (model.encode_stacks(c.reshape(5, 3, 32, 48)) for c in (clip, changed))

    assert [not torch.equal(before[n], after[n]) for n in range(5)] == [False, False, True, False, False]


def test_the_two_halves_are_the_whole():
    model = build_model(TINY, ClipConfig(num_frames=6, stack_size=2), 3).eval()
    frames = torch.rand(2, 6, 32, 48)

    with torch.inference_mode():
        features = model.encode_stacks(frames.reshape(6, 2, 32, 48))
        halves = model.score_windows(features.reshape(2, 3, *features.shape[1:]))
        whole = model(frames)

    assert whole.shape == (2, 3)
    torch.testing.assert_close(halves, whole)


def test_a_model_of_single_frames_works():
    model = build_model(TINY, ClipConfig(num_frames=1, stack_size=1), 2).eval()

    with torch.inference_mode():
        assert model(torch.rand(3, 1, 32, 48)).shape == (3, 2)


@pytest.mark.parametrize("encoder", ["resnet10t", "swin_tiny_patch4_window7_224"])
def test_other_timm_encoders_fit(encoder):
    config = ModelConfig(
        encoder=encoder, pretrained=False, num_blocks_3d=0, num_features_3d=8, num_features_stack=4
    )
    model = build_model(config, ClipConfig(num_frames=2, stack_size=2), 2).eval()
    size = 224 if "224" in encoder else 64

    with torch.inference_mode():
        features = model.encode_stacks(torch.rand(1, 2, size, size))

    assert features.shape == (1, 8, size // 32, size // 32)


def test_a_finer_feature_map_can_be_chosen():
    model = build_model(
        ModelConfig(encoder="mobilenetv3_small_050", pretrained=False, feature_level=2), ClipConfig(), 2
    ).eval()

    with torch.inference_mode():
        assert model.encode_stacks(torch.rand(1, 3, 32, 48)).shape == (1, 192, 4, 6)


def test_every_weight_learns():
    model = build_model(TINY, ClipConfig(num_frames=6), 2)

    model(torch.rand(4, 6, 32, 48)).square().sum().backward()

    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_the_depthwise_convolution_of_cpu_training_is_the_plain_one():
    torch.manual_seed(0)
    x = torch.rand(2, 6, 5, 3, 4, requires_grad=True)
    ours = DepthwiseConv3d(6)
    plain = nn.Conv3d(6, 6, 3, padding=1, groups=6, bias=False)
    plain.load_state_dict(ours.state_dict())

    results = []
    for convolution in (ours, plain):
        out = convolution(x)
        results.append((out.detach(), *torch.autograd.grad(out.square().sum(), [x, convolution.weight])))

    for of_ours, of_plain in zip(*results, strict=True):
        torch.testing.assert_close(of_ours, of_plain)
    with torch.inference_mode():
        torch.testing.assert_close(ours(x), results[0][0])


def test_gradients_of_training_on_a_cpu_keep_the_layout_of_the_encoder():
    model = build_model(
        replace(TINY, feature_level=2, num_features_3d=16), ClipConfig(num_frames=6), 2
    ).train()
    layouts = {}

    def watch(name, layout):
        def watch_output(module, inputs, output):
            output.register_hook(
                lambda grad: layouts.__setitem__(name, grad.is_contiguous(memory_format=layout))
            )

        return watch_output

    model.encoder.projection.norm.register_forward_hook(watch("encoder", torch.channels_last))
    model.blocks[0].expand.register_forward_hook(watch("expand", torch.channels_last_3d))
    model.blocks[0].depthwise.register_forward_hook(watch("depthwise", torch.channels_last_3d))
    # Of fewer than 16 stacks, and with one thread, PyTorch chooses other operators in the encoder.
    model(torch.rand(8, 6, 112, 192)).sum().backward()

    assert layouts == {"encoder": True, "expand": True, "depthwise": True}


def test_a_block_with_nothing_but_its_shortcut_gives_its_input():
    block = InvertedResidual3d(4, expansion=2, se_reduction=2).eval()
    nn.init.zeros_(block.project.weight)
    x = torch.rand(1, 4, 5, 2, 3)

    assert torch.equal(block(x), x)


def test_pooling_is_the_cubic_mean_at_first():
    x = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 2, 2)

    pooled = GeneralizedMeanPool()(x)

    assert pooled.item() == pytest.approx((100 / 4) ** (1 / 3))  # 1 + 8 + 27 + 64


def test_an_unknown_encoder_names_near_ones():
    with pytest.raises(ConfigError, match="mobilenetv3_small_050"):
        build_model(ModelConfig(encoder="mobilenetv3_smal_050"), ClipConfig(), 2)


def test_a_feature_map_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="no feature map 9"):
        build_model(ModelConfig(encoder="mobilenetv3_small_050", feature_level=9), ClipConfig(), 2)


def test_an_encoder_without_drop_path_says_which_field_to_change():
    with pytest.raises(ConfigError, match="encoder_drop_path_rate"):
        build_model(ModelConfig(encoder="vgg11"), ClipConfig(), 2)


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": ""},
        {"num_features_3d": 0},
        {"num_blocks_3d": -1},
        {"drop_rate": 1.0},
        {"drop_path_rate": -0.1},
        {"num_features_3d": 2, "expansion_3d": 3, "se_reduction_3d": 24},
    ],
)
def test_sizes_that_make_no_network_are_refused(change):
    with pytest.raises(ConfigError, match=next(iter(change)) if len(change) == 1 else "se_reduction_3d"):
        ModelConfig(**change)


def test_a_model_of_no_labels_is_refused():
    with pytest.raises(ConfigError, match="num_labels"):
        build_model(TINY, ClipConfig(), 0)
