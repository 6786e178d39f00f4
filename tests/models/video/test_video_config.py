"""Configuration of networks over clips: nothing that a network does not use is taken silently."""

import pytest

from bvas.errors import ConfigError
from bvas.models.video.config import NETWORKS, CnnLstmConfig, SmallR2plus1dConfig, VideoModelConfig
from bvas.system.dataclass_json import value_from_json, value_to_json


@pytest.mark.parametrize(
    "config",
    [
        VideoModelConfig(network="r3d_18"),
        VideoModelConfig(network="slow_r50", pretrained=True, weights_file="SLOW_8x8_R50.pyth"),
        VideoModelConfig(network="small_r2plus1d", small_r2plus1d=SmallR2plus1dConfig(features=(8, 24))),
        VideoModelConfig(
            network="cnn_lstm", cnn_lstm=CnnLstmConfig(encoder="resnet18.a1_in1k", num_hidden=64)
        ),
    ],
)
def test_a_config_is_the_same_after_json(config):
    assert value_from_json(value_to_json(config), VideoModelConfig, "network") == config


def test_the_networks_are_the_published_and_our_own():
    assert NETWORKS == (
        *("r3d_18", "mc3_18", "r2plus1d_18", "s3d", "mvit_v2_s", "swin3d_t", "slow_r50"),
        *("small_r2plus1d", "cnn_lstm"),
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"network": "r3d"}, "no network named 'r3d'; known: r3d_18, .*, small_r2plus1d, cnn_lstm"),
        (
            {"network": "r3d_18", "small_r2plus1d": SmallR2plus1dConfig()},
            "small_r2plus1d has the sizes of the network 'small_r2plus1d', and the network is 'r3d_18'",
        ),
        (
            {"network": "small_r2plus1d", "cnn_lstm": CnnLstmConfig()},
            "the network is 'small_r2plus1d'; leave it",
        ),
        ({"network": "small_r2plus1d", "pretrained": True}, "no weights of small_r2plus1d are published"),
        (
            {"network": "s3d", "weights_file": "s3d.pth"},
            "weights_file 's3d.pth' is used with pretrained=True",
        ),
    ],
)
def test_what_a_network_does_not_use_is_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        VideoModelConfig(**fields)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SmallR2plus1dConfig(features=()), r"features needs a number from 1 up .* got \(\)"),
        (lambda: SmallR2plus1dConfig(features=(16, 0)), r"features needs .* got \(16, 0\)"),
        (lambda: SmallR2plus1dConfig(drop_rate=1.0), r"drop_rate must lie in \[0, 1\), got 1.0"),
        (lambda: CnnLstmConfig(encoder=""), "encoder is empty"),
        (lambda: CnnLstmConfig(num_hidden=0), "num_hidden must be at least 1, got 0"),
        (lambda: CnnLstmConfig(encoder_drop_path_rate=-0.1), "encoder_drop_path_rate must lie in"),
    ],
)
def test_sizes_that_make_no_network_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_weights_of_other_dropout_and_start_fit_and_those_of_other_sizes_do_not():
    small = VideoModelConfig(network="small_r2plus1d")
    same = VideoModelConfig(network="small_r2plus1d", small_r2plus1d=SmallR2plus1dConfig(drop_rate=0.5))
    wider = VideoModelConfig(network="small_r2plus1d", small_r2plus1d=SmallR2plus1dConfig(features=(32, 64)))
    assert small.sizes == same.sizes != wider.sizes
    assert VideoModelConfig(network="s3d", pretrained=True).sizes == VideoModelConfig(network="s3d").sizes
    lstm = VideoModelConfig(network="cnn_lstm", cnn_lstm=CnnLstmConfig(encoder_drop_path_rate=0.1))
    assert lstm.sizes == VideoModelConfig(network="cnn_lstm").sizes != small.sizes


def test_the_backbone_is_what_published_weights_are_of():
    assert VideoModelConfig(network="r3d_18").backbone == "r3d_18"
    assert VideoModelConfig(network="cnn_lstm").backbone == "cnn_lstm with tf_efficientnetv2_b0.in1k"
