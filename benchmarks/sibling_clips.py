"""Short clips that are easy to confuse, with copies of some of them hidden among them.

Clips are windows of synthetic matches, each of another time or place. In half of the matches the camera follows the
ball, in the others it stands still, so that clips of a match share every line of the background.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.config import SceneConfig, SyntheticConfig
from bvas.synthetic.half_video import half_renderer
from bvas.video.encode.video_writer import VideoWriter

NUM_FRAMES, RATE, SIZE = 16, Fraction(10), (176, 128)
_FILMED = (360, 640)
_PER_MATCH = 100
_PER_MOMENT = 2

Frames = NDArray[np.uint8]
KINDS = (
    "mirror",
    "rotation",
    "rotation, edges repeated",
    "shift",
    "coded again",
    "coded again, smaller",
    "mirror and rotation",
    "shift and coded again",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A clip, and what it is a copy of."""

    path: Path
    match: int
    copy_of: int | None = None
    """Number of the original."""
    kind: str = "original"


def make_clips(folder: Path, *, num_clips: int, num_copies: int, seed: int = 0) -> list[Clip]:
    """Write clips, and behind them copies of some; files that exist are kept.

    Args:
        folder: Where they go.
        num_clips: All together.
        num_copies: How many of them are copies; each has its own original, and kinds follow each other.
        seed: Of matches, windows and copies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    num_originals = num_clips - num_copies
    originals = sorted(rng.choice(num_originals, num_copies, replace=False).tolist())
    kind_of = {number: KINDS[place % len(KINDS)] for place, number in enumerate(originals)}
    clips, copies = [], []
    for number, (match, frames) in enumerate(_originals(num_originals, seed)):
        clip = Clip(path=folder / f"{number:05d}.mp4", match=match)
        _write(clip.path, frames, crf=20)
        clips.append(clip)
        if number in kind_of:
            kind = kind_of[number]
            copy = Clip(path=folder / f"{number:05d}_copy.mp4", match=match, copy_of=number, kind=kind)
            changed, crf = change(frames, kind, np.random.default_rng((seed, number)))
            _write(copy.path, changed, crf=crf)
            copies.append(copy)
    return clips + copies


def change(frames: Frames, kind: str, rng: np.random.Generator) -> tuple[Frames, int]:
    """Return the frames of a copy, and the quality that it is coded with.

    Args:
        frames: [T, H, W].
        kind: One of `KINDS`.
        rng: Draws angle and shift.
    """
    height, width = frames.shape[1:]
    matrix = np.eye(2, 3)
    if "rotation" in kind:
        matrix = cv2.getRotationMatrix2D(
            (width / 2, height / 2), rng.uniform(10, 30) * rng.choice((-1, 1)), 1.0
        )
    if "shift" in kind:
        matrix[:, 2] += (
            rng.uniform(0.125, 0.25) * width * rng.choice((-1, 1)),
            rng.uniform(-0.1, 0.1) * height,
        )
    border = cv2.BORDER_REPLICATE if "repeated" in kind else cv2.BORDER_CONSTANT
    changed = np.stack(
        [
            cv2.warpAffine(
                np.ascontiguousarray(frame[:, ::-1] if "mirror" in kind else frame),
                matrix,
                (width, height),
                flags=cv2.INTER_LINEAR,
                borderMode=border,
                borderValue=16,
            )
            for frame in frames
        ]
    )
    if "smaller" in kind:
        changed = np.stack([cv2.resize(frame, (96, 132), interpolation=cv2.INTER_AREA) for frame in changed])
    return changed, 35 if "coded again" in kind else 23


def _originals(number: int, seed: int) -> Iterator[tuple[int, Frames]]:
    made = match = 0
    while made < number:
        for frames in _clips_of_match(match, seed):
            yield match, frames
            made += 1
            if made == number:
                return
        match += 1


def _clips_of_match(match: int, seed: int) -> Iterator[Frames]:
    """Yield the clips of a match: at each moment the windows with the most movement."""
    scene = SceneConfig()
    if match % 2:
        scene = replace(
            scene, camera_lag_seconds=1e6, camera_shake_m=0.0, zoom_variation=0.0, view_width_m=50.0
        )
    num_moments = _PER_MATCH // _PER_MOMENT
    minutes = 2 * num_moments * NUM_FRAMES / float(RATE) / 60
    config = SyntheticConfig(
        size=_FILMED,
        rate=RATE,
        minutes=minutes,
        matches=match + 1,
        challenge_matches=0,
        scene=scene,
        seed=seed,
    )
    height, width = SIZE
    corners = [(top, left) for top in (0, height) for left in range(0, _FILMED[1], width)]
    chunk: list[Frames] = []
    for frame in half_renderer(config, match, 1).frames():
        chunk.append(np.asarray(frame))
        if len(chunk) == NUM_FRAMES:
            frames = np.stack(chunk)
            windows = [frames[:, top : top + height, left : left + width] for top, left in corners]
            windows.sort(
                key=lambda window: -float(np.abs(np.diff(window[::5].astype(np.int16), axis=0)).mean())
            )
            yield from windows[:_PER_MOMENT]
            chunk = []


def _write(path: Path, frames: Frames, *, crf: int) -> None:
    if path.exists():
        return
    with VideoWriter(path, size=frames.shape[1:], rate=RATE, crf=crf) as writer:
        for frame in frames:
            writer.write(np.ascontiguousarray(frame))
