"""Published video networks as clip models: clips of RGB frames in [0, 1] to logits, stages by name, a new last layer.

torchvision's networks, and `SlowR50`:

    frames [B, T, 3, H, W] -> normalization -> encoder -> features [B, F] -> classifier -> logits [B, K]

Gray frames [B, T, H, W] are repeated for the three channels, after their normalization.
"""

# Dimension letters in this file: B clips, T frames, H W input size, F features of a clip, K classes.

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from einops import rearrange, repeat
from torch import Tensor, nn

from bvas.errors import ConfigError
from bvas.models.clip_model import ClipModel
from bvas.models.config import PixelConfig
from bvas.models.encoder2d import Normalization
from bvas.models.encoder_stages import encoder_blocks, has_tensors
from bvas.models.video.published import SLOW_R50, PublishedModel, published_model
from bvas.models.video.slow_r50 import SlowR50
from bvas.models.video.video_weights import load_published
from bvas.values.clip_config import ClipConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Names of a network's parts."""

    head: str
    """Stage with the last layer."""
    last_layer: str
    """Linear layer, or 1x1x1 convolution, whose rows belong to the classes."""
    stage_list: str | None
    """List whose entries are a stage each; None: each child of the network is one."""


_RESNET = Layout(head="fc", last_layer="fc", stage_list=None)
LAYOUTS = {
    "r3d_18": _RESNET,
    "mc3_18": _RESNET,
    "r2plus1d_18": _RESNET,
    "s3d": Layout(head="classifier", last_layer="classifier.1", stage_list="features"),
    "mvit_v2_s": Layout(head="head", last_layer="head.1", stage_list="blocks"),
    "swin3d_t": Layout(head="head", last_layer="head", stage_list="features"),
    SLOW_R50: Layout(head="blocks.5", last_layer="blocks.5.proj", stage_list="blocks"),
}
"""Parts of each network, by its name."""


class VideoModel(ClipModel):
    """Score a clip for each class.

    Args:
        network: Network from normalized clips [B, 3, T, H, W] to logits; its last layer becomes `classifier`.
        layout: Its parts.
        clip: Its clips.
        pixels: Channels of its frames, and their normalization.
    """

    def __init__(self, network: nn.Module, layout: Layout, clip: ClipConfig, pixels: PixelConfig) -> None:
        super().__init__()
        self.layout = layout
        self.clip = clip
        self.pixels = pixels
        self.normalization = Normalization(pixels, 1)
        owner, _, name = layout.last_layer.rpartition(".")
        self.classifier = network.get_submodule(layout.last_layer)
        setattr(network.get_submodule(owner), name, nn.Identity())
        self.encoder = network

    @property
    def num_labels(self) -> int:
        """Classes (K)."""
        return len(next(self.classifier.parameters()))

    def checkpointed_blocks(self) -> Iterator[nn.Module]:
        """Yield the blocks whose activations can be recomputed in the backward pass; none contains another."""
        yield from encoder_blocks(self.encoder)

    def stages(self) -> Mapping[str, nn.Module]:
        """Return `normalization`, the network's parts by its own names, and the head with the classifier.

        r3d_18, mc3_18, r2plus1d_18: `stem`, `layer1` to `layer4`, `fc`. s3d: `features.0` to `features.15`,
        `classifier`. mvit_v2_s: `conv_proj`, `pos_encoding`, `blocks.0` to `blocks.15`, `norm`, `head`. swin3d_t:
        `patch_embed`, `features.0` to `features.6`, `norm`, `head`. slow_r50: `blocks.0` to `blocks.5`.
        """
        stages: dict[str, nn.Module] = {"normalization": self.normalization}
        for name, child in self.encoder.named_children():
            if name == self.layout.stage_list:
                stages |= {f"{name}.{key}": entry for key, entry in child.named_children()}
            else:
                stages[name] = child
        head = nn.ModuleList([stages.pop(self.layout.head), self.classifier])
        return {
            **{name: stage for name, stage in stages.items() if has_tensors(stage)},
            self.layout.head: head,
        }

    def forward(self, frames_BTCHW: Tensor) -> Tensor:
        """Return logits [B, K] of clips in [0, 1]: RGB frames [B, T, 3, H, W], or gray [B, T, H, W]."""
        T = frames_BTCHW.shape[1]
        assert self.clip.num_frames == T, f"{T} frames for a model of {self.clip.num_frames}"
        if self.pixels.num_channels == 1:
            clips = repeat(self.normalization(frames_BTCHW), "B T H W -> B C T H W", C=3)
        else:
            clips = rearrange(self.normalization(frames_BTCHW), "B T C H W -> B C T H W")
        features_BF: Tensor = self.encoder(clips)
        if isinstance(self.classifier, nn.Conv3d):
            logits_BK: Tensor = self.classifier(features_BF[:, :, None, None, None]).flatten(1)
        else:
            logits_BK = self.classifier(features_BF)
        return logits_BK


def build_video_model(
    name: str,
    num_labels: int | None = None,
    *,
    num_frames: int | None = None,
    size: tuple[int, int] | None = None,
    weights: Path | Literal["published"] | None = None,
) -> VideoModel:
    """Return a model on the CPU, in training mode.

    Args:
        name: One of `VIDEO_MODELS`.
        num_labels: Own classes (K): the last layer is new, all else as published. None: the published classes, with the
            published last layer.
        num_frames: Frames of a clip (T); None: as published.
        size: (H, W) that the frames will have, which is checked; None: as published.
        weights: File of the published weights; "published": download. None: random weights.

    Raises:
        ConfigError: the name is unknown, or the network does not take such clips.
        CheckpointError: the weights are unavailable, or are not of this network; the message names the remedy.
    """
    published = published_model(name)
    clip = published.clip
    if num_frames is not None:
        clip = replace(clip, num_frames=num_frames, stack_size=num_frames)
    return published_network(
        published,
        num_labels,
        clip,
        pixels=published.pixels,
        size=size or published.form.size,
        weights=weights,
    )


def published_network(
    published: PublishedModel,
    num_labels: int | None,
    clip: ClipConfig,
    *,
    pixels: PixelConfig,
    size: tuple[int, int],
    weights: Path | Literal["published"] | None = None,
) -> VideoModel:
    """Return a model for clips and pixels of one's own, as `build_video_model` does.

    Args:
        published: The network.
        num_labels: Own classes (K); None: the published ones.
        clip: Its clips.
        pixels: Channels of the frames, 1 or 3, and their normalization.
        size: (H, W) of the frames.
        weights: As of `build_video_model`.

    Raises:
        ConfigError: the network does not take such clips.
        CheckpointError: the weights are unavailable, or are not of this network; the message names the remedy.
    """
    if num_labels is not None and num_labels < 1:
        raise ConfigError(f"num_labels must be at least 1, got {num_labels}")
    published.checked_clip(clip.num_frames, size)
    layout = LAYOUTS[published.name]
    network = _network(published.name, len(published.classes) if num_labels is None else num_labels)
    if weights is not None:
        load_published(
            network,
            published,
            None if weights == "published" else Path(weights),
            new_layer=None if num_labels is None else layout.last_layer,
        )
    return VideoModel(network, layout, clip, pixels)


def _network(name: str, num_classes: int) -> Any:
    # Imported here: torchvision takes seconds.
    from torchvision.models import get_model

    return SlowR50(num_classes) if name == SLOW_R50 else get_model(name, num_classes=num_classes)
