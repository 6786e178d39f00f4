"""Networks that a config names: shapes, stages, the order of time, what they refuse."""

import copy

import pytest
import torch
from torch import nn
from video_networks import clip_of

from bvas.errors import ConfigError
from bvas.models.config import GRAY, PixelConfig
from bvas.models.video.clip_network import build_clip_network
from bvas.models.video.config import CnnLstmConfig, SmallR2plus1dConfig, VideoModelConfig
from bvas.training.compile import checkpoint_blocks
from bvas.values.clip_config import ClipConfig

SIZE = (32, 24)
SMALL = VideoModelConfig(network="small_r2plus1d", small_r2plus1d=SmallR2plus1dConfig(features=(4, 8)))
LSTM = VideoModelConfig(
    network="cnn_lstm", cnn_lstm=CnnLstmConfig(encoder="test_resnet.r160_in1k", num_features=8, num_hidden=6)
)
OURS = {"small_r2plus1d": SMALL, "cnn_lstm": LSTM}
RGB = PixelConfig(num_channels=3, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))


def made(config, num_labels=5, *, num_frames=8, stack_size=None, pixels=GRAY, size=SIZE, seed=0):
    stack_size = stack_size or (1 if config.network == "cnn_lstm" else num_frames)
    clip = ClipConfig(num_frames=num_frames, frame_step=1, stack_size=stack_size)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_clip_network(config, clip, num_labels, pixels=pixels, size=size)


def on_meta(config, num_labels=5, **options):
    """Return a network without memory and arithmetic."""
    with torch.device("meta"):
        return made(config, num_labels, **options)


@pytest.mark.parametrize("config", OURS.values(), ids=[*OURS])
def test_gray_and_color_clips_give_a_logit_for_each_label(config):
    assert made(config)(clip_of(2, 8, *SIZE)).shape == (2, 5)
    assert made(config, pixels=RGB)(clip_of(2, 8, 3, *SIZE)).shape == (2, 5)


def test_the_small_network_has_less_than_half_a_million_parameters():
    model = on_meta(VideoModelConfig(network="small_r2plus1d"), num_frames=16, size=(88, 64))
    counted = sum(parameter.numel() for parameter in model.parameters())
    # Stem 7*7*16 + 3*16*16; a block of C to D features 3*3*(C*D + D*D) + 3*2*D*D, and C*D of its shortcut; two numbers
    # for each feature of a batch normalization; the classifier.
    stem = 49 * 16 + 3 * 16 * 16 + 2 * 2 * 16
    first = 9 * 2 * 16 * 16 + 3 * 2 * 16 * 16 + 4 * 2 * 16
    others = sum(
        9 * (c * d + d * d) + 6 * d * d + c * d + 5 * 2 * d for c, d in ((16, 32), (32, 64), (64, 128))
    )
    assert counted == stem + first + others + 128 * 5 + 5 == 440_853


def test_the_small_network_halves_frames_and_picture_stage_by_stage():
    model = made(VideoModelConfig(network="small_r2plus1d"), num_frames=16, size=(88, 64)).eval()
    x = clip_of(1, 16, 1, 88, 64)
    shapes = []
    with torch.no_grad():
        for stage in model.encoder:
            x = stage(x)
            shapes.append((*x.shape[1:],))
    assert shapes == [
        (16, 16, 22, 16),
        (16, 16, 22, 16),
        (8, 32, 11, 8),
        (4, 64, 6, 4),
        (2, 128, 3, 2),
    ]


def test_each_feature_of_the_small_network_sees_all_frames():
    model = made(VideoModelConfig(network="small_r2plus1d"), num_frames=16).eval()
    for time in (0, 1):
        clips = clip_of(1, 16, 1, *SIZE).requires_grad_()
        model.encoder(clips)[:, time].sum().backward()
        assert bool(clips.grad.abs().amax(dim=(0, 2, 3, 4)).gt(0).all())


def test_sizes_and_lengths_that_do_not_divide_are_taken():
    assert made(SMALL, num_frames=5, size=(19, 13))(clip_of(2, 5, 19, 13)).shape == (2, 5)


def test_convolutions_of_a_block_are_those_over_the_picture_and_then_over_time():
    model = made(SMALL).eval()
    stem = model.encoder.stem[0]
    clips = clip_of(1, 8, 1, *SIZE)
    spatial, temporal = stem.spatial.weight.unsqueeze(2), stem.temporal.weight.unsqueeze(-1)
    with torch.no_grad():
        x = nn.functional.conv3d(clips.transpose(1, 2), spatial, stride=(1, 4, 4), padding=(0, 3, 3))
        # Batch normalization with its first statistics divides by sqrt(1 + 1e-5).
        x = torch.relu(x / 1.00001**0.5)
        wanted = nn.functional.conv3d(x, temporal, padding=(1, 0, 0)) / 1.00001**0.5
        torch.testing.assert_close(stem(clips), wanted.transpose(1, 2), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", OURS.values(), ids=[*OURS])
def test_the_order_of_the_frames_counts(config):
    model = made(config)
    model.dropout.eval()
    clips = clip_of(3, 8, *SIZE)
    with torch.no_grad():
        there, back = model(clips), model(clips.flip(1))
    assert float((there - back).abs().max()) > 1e-3 * float(there.abs().max())


def bars(num_clips, *, seed):
    """Return clips of a bar that moves right (class 0), or left (class 1); single frames tell nothing."""
    draw = torch.Generator().manual_seed(seed)
    starts = torch.randint(0, 24, (num_clips,), generator=draw)
    classes = torch.randint(0, 2, (num_clips,), generator=draw)
    clips = torch.zeros(num_clips, 8, *SIZE)
    for clip, start, is_left in zip(clips, starts.tolist(), classes.tolist(), strict=True):
        for t, frame in enumerate(clip):
            frame[:, (start + (-2 if is_left else 2) * t) % 24] = 1
    return clips, classes


def test_the_small_network_learns_the_direction_of_time():
    model = made(SMALL, 2)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    for step in range(40):
        clips, classes = bars(16, seed=step)
        nn.functional.cross_entropy(model(clips), classes).backward()
        optimizer.step()
        optimizer.zero_grad()
    clips, classes = bars(64, seed=1000)
    with torch.no_grad():
        right = model.eval()(clips).argmax(1) == classes
    assert float(right.float().mean()) > 0.95


def test_the_lstm_sees_stacks_as_channels_of_its_encoder():
    model = made(LSTM, stack_size=4, pixels=RGB)
    assert model.encoder.backbone.conv1[0].in_channels == 4 * 3
    assert model(clip_of(2, 8, 3, *SIZE)).shape == (2, 5)


def test_the_lstm_classifies_by_its_state_after_the_last_stack():
    model = made(LSTM).eval()
    clips = clip_of(2, 8, *SIZE)
    with torch.no_grad():
        features = model.encoder(clips.reshape(16, 1, *SIZE)).mean(dim=(2, 3)).reshape(2, 8, 8)
        states, _ = model.lstm(features)
        torch.testing.assert_close(model(clips), model.classifier(states[:, -1]))


STAGES = {
    "small_r2plus1d": ["stem", "layer1", "layer2", "head"],
    "cnn_lstm": [
        *(f"encoder.{name}" for name in ("stem", "layer1", "layer2", "layer3", "layer4", "projection")),
        *("lstm", "head"),
    ],
}


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("pixels", [GRAY, RGB], ids=["gray", "color"])
def test_each_weight_belongs_to_one_stage(name, pixels):
    model = made(OURS[name], pixels=pixels)
    stages = model.stages()
    first = {"small_r2plus1d": "normalization", "cnn_lstm": "encoder.normalization"}[name]
    assert [*stages] == ([first] if pixels is RGB else []) + STAGES[name]
    for tensors in (nn.Module.parameters, nn.Module.buffers):
        inside = [id(tensor) for stage in stages.values() for tensor in tensors(stage)]
        assert sorted(inside) == sorted(id(tensor) for tensor in tensors(model))


@pytest.mark.parametrize("config", OURS.values(), ids=[*OURS])
def test_weights_have_the_names_that_training_addresses(config):
    state = made(config).state_dict()
    last = {key for key in state if key.startswith("classifier.")}
    assert last == {"classifier.weight", "classifier.bias"}
    assert len(state["classifier.weight"]) == 5
    assert any(key.startswith("encoder.") for key in state)


@pytest.mark.parametrize("config", OURS.values(), ids=[*OURS])
def test_blocks_that_run_again_in_the_backward_pass_give_the_same_gradients(config):
    model = made(config)
    again = copy.deepcopy(model)
    checkpoint_blocks(again)
    clips, targets = clip_of(2, 8, *SIZE), torch.tensor([0, 3])
    for each in (model, again):
        torch.manual_seed(3)
        nn.functional.cross_entropy(each(clips), targets).backward()
    assert not model.has_unused_parameters
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert one.grad is not None
        assert torch.equal(one.grad, two.grad)


def test_a_published_network_sees_gray_frames_three_times():
    config = VideoModelConfig(network="mc3_18")
    gray = PixelConfig(mean=(0.4,), std=(0.2,))
    color = PixelConfig(num_channels=3, mean=(0.4,) * 3, std=(0.2,) * 3)
    model = made(config, num_frames=4, pixels=gray).eval()
    other = made(config, num_frames=4, pixels=color).eval()
    clips = clip_of(1, 4, 32, 32)
    with torch.no_grad():
        assert torch.equal(model(clips), other(clips.unsqueeze(2).expand(-1, -1, 3, -1, -1)))


def test_a_published_network_has_the_clips_of_the_experiment_and_a_new_last_layer():
    config = VideoModelConfig(network="slow_r50")
    model = on_meta(config, 7, num_frames=4, pixels=RGB, size=(64, 48))
    assert (model.num_labels, model.pixels, model.clip) == (
        *(7, RGB),
        ClipConfig(num_frames=4, frame_step=1, stack_size=4),
    )


def test_clips_that_a_network_does_not_take_are_refused():
    with pytest.raises(ConfigError, match=r"small_r2plus1d sees the 8 frames .* stack_size is 2; set "):
        made(SMALL, stack_size=2)
    with pytest.raises(ConfigError, match="r3d_18 sees the 8 frames of a clip at once"):
        made(VideoModelConfig(network="r3d_18"), stack_size=1)
    with pytest.raises(ConfigError, match="mvit_v2_s takes clips of exactly 16x224x224"):
        on_meta(VideoModelConfig(network="mvit_v2_s"))
    with pytest.raises(ConfigError, match="no timm encoder named 'resnet8'; near names: "):
        made(VideoModelConfig(network="cnn_lstm", cnn_lstm=CnnLstmConfig(encoder="resnet8")))
    with pytest.raises(ConfigError, match="num_labels must be at least 1, got 0"):
        made(SMALL, 0)
