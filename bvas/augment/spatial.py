"""Camera move, rotation, translation, crop and flip, composed to one affine map per frame and one resampling.

Maps are 3x3 matrices on (x, y, 1) in pixels, pixel centers at whole numbers, from a position in the given frame to
its position in the returned frame. Pixels from outside the frame are black.
"""

# Dimension letters in this file: B clips, n chosen clips, T frames per clip, H W input size.

import torch
from kornia.geometry.transform import warp_affine
from torch import Tensor

from bvas.augment.config import AugmentConfig
from bvas.augment.draws import Draws
from bvas.system.devices import to_device


def move(frames_BTHW: Tensor, config: AugmentConfig, draws: Draws, *, num_channels: int = 1) -> Tensor:
    """Return the frames after camera move, rotation, translation, crop and flip; the given ones are not modified.

    Args:
        frames_BTHW: Frames; the channels of a color frame one after the other, [B, T * channels, H, W].
        config: Probabilities and ranges.
        draws: Random numbers of the clips.
        num_channels: Channels of a frame.
    """
    T, H, W = frames_BTHW.shape[1] // num_channels, *frames_BTHW.shape[2:]
    moving = draws.chosen("camera_move", config)
    resampled = moving.clone()
    for change_of_all in ("rotation", "translation", "crop"):
        resampled |= draws.chosen(change_of_all, config)
    flipped = draws.chosen("flip", config)
    maps_BT33 = frame_maps(config, draws, (T, H, W)).repeat_interleave(num_channels, dim=1)

    out = frames_BTHW
    for chosen, change in (
        (moving, _warp_each_frame),
        (resampled & ~moving, lambda frames, maps: _warp(frames, maps[:, 0])),
        # A clip that is only flipped is not resampled.
        (flipped & ~resampled, lambda frames, maps: frames.flip(-1)),
    ):
        if chosen.any():
            clips = chosen.nonzero()[:, 0]
            maps = to_device(maps_BT33[clips].to(frames_BTHW.dtype), frames_BTHW.device)
            at = to_device(clips, frames_BTHW.device)
            changed = change(frames_BTHW[at], maps)
            if out is frames_BTHW:
                out = frames_BTHW.clone()
            out.index_copy_(0, at, changed)
    return out


def frame_maps(config: AugmentConfig, draws: Draws, size: tuple[int, int, int]) -> Tensor:
    """Return the composed maps of each frame of each clip, float64 [B, T, 3, 3].

    Args:
        config: Probabilities and ranges.
        draws: Random numbers of the clips.
        size: (T, H, W).
    """
    T, H, W = size
    return (
        _flip(config, draws, W)[:, None]
        @ _crop(config, draws, H, W)[:, None]
        @ _translation(config, draws, H, W)[:, None]
        @ _rotation(config, draws, H, W)[:, None]
        @ _camera(config, draws, T, H, W)
    )


def _camera(config: AugmentConfig, draws: Draws, T: int, H: int, W: int) -> Tensor:
    def over_time(part: str, low: float, high: float) -> Tensor:
        start = draws.uniform(f"camera_start_{part}", low, high)
        end = draws.uniform(f"camera_end_{part}", low, high)
        return torch.lerp(start[:, None], end[:, None], torch.linspace(0, 1, T, dtype=torch.float64))

    degrees, (part_x, part_y) = config.camera_move_degrees, config.camera_move_translation
    poses = _poses(
        over_time("degrees", -degrees, degrees),
        over_time("scale", *config.camera_move_scale),
        over_time("shift_x", -part_x * W, part_x * W),
        over_time("shift_y", -part_y * H, part_y * H),
        H,
        W,
    )
    chosen = draws.chosen("camera_move", config)
    return torch.where(chosen[:, None, None, None], poses, torch.eye(3, dtype=torch.float64))


def _rotation(config: AugmentConfig, draws: Draws, H: int, W: int) -> Tensor:
    degrees = draws.either_side("rotation_degrees", config.rotation_degrees)
    degrees = degrees * draws.chosen("rotation", config)
    still = torch.zeros_like(degrees)
    return _poses(degrees, still + 1, still, still, H, W)


def _translation(config: AugmentConfig, draws: Draws, H: int, W: int) -> Tensor:
    chosen = draws.chosen("translation", config)
    part_x, part_y = config.translation
    shift_x = draws.either_side("translation_x", part_x * W) * chosen
    shift_y = draws.either_side("translation_y", part_y * H) * chosen
    still = torch.zeros_like(shift_x)
    return _poses(still, still + 1, shift_x, shift_y, H, W)


def _poses(degrees: Tensor, scale: Tensor, shift_x: Tensor, shift_y: Tensor, H: int, W: int) -> Tensor:
    """Return maps [..., 3, 3] that turn and scale about the picture's center, then shift in pixels."""
    x, y = (W - 1) / 2, (H - 1) / 2
    angle = torch.deg2rad(degrees)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    return _matrix(cos, -sin, x - cos * x + sin * y + shift_x, sin, cos, y - sin * x - cos * y + shift_y)


def _crop(config: AugmentConfig, draws: Draws, H: int, W: int) -> Tensor:
    aspect = W / H
    drawn = aspect + draws.either_side("crop_aspect", config.crop_aspect_jitter)
    # In pictures much taller than wide, the jitter may exceed the aspect.
    stretch = (drawn.clamp(min=aspect / 2) / aspect).sqrt()
    side = draws.uniform("crop_area", *config.crop_area).sqrt()
    chosen = draws.chosen("crop", config)
    # Share of the picture's width and height, at most 1.
    part_x = torch.where(chosen, (side * stretch).clamp(max=1), 1.0)
    part_y = torch.where(chosen, (side / stretch).clamp(max=1), 1.0)
    left = draws.uniform("crop_x", 0, 1) * (1 - part_x) * W
    top = draws.uniform("crop_y", 0, 1) * (1 - part_y) * H
    # Pixel edges, not centers, map to edges: hence the halves.
    none = torch.zeros_like(part_x)
    return _matrix(
        1 / part_x, none, (0.5 - left) / part_x - 0.5, none, 1 / part_y, (0.5 - top) / part_y - 0.5
    )


def _flip(config: AugmentConfig, draws: Draws, W: int) -> Tensor:
    chosen = draws.chosen("flip", config).double()
    none = torch.zeros_like(chosen)
    return _matrix(1 - 2 * chosen, none, chosen * (W - 1), none, none + 1, none)


def _matrix(a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor, f: Tensor) -> Tensor:
    zero = torch.zeros_like(a)
    rows = [torch.stack(row, dim=-1) for row in ((a, b, c), (d, e, f), (zero, zero, zero + 1))]
    return torch.stack(rows, dim=-2)


def _warp(frames_nTHW: Tensor, maps_n33: Tensor) -> Tensor:
    # The frames of a still clip are channels of one picture: one sampling grid for all of them.
    warped: Tensor = warp_affine(frames_nTHW, maps_n33[:, :2], frames_nTHW.shape[-2:])
    return warped


def _warp_each_frame(frames_nTHW: Tensor, maps_nT33: Tensor) -> Tensor:
    frames = frames_nTHW.flatten(0, 1)[:, None]
    warped: Tensor = warp_affine(frames, maps_nT33.flatten(0, 1)[:, :2], frames_nTHW.shape[-2:])
    return warped.reshape(frames_nTHW.shape)
