"""Changes of detail, brightness and color, one draw per clip, and noise, which differs from pixel to pixel."""

# Dimension letters in this file: B clips, n chosen clips, T frames per clip, H W input size.

import math
from collections.abc import Callable

import torch
from kornia.enhance import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation_with_gray_subtraction,
    posterize,
    sharpness,
)
from kornia.filters import motion_blur
from torch import Tensor

from bvas.augment.config import AugmentConfig
from bvas.augment.draws import Draws
from bvas.system.devices import to_device

Change = Callable[[Tensor, Tensor], Tensor]
"""Changed frames, from chosen clips' frames and their positions in the batch."""


def recolor(
    frames_BTHW: Tensor,
    config: AugmentConfig,
    draws: Draws,
    *,
    num_channels: int = 1,
    in_place: bool = False,
) -> Tensor:
    """Return the changed frames in [0, 1].

    Args:
        frames_BTHW: Frames in [0, 1]; T counts the channels of color frames one by one.
        config: Probabilities and ranges; saturation and hue need `num_channels` of 3.
        draws: The clips' numbers.
        num_channels: 1 for gray, 3 for RGB.
        in_place: The given frames may be modified.
    """
    # The frames of a clip are kornia's channels, which all of its functions treat alike.
    blur_degrees = draws.either_side("motion_blur_degrees", config.motion_blur_degrees)
    blur_direction = draws.either_side("motion_blur_direction", 1.0)
    sharpness_factor = draws.uniform("sharpness_factor", *config.sharpness_factor)
    brightness_factor = draws.uniform("brightness_factor", *config.brightness_factor)
    contrast_factor = draws.uniform("contrast_factor", *config.contrast_factor)
    saturation_factor = draws.uniform("saturation_factor", *config.saturation_factor)
    hue_radians = draws.either_side("hue_degrees", math.radians(config.hue_degrees))
    bits = draws.integers("posterize_bits", *config.posterize_bits)
    noise_keys = draws.integers("noise_key", 0, 2**31 - 1)

    def blur(frames: Tensor, clips: Tensor) -> Tensor:
        blurred: Tensor = motion_blur(
            frames,
            config.motion_blur_size,
            # On the CPU in the frames' precision: the kernel's rounding to pixels is then alike everywhere.
            blur_degrees[clips].to(frames.dtype),
            blur_direction[clips].to(frames.dtype),
            border_type="constant",
        )
        return blurred

    def of_colors(change: Callable[[Tensor, Tensor], Tensor], values: Tensor) -> Change:
        def changed(frames: Tensor, clips: Tensor) -> Tensor:
            colors = frames.reshape(-1, num_channels, *frames.shape[-2:])
            of_frames = values[clips].repeat_interleave(len(colors) // len(frames)).to(colors)
            return change(colors, of_frames).reshape(frames.shape)

        return changed

    def add_noise(frames: Tensor, clips: Tensor) -> Tensor:
        for clip, key in zip(frames, noise_keys[clips].tolist(), strict=True):
            noise = normal_noise(key, clip.shape, frames.device)
            clip.add_(noise.to(frames.dtype), alpha=config.noise_deviation)
        return frames

    changes: dict[str, Change] = {
        "sharpness": lambda x, clips: sharpness(x, sharpness_factor[clips]),
        "motion_blur": blur,
        "brightness": lambda x, clips: adjust_brightness(x, brightness_factor[clips] - 1),
        "contrast": lambda x, clips: adjust_contrast(x, contrast_factor[clips]),
        "saturation": of_colors(adjust_saturation_with_gray_subtraction, saturation_factor),
        "hue": of_colors(adjust_hue, hue_radians),
        "posterize": lambda x, clips: posterize(x, bits[clips].int()),
        "noise": add_noise,
    }
    out = frames_BTHW
    for name, change in changes.items():
        clips = draws.chosen(name, config).nonzero()[:, 0]
        if len(clips):
            at = to_device(clips, frames_BTHW.device)
            # The chosen clips are copies, so a change may work in place.
            changed = change(out[at], clips).clamp_(0.0, 1.0)
            if out is frames_BTHW and not in_place:
                out = out.clone()
            out.index_copy_(0, at, changed)
    return out


def normal_noise(key: int, shape: torch.Size, device: torch.device) -> Tensor:
    """Return standard normal numbers, float32 of a shape, that depend on the key and their position only.

    A torch.Generator draws other numbers on a GPU than on a CPU, and drawing on the CPU for each of the 14 million
    pixels of a 720p clip takes longer than a training step. So each position is hashed (the finalizer of MurmurHash3,
    twice), and two hashes make two normal numbers (Box and Muller, 1958).
    """
    num_pairs = (shape.numel() + 1) // 2
    hashes = torch.arange(2 * num_pairs, dtype=torch.int32, device=device)
    # In place, here and below: allocation costs more than the arithmetic.
    _hash(_hash(hashes).bitwise_xor_(key))
    # The upper 24 bits, which float32 holds exactly.
    hashes.bitwise_right_shift_(8).bitwise_and_(0xFFFFFF)
    radius = (hashes[:num_pairs] + 1).float().div_(2**24).log_().mul_(-2).sqrt_()
    angle = hashes[num_pairs:].float().mul_(2 * math.pi / 2**24)
    noise = torch.empty(2 * num_pairs, device=device)
    torch.cos(angle, out=noise[:num_pairs]).mul_(radius)
    torch.sin(angle, out=noise[num_pairs:]).mul_(radius)
    return noise[: shape.numel()].reshape(shape)


def _hash(x: Tensor) -> Tensor:
    """Replace int32 numbers by their hashes. Products wrap; shifts keep the sign, which is masked."""
    x.bitwise_xor_((x >> 16).bitwise_and_(0xFFFF)).mul_(0x85EBCA6B - 2**32)
    x.bitwise_xor_((x >> 13).bitwise_and_(0x7FFFF)).mul_(0xC2B2AE35 - 2**32)
    return x.bitwise_xor_((x >> 16).bitwise_and_(0xFFFF))
