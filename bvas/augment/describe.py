"""Text of each clip's changes, for pictures of augmented clips."""

from torch import Tensor

from bvas.augment.config import AugmentConfig
from bvas.augment.draws import Draws


def describe(config: AugmentConfig, draws: Draws) -> list[tuple[str, ...]]:
    """Return for each clip its changes, in order, with their numbers.

    Degrees count clockwise as the picture is seen, shifts to the right and down.
    """
    blur = f"blur over {config.motion_blur_size} pixels at {{:+.1f}}°"
    texts = {
        "camera_move": _camera_move(config, draws),
        "rotation": _each("turn {:+.1f}°", draws.either_side("rotation_degrees", config.rotation_degrees)),
        "translation": _translation(config, draws),
        "crop": _crop(config, draws),
        "flip": ["flip"] * len(draws),
        "sharpness": _each("sharpness {:.2f}", draws.uniform("sharpness_factor", *config.sharpness_factor)),
        # kornia counts counterclockwise.
        "motion_blur": _each(blur, -draws.either_side("motion_blur_degrees", config.motion_blur_degrees)),
        "brightness": _each(
            "brightness {:+.2f}", draws.uniform("brightness_factor", *config.brightness_factor) - 1
        ),
        "contrast": _each("contrast x {:.2f}", draws.uniform("contrast_factor", *config.contrast_factor)),
        "saturation": _each(
            "saturation x {:.2f}", draws.uniform("saturation_factor", *config.saturation_factor)
        ),
        "hue": _each("hue {:+.0f}°", draws.either_side("hue_degrees", config.hue_degrees)),
        "posterize": _each("{} bits", draws.integers("posterize_bits", *config.posterize_bits)),
        "noise": [f"noise {config.noise_deviation:.2f}"] * len(draws),
    }
    found: list[list[str]] = [[] for _ in range(len(draws))]
    for name, of_clips in texts.items():
        for clip in draws.chosen(name, config).nonzero()[:, 0].tolist():
            found[clip].append(of_clips[clip])
    return [tuple(changes) for changes in found]


def _each(text: str, values: Tensor) -> list[str]:
    return [text.format(value) for value in values.tolist()]


def _translation(config: AugmentConfig, draws: Draws) -> list[str]:
    """Return the shifts in percent of width and height."""
    part_x, part_y = config.translation
    shifts = zip(
        (100 * draws.either_side("translation_x", part_x)).tolist(),
        (100 * draws.either_side("translation_y", part_y)).tolist(),
        strict=True,
    )
    return [f"shift {x:+.0f} % {y:+.0f} %" for x, y in shifts]


def _camera_move(config: AugmentConfig, draws: Draws) -> list[str]:
    part_x, part_y = config.camera_move_translation
    poses = [
        zip(
            draws.either_side(f"{end}_degrees", config.camera_move_degrees).tolist(),
            draws.either_side(f"{end}_shift_x", 100 * part_x).tolist(),
            draws.either_side(f"{end}_shift_y", 100 * part_y).tolist(),
            draws.uniform(f"{end}_scale", *config.camera_move_scale).tolist(),
            strict=True,
        )
        for end in ("camera_start", "camera_end")
    ]
    return [
        f"camera: turn {start[0]:+.1f}° to {end[0]:+.1f}°, shift ({start[1]:+.1f}, {start[2]:+.1f}) "
        f"to ({end[1]:+.1f}, {end[2]:+.1f}) %, zoom {start[3]:.2f} to {end[3]:.2f}"
        for start, end in zip(*poses, strict=True)
    ]


def _crop(config: AugmentConfig, draws: Draws) -> list[str]:
    return [
        f"crop of {100 * area:.0f} % from {100 * x:.0f} % left, {100 * y:.0f} % top"
        for area, x, y in zip(
            draws.uniform("crop_area", *config.crop_area).tolist(),
            draws.uniform("crop_x", 0, 1).tolist(),
            draws.uniform("crop_y", 0, 1).tolist(),
            strict=True,
        )
    ]
