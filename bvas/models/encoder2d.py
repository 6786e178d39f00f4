"""2D encoder: any timm network with feature maps, with a stack of frames as its channels."""

# Dimension letters in this file:
#   M stacks, S frames per stack, D the backbone's features, C projected features, H W input size,
#   h w feature-map size.

import copy
import difflib
import pickle
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models.efficientnet import EfficientNetFeatures
from timm.models.mobilenetv3 import MobileNetV3Features
from torch import Tensor, nn

from bvas.errors import CheckpointError, ConfigError
from bvas.models.config import GRAY, ModelConfig, PixelConfig
from bvas.system.log_lines import first_line
from bvas.system.quiet_logging import quieted


class ProjectNormAct(nn.Module):
    """1x1 convolution, batch normalization, SiLU."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_features, out_features, kernel_size=1, bias=False)
        self.norm = nn.BatchNorm2d(out_features)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return [M, out_features, h, w] of [M, in_features, h, w]."""
        projected: Tensor = self.act(self.norm(self.conv(x)))
        return projected


class _UsedStages(nn.Sequential):
    """Stages of timm's EfficientNets and MobileNets; a forward pass runs those up to the map that is taken.

    timm keeps and runs all of them. The others stay among the weights, so that checkpoints keep their form.
    """

    def __init__(self, stages: nn.Sequential, num_used: int) -> None:
        super().__init__()
        self._modules.update(stages._modules)
        self.num_used = num_used

    def __iter__(self) -> Iterator[nn.Module]:
        """Yield the stages that a forward pass runs."""
        return islice(super().__iter__(), self.num_used)


class Normalization(nn.Module):
    """(x - mean) / std of each channel of a frame; part of the config, so its numbers are not among the weights."""

    mean: Tensor
    std: Tensor

    def __init__(self, pixels: PixelConfig, stack_size: int) -> None:
        super().__init__()
        for name, values, neutral in (("mean", pixels.mean, 0.0), ("std", pixels.std, 1.0)):
            each = torch.tensor((values or (neutral,) * pixels.num_channels) * stack_size)
            self.register_buffer(name, each.reshape(-1, 1, 1), persistent=False)

    def forward(self, stacks_MSHW: Tensor) -> Tensor:
        """Return stacks of the same shape."""
        return (stacks_MSHW - self.mean) / self.std


class StackEncoder(nn.Module):
    """Encodes each stack of S frames by itself, so that `StreamingPredictor` can reuse the features.

    Args:
        config: Sizes of the network.
        stack_size: Frames of a stack (S).
        pixels: Channels of a frame, and their normalization.
        size: (H, W) of the frames, for encoders that are made for one size.
        pretrained: Load the published weights of the backbone.
    """

    def __init__(
        self,
        config: ModelConfig,
        stack_size: int,
        pixels: PixelConfig = GRAY,
        *,
        size: tuple[int, int] | None = None,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        num_channels = stack_size * pixels.num_channels
        self.normalization = Normalization(pixels, stack_size) if pixels.is_normalized else nn.Identity()
        self.backbone = _build_backbone(config, num_channels, size, pretrained=pretrained)
        self._channels_last = str(getattr(self.backbone, "output_fmt", "NCHW")) in ("NHWC", "Format.NHWC")
        self.projection = ProjectNormAct(self.backbone.feature_info.channels()[-1], config.num_features_3d)

    def forward(self, stacks_MSHW: Tensor) -> Tensor:
        """Return features [M, C, h, w] of stacks in [0, 1]; of color frames S counts 3 channels each."""
        maps = self.backbone(self.normalization(stacks_MSHW))[-1]
        if self._channels_last:
            maps = maps.permute(0, 3, 1, 2)
        features_MChw: Tensor = self.projection(maps)
        return features_MChw


def _build_backbone(
    config: ModelConfig, num_channels: int, size: tuple[int, int] | None, *, pretrained: bool
) -> Any:
    # A dependency of timm.
    from huggingface_hub.errors import HfHubHTTPError

    if not timm.is_model(config.encoder):
        known = timm.list_models() + timm.list_pretrained()
        near = difflib.get_close_matches(config.encoder, known, n=3)
        raise ConfigError(
            f"no timm encoder named {config.encoder!r}"
            + (f"; near names: {', '.join(near)}" if near else "; timm.list_models() lists them all")
        )
    options: dict[str, Any] = {
        "features_only": True,
        "out_indices": (config.feature_level,),
        "in_chans": num_channels,
    }
    if config.encoder_drop_path_rate:
        options["drop_path_rate"] = config.encoder_drop_path_rate
    if not getattr(timm.get_pretrained_cfg(config.encoder), "fixed_input_size", False):
        size = None
    if size is not None:
        # Position embeddings and windows of vision transformers are made for one size.
        options["img_size"] = size
    if pretrained and config.weights_file is not None:
        _check_weights_file(config)
        options["pretrained_cfg_overlay"] = {"file": config.weights_file}
    try:
        with quieted("timm", "huggingface_hub"):
            backbone = timm.create_model(config.encoder, pretrained=pretrained, **options)
        if size is not None:
            _try_size(backbone, config.encoder, num_channels, size)
        if isinstance(backbone, EfficientNetFeatures | MobileNetV3Features):
            # Of the stem, which counts as stage 0, and the blocks behind it.
            backbone.blocks = _UsedStages(backbone.blocks, max(backbone._stage_out_idx))
        return backbone
    except TypeError as error:
        if "drop_path_rate" in str(error):
            raise ConfigError(
                f"timm's {config.encoder} has no drop path; set encoder_drop_path_rate to 0"
            ) from error
        raise
    except (AssertionError, IndexError) as error:
        if size is not None and config.feature_level == -1:
            raise _wrong_size(config.encoder, size, error) from error
        raise ConfigError(
            f"timm's {config.encoder} has no feature map {config.feature_level}; "
            "feature_level -1 is the deepest of any encoder"
        ) from error
    except (OSError, HfHubHTTPError, RuntimeError) as error:
        if not pretrained:
            raise
        cfg = timm.get_pretrained_cfg(config.encoder)
        source = cfg and (f"https://huggingface.co/{cfg.hf_hub_id}" if cfg.hf_hub_id else cfg.url)
        if config.weights_file is not None or not source:
            raise CheckpointError(
                f"no pretrained weights for the encoder {config.encoder}: {first_line(error)}; name an encoder with a "
                "weights tag (timm.list_pretrained() lists them), or set the model's pretrained to False"
            ) from error
        raise CheckpointError(
            f"the weights of the encoder {config.encoder} are unavailable ({first_line(error)}). Without network: "
            f"download model.safetensors from {source} elsewhere, copy it here, and set the model's weights_file to "
            "its path; or set pretrained to False to start from random weights"
        ) from error


def _try_size(backbone: nn.Module, name: str, num_channels: int, size: tuple[int, int]) -> None:
    """Run a copy of an encoder on a stack of a size, without memory or arithmetic.

    Raises:
        ConfigError: the encoder does not take this size.
    """
    trial = copy.deepcopy(backbone).to("meta").eval()
    try:
        with torch.no_grad():
            trial(torch.empty(1, num_channels, *size, device="meta"))
    except (AssertionError, RuntimeError) as error:
        raise _wrong_size(name, size, error) from error


def _wrong_size(name: str, size: tuple[int, int], error: BaseException) -> ConfigError:
    return ConfigError(
        f"timm's {name} does not take frames of {size[0]}x{size[1]} ({first_line(error)}); change the input size: many "
        "encoders need multiples of their patch or window, and some take squares only"
    )


def _check_weights_file(config: ModelConfig) -> None:
    """Refuse a file of another encoder, which timm would load partially without an error.

    Raises:
        CheckpointError: the file cannot be read, or lacks weights of the encoder.
    """
    path = Path(config.weights_file or "")
    state: Any
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise CheckpointError(
            f"cannot read the encoder's weights {path}: {first_line(error)}; weights_file must be "
            "timm's state dict as .safetensors, or as a .pth that torch.load reads with weights_only=True"
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(
            f"{path} does not hold a state dict (names to tensors); save model.state_dict() there"
        )
    with quieted("timm", "huggingface_hub"):
        whole = timm.create_model(config.encoder, pretrained=False)
    head = (whole.pretrained_cfg or {}).get("classifier") or ()
    heads = (head,) if isinstance(head, str) else tuple(head)
    missing = [
        key
        for key in whole.state_dict()
        if key not in state and not key.startswith(heads) and not key.endswith("num_batches_tracked")
    ]
    if missing:
        raise CheckpointError(
            f"{path} is not of the encoder {config.encoder}: {len(missing)} of its weights are missing, "
            f"e.g. {', '.join(missing[:3])}"
        )
