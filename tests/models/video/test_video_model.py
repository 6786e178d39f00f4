"""Published networks as clip models: layout, outputs of stored weights, stages, a new last layer."""

import copy
import functools
from dataclasses import replace

import pytest
import torch
from torch import nn
from torchvision.models import get_model, get_model_weights
from torchvision.models.video.mvit import MSBlockConfig, MViT
from video_networks import clip_of, fill

from bvas.errors import ConfigError
from bvas.experiment.experiment import TrainConfig
from bvas.models.video.published import TORCHVISION_MODELS, VIDEO_MODELS, published_model
from bvas.models.video.slow_r50 import SlowR50
from bvas.models.video.video_model import LAYOUTS, VideoModel, build_video_model
from bvas.training.compile import checkpoint_blocks
from bvas.training.stage_schedule import frozen_modules, stage_schedule

# Logits of classes 0, 1, 2, 399 and norm of all 400, of the networks of pytorchvideo 0.1.5 and torchvision 0.29 with
# the weights of `fill(..., 1)`, for the frames of `clip_of(..., seed=2)`, normalized. The feature map of slow_r50 is
# 8x7x8, so that its head has two windows.
STORED = {
    "slow_r50": ((8, 3, 196, 228), [2416.05981, -25670.8652, -32930.918, 1187.50183], 612738.6875),
    "r2plus1d_18": ((8, 3, 32, 32), [-47.1190681, 92.3917847, 36.1946297, 36.6206474], 1018.110535),
    "swin3d_t": ((4, 3, 32, 32), [-0.7583985, -0.5697190, -0.9881013, 3.5096231], 31.39017105),
}


@functools.cache
def on_meta(name):
    """Return a published model without memory and arithmetic."""
    with torch.device("meta"):
        return build_video_model(name)


def made(build, **options):
    """Return a network on the CPU with the weights of `fill`, without the time that random weights take."""
    if build == "swin3d_t":
        # Its weights hold indices, which are computed.
        return fill(get_model(build, **options), 1)
    with torch.device("meta"):
        network = SlowR50(**options) if build == "slow_r50" else get_model(build, **options)
    return fill(network.to_empty(device="cpu"), 1)


def around(network, name, num_frames):
    """Return a model around a network of few frames."""
    published = published_model(name)
    clip = replace(published.clip, num_frames=num_frames, stack_size=num_frames)
    return VideoModel(network, LAYOUTS[name], clip, published.pixels)


def two_blocks_of_mvit(num_frames):
    more = {"kernel_q": [3, 3, 3], "kernel_kv": [3, 3, 3]}
    return MViT(
        spatial_size=(32, 32),
        temporal_size=num_frames,
        block_setting=[
            MSBlockConfig(1, 8, 16, **more, stride_q=[1, 1, 1], stride_kv=[1, 2, 2]),
            MSBlockConfig(2, 16, 16, **more, stride_q=[1, 2, 2], stride_kv=[1, 1, 1]),
        ],
        residual_pool=True,
        residual_with_cls_embed=False,
        rel_pos_embed=True,
        proj_after_attn=True,
        num_classes=5,
    )


def small(name, num_frames=4):
    """Return a small model of the layout of a published one, and its network before."""
    if name == "mvit_v2_s":
        # The published one takes frames of 224x224 only.
        network = fill(two_blocks_of_mvit(num_frames), 1)
    else:
        network = made(name, num_classes=5)
    if name == "s3d":
        # Takes small frames.
        network.avgpool = nn.AvgPool3d(1)
    return around(copy.deepcopy(network), name, num_frames).eval(), network


def test_slow_r50_has_the_layout_of_pytorchvideo():
    with torch.device("meta"):
        network = SlowR50()
    state = network.state_dict()
    assert len(state) == 320
    assert sum(parameter.numel() for parameter in network.parameters()) == 32_454_096
    assert state["blocks.0.conv.weight"].shape == (64, 3, 1, 7, 7)
    assert state["blocks.1.res_blocks.0.branch1_conv.weight"].shape == (256, 64, 1, 1, 1)
    assert state["blocks.3.res_blocks.5.branch2.conv_a.weight"].shape == (256, 1024, 3, 1, 1)
    assert state["blocks.4.res_blocks.2.branch2.norm_c.running_var"].shape == (2048,)
    assert state["blocks.5.proj.weight"].shape == (400, 2048)
    blocks = [len(stage.res_blocks) for stage in network.blocks[1:5]]
    assert blocks == [3, 4, 6, 3]


@pytest.mark.parametrize("name", TORCHVISION_MODELS)
def test_the_parameters_are_as_many_as_the_package_says(name):
    model = on_meta(name)
    counted = sum(parameter.numel() for parameter in model.parameters())
    assert counted == get_model_weights(name).DEFAULT.meta["num_params"]


@pytest.mark.parametrize("name", STORED)
def test_stored_weights_give_the_stored_logits_of_the_original(name):
    shape, wanted, norm = STORED[name]
    model = around(made(name), name, shape[0]).eval()
    with torch.no_grad():
        (logits,) = model(clip_of(1, *shape, seed=2))
    scale = float(logits.abs().max())
    torch.testing.assert_close(logits[[0, 1, 2, 399]], torch.tensor(wanted), rtol=1e-5, atol=1e-5 * scale)
    assert float(logits.norm()) == pytest.approx(norm, rel=1e-5)


def test_a_larger_picture_counts_its_middle_more_as_pytorchvideo_does():
    with torch.device("meta"):
        head = SlowR50().blocks[5]
    edge, middle = torch.zeros(2, 1, 2048, 8, 8, 8)
    edge[:, 0, :, 0, 0] = 1
    middle[:, 0, :, 4, 4] = 1
    # Four windows of 7x7: a corner lies in one of them, the middle in all.
    assert head.pool(edge)[0, 0].item() == pytest.approx(1 / 4 / 49)
    assert head.pool(middle)[0, 0].item() == pytest.approx(1 / 49)
    assert head.pool(torch.ones(1, 2048, 2, 1, 3)).shape == (1, 2048)


@pytest.mark.parametrize("name", ["r3d_18", "mc3_18", "s3d", "mvit_v2_s"])
def test_logits_are_those_of_the_network_on_normalized_frames(name):
    model, network = small(name, 16 if name == "s3d" else 4)
    clip = clip_of(2, model.clip.num_frames, 3, 32, 32, seed=5)
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (model.pixels.mean, model.pixels.std))
    with torch.no_grad():
        wanted = network(((clip - mean) / std).transpose(1, 2))
        found = model(clip)
    assert found.shape == (2, 5)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))


@pytest.mark.parametrize("name", VIDEO_MODELS)
def test_each_takes_the_clips_that_it_was_published_with(name):
    published = published_model(name)
    model = on_meta(name)
    clips = torch.empty(2, published.clip.num_frames, 3, *published.form.size, device="meta")
    logits = model(clips)
    assert logits.shape == (2, 400)
    assert model.num_labels == 400
    logits.sum().backward()
    assert not model.has_unused_parameters
    assert all(parameter.grad is not None for parameter in model.parameters())


STAGES = {
    "r3d_18": ["stem", "layer1", "layer2", "layer3", "layer4", "fc"],
    "s3d": [*(f"features.{n}" for n in (0, 2, 3, 5, 6, 8, 9, 10, 11, 12, 14, 15)), "classifier"],
    "mvit_v2_s": ["conv_proj", "pos_encoding", *(f"blocks.{n}" for n in range(16)), "norm", "head"],
    "swin3d_t": ["patch_embed", *(f"features.{n}" for n in range(7)), "norm", "head"],
    "slow_r50": [f"blocks.{n}" for n in range(6)],
}
STAGES |= dict.fromkeys(("mc3_18", "r2plus1d_18"), STAGES["r3d_18"])


@pytest.mark.parametrize("name", VIDEO_MODELS)
def test_each_weight_belongs_to_one_stage(name):
    model = on_meta(name)
    stages = model.stages()
    assert [*stages] == ["normalization", *STAGES[name]]
    for tensors in (nn.Module.parameters, nn.Module.buffers):
        inside = [id(tensor) for stage in stages.values() for tensor in tensors(stage)]
        assert sorted(inside) == sorted(id(tensor) for tensor in tensors(model))


@pytest.mark.parametrize("name", VIDEO_MODELS)
def test_weights_have_the_names_that_training_addresses(name):
    state = on_meta(name).state_dict()
    last = {key for key in state if key.startswith("classifier.")}
    assert last == {"classifier.weight", "classifier.bias"}
    assert all(key.startswith("encoder.") for key in state.keys() - last)


def test_slow_r50_thaws_as_a_config_names_its_stages():
    config = TrainConfig(
        frozen=("blocks.0", "blocks.1"), unfreeze={5: "blocks.4", 7: "blocks.3", 9: "blocks.2"}
    )
    schedule = stage_schedule(on_meta("slow_r50").stages(), config)
    learning = {epoch: schedule.learning(epoch)[1:] for epoch in (1, 4, 5, 7, 9, 15)}
    assert learning[1] == learning[4] == ("blocks.5",)
    assert learning[5] == ("blocks.4", "blocks.5")
    assert learning[7] == ("blocks.3", "blocks.4", "blocks.5")
    assert learning[9] == learning[15] == ("blocks.2", "blocks.3", "blocks.4", "blocks.5")


def test_frozen_stages_stay_to_the_bit_while_the_others_learn():
    model, _ = small("mc3_18")
    model.train()
    stages = model.stages()
    frozen = [stage for name, stage in stages.items() if name not in ("layer4", "fc")]
    for module in frozen_modules(model, frozen):
        module.requires_grad_(False).eval()
    before = copy.deepcopy(model.state_dict())
    loss = nn.functional.cross_entropy(model(clip_of(2, 4, 3, 32, 32)), torch.tensor([0, 3]))
    loss.backward()
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    torch.optim.SGD(learning, 0.1).step()
    changed = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert {key.split(".")[1] for key in changed} == {"layer4", "weight", "bias"}
    assert {"classifier.weight", "encoder.layer4.1.conv2.1.running_mean"} <= changed


@pytest.mark.parametrize("name", ["mc3_18", "mvit_v2_s"])
def test_blocks_that_run_again_in_the_backward_pass_give_the_same_gradients(name):
    model, _ = small(name)
    again = copy.deepcopy(model)
    checkpoint_blocks(again)
    blocks = [*model.checkpointed_blocks()]
    assert len(blocks) == {"mc3_18": 8, "mvit_v2_s": 2}[name]
    clip = clip_of(2, 4, 3, 32, 32)
    for each in (model, again):
        nn.functional.cross_entropy(each(clip), torch.tensor([0, 3])).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one.grad, two.grad)


@pytest.mark.parametrize("name", VIDEO_MODELS)
def test_the_checkpointed_blocks_hold_none_of_each_other(name):
    blocks = [*on_meta(name).checkpointed_blocks()]
    inside = [id(module) for block in blocks for module in block.modules()]
    assert len(blocks) >= 8
    assert len(inside) == len(set(inside))


def test_clips_of_another_length_and_no_classes_are_refused():
    with pytest.raises(ConfigError, match="mvit_v2_s takes clips of exactly 16x224x224"):
        build_video_model("mvit_v2_s", num_frames=8)
    with pytest.raises(ConfigError, match=r"s3d takes clips of at least 14x224x224 .* got 16x128x128"):
        build_video_model("s3d", size=(128, 128))
    with pytest.raises(ConfigError, match="num_labels must be at least 1, got 0"):
        build_video_model("r3d_18", 0)
    with torch.device("meta"):
        assert build_video_model("r3d_18", num_frames=32, size=(64, 64)).clip.num_frames == 32
