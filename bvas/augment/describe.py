"""Text of each clip's changes, for pictures of augmented clips."""

from bvas.augment.config import AugmentConfig
from bvas.augment.draws import Draws


def describe(config: AugmentConfig, draws: Draws) -> list[tuple[str, ...]]:
    """Return for each clip its changes, in order, with their numbers.

    Degrees count clockwise as the picture is seen, shifts to the right and down.
    """
    texts = [
        _camera_move(config, draws),
        ("rotation", config.rotation_probability, _each("turn {:+.1f}°", _degrees(config, draws))),
        ("crop", config.crop_probability, _crop(config, draws)),
        ("flip", config.flip_probability, ["flip"] * len(draws)),
        (
            "sharpness",
            config.sharpness_probability,
            _each("sharpness {:.2f}", draws.uniform("sharpness_factor", *config.sharpness_factor).tolist()),
        ),
        ("motion_blur", config.motion_blur_probability, _motion_blur(config, draws)),
        (
            "brightness",
            config.brightness_probability,
            _each(
                "brightness {:+.2f}",
                (draws.uniform("brightness_factor", *config.brightness_factor) - 1).tolist(),
            ),
        ),
        (
            "contrast",
            config.contrast_probability,
            _each("contrast x {:.2f}", draws.uniform("contrast_factor", *config.contrast_factor).tolist()),
        ),
        (
            "posterize",
            config.posterize_probability,
            _each("{} bits", draws.integers("posterize_bits", *config.posterize_bits).tolist()),
        ),
        ("noise", config.noise_probability, [f"noise {config.noise_deviation:.2f}"] * len(draws)),
    ]
    found: list[list[str]] = [[] for _ in range(len(draws))]
    for name, probability, of_clips in texts:
        for clip in draws.chosen(name, probability).nonzero()[:, 0].tolist():
            found[clip].append(of_clips[clip])
    return [tuple(changes) for changes in found]


def _each(text: str, values: list[float]) -> list[str]:
    return [text.format(value) for value in values]


def _degrees(config: AugmentConfig, draws: Draws) -> list[float]:
    degrees: list[float] = draws.either_side("rotation_degrees", config.rotation_degrees).tolist()
    return degrees


def _camera_move(config: AugmentConfig, draws: Draws) -> tuple[str, float, list[str]]:
    part_x, part_y = config.camera_move_translation
    poses = []
    for end in ("camera_start", "camera_end"):
        poses.append(
            zip(
                draws.either_side(f"{end}_degrees", config.camera_move_degrees).tolist(),
                draws.either_side(f"{end}_shift_x", 100 * part_x).tolist(),
                draws.either_side(f"{end}_shift_y", 100 * part_y).tolist(),
                draws.uniform(f"{end}_scale", *config.camera_move_scale).tolist(),
                strict=True,
            )
        )
    texts = [
        f"camera: turn {start[0]:+.1f}° to {end[0]:+.1f}°, shift ({start[1]:+.1f}, {start[2]:+.1f}) "
        f"to ({end[1]:+.1f}, {end[2]:+.1f}) %, zoom {start[3]:.2f} to {end[3]:.2f}"
        for start, end in zip(*poses, strict=True)
    ]
    return "camera_move", config.camera_move_probability, texts


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


def _motion_blur(config: AugmentConfig, draws: Draws) -> list[str]:
    # kornia counts counterclockwise.
    degrees = (-draws.either_side("motion_blur_degrees", config.motion_blur_degrees)).tolist()
    return [f"blur over {config.motion_blur_size} pixels at {angle:+.1f}°" for angle in degrees]
