"""Windows of players whose action is known, and the choice of those that become training clips."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.experiment.input_config import InputConfig
from bvas.players.player_windows import PlayerWindow, player_windows
from bvas.players.players_result import PlayersResult
from bvas.tracking.tracks import Track
from bvas.values.arrays import Ints
from bvas.values.clip_config import ClipConfig
from bvas.video.index.frame_grid import Grid

# From one frame to the next a box moves by less than its height and keeps its size, but at a cut.
_JUMP_HEIGHTS, _JUMP_RATIO = 1.0, 1.5
# Windows of a rare class are at least this share of their length apart.
_RARE_SHARE = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayerClipsConfig:
    """Form and number of the clips."""

    size: tuple[int, int] = (176, 128)
    """(H, W) of the pictures, both even; boxes are widened to its aspect."""
    rate: float = 10.0
    """Frames per second."""
    num_frames: int = 16
    """Frames of a clip (T)."""
    per_class: int = 100
    """Most clips of a class from a video."""
    labels: tuple[str, ...] = ()
    """Classes that are taken, in this order; empty: all that are found, sorted."""
    seed: int = 0
    """Of the choice."""

    def __post_init__(self) -> None:
        if min(self.size) < 2 or self.size[0] % 2 or self.size[1] % 2:
            raise ConfigError(f"size must be (H, W), both even and at least 2, got {self.size}")
        for name in ("num_frames", "per_class"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.seed < 0:
            raise ConfigError(f"seed must be at least 0, got {self.seed}")
        if len(set(self.labels)) < len(self.labels):
            raise ConfigError(f"labels name one twice: {', '.join(self.labels)}")
        # Raises for a rate that is not a positive number.
        _ = self.input

    @property
    def input(self) -> InputConfig:
        """How the video is read."""
        return InputConfig(size=self.size, rate=self.rate, channels="rgb")

    @property
    def clip(self) -> ClipConfig:
        """Frames of a clip on the grid of `rate`."""
        return ClipConfig(num_frames=self.num_frames, frame_step=1, stack_size=1)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledWindow:
    """A window with the action that it shows."""

    window: PlayerWindow
    label: str


def windows_of_labels(
    tracks: Sequence[Track], labels: Sequence[Sequence[str]], grid: Grid, clip: ClipConfig
) -> list[LabelledWindow]:
    """Return all windows that show one action: it covers the center, and at least half of the frames.

    A window in which the box jumps, as at a cut, is left out.

    Args:
        tracks: The players.
        labels: The action in each frame of each track; empty for none.
        grid: Grid of the video.
        clip: Number of a clip's frames.
    """
    centers = np.arange(len(grid.indices))
    wanted = []
    for window in player_windows(tracks, grid, centers, clip):
        own = labels[window.place]
        # Each frame counts once, however often the edge of a stretch is repeated.
        rows = np.searchsorted(tracks[window.place].frames, grid.indices[np.unique(window.frames)])
        label = own[int(np.searchsorted(tracks[window.place].frames, grid.indices[window.center]))]
        if label and 2 * sum(own[row] == label for row in rows.tolist()) >= clip.num_frames:
            wanted.append(LabelledWindow(window, label))
    return _without_jumps(wanted, tracks, grid)


def windows_of_result(result: PlayersResult, grid: Grid, clip: ClipConfig) -> list[LabelledWindow]:
    """Return the windows that were classified, or corrected by hand, without those in which the box jumps."""
    tracks = [player.track for player in result.players]
    found = []
    for place, player in enumerate(result.players):
        times = np.array([action.seconds for action in player.actions])
        labels = dict(zip(_nearest(grid.seconds, times).tolist(), player.actions, strict=True))
        for window in player_windows([player.track], grid, np.array(sorted(labels), np.int64), clip):
            found.append(
                LabelledWindow(PlayerWindow(place, window.center, window.frames), labels[window.center].label)
            )
    return _without_jumps(_in_order(found), tracks, grid)


def choose_windows(
    windows: Sequence[LabelledWindow], config: PlayerClipsConfig, seed: Sequence[int]
) -> list[LabelledWindow]:
    """Return at most `per_class` windows of each class, at random, in order of their last frames.

    Two of one player and class do not overlap, unless the class has too few; then they are a quarter of their length
    apart at least.

    Args:
        windows: All there are.
        config: Number of windows and labels.
        seed: Seeds of the choice.
    """
    rng = np.random.default_rng(seed)
    by_label: dict[str, list[LabelledWindow]] = defaultdict(list)
    for window in windows:
        by_label[window.label].append(window)
    chosen: list[LabelledWindow] = []
    for label in config.labels or sorted(by_label):
        own = by_label[label]
        shuffled = [own[place] for place in rng.permutation(len(own)).tolist()]
        chosen += _spread(shuffled, config)
    return _in_order(chosen)


def _spread(windows: Sequence[LabelledWindow], config: PlayerClipsConfig) -> list[LabelledWindow]:
    """Return the first windows that keep their distance from those before them."""
    chosen: list[LabelledWindow] = []
    centers: dict[int, list[int]] = defaultdict(list)
    for apart in (config.num_frames, max(1, round(_RARE_SHARE * config.num_frames))):
        for one in windows:
            if len(chosen) == config.per_class:
                return chosen
            taken, center = centers[one.window.place], one.window.center
            if all(abs(center - other) >= apart for other in taken):
                chosen.append(one)
                taken.append(center)
    return chosen


def _in_order(windows: Sequence[LabelledWindow]) -> list[LabelledWindow]:
    return sorted(windows, key=lambda one: (int(one.window.frames[-1]), one.window.center, one.window.place))


def _nearest(seconds: NDArray[np.float64], times: NDArray[np.float64]) -> Ints:
    """Return the grid frame nearest to each time."""
    right = np.clip(np.searchsorted(seconds, times), 1, max(len(seconds) - 1, 1))
    nearest = np.where(times - seconds[right - 1] <= seconds[right] - times, right - 1, right)
    return np.asarray(nearest, np.int64)


def _without_jumps(
    windows: Sequence[LabelledWindow], tracks: Sequence[Track], grid: Grid
) -> list[LabelledWindow]:
    jumps = [_jumps(track) for track in tracks]

    def is_steady(window: PlayerWindow) -> bool:
        first, last = grid.indices[window.frames[0]], grid.indices[window.frames[-1]]
        at = jumps[window.place]
        return not ((at > first) & (at <= last)).any()

    return [one for one in windows if is_steady(one.window)]


def _jumps(track: Track) -> Ints:
    """Return the source frames at which the box is elsewhere than in the frame before."""
    middles = track.boxes[:, :2] + track.boxes[:, 2:] / 2
    heights = np.maximum(track.boxes[:, 3], 1e-6)
    moved = np.hypot(*np.diff(middles, axis=0).T) > _JUMP_HEIGHTS * (heights[1:] + heights[:-1]) / 2
    ratio = heights[1:] / heights[:-1]
    resized = np.maximum(ratio, 1 / ratio) > _JUMP_RATIO
    at: Ints = track.frames[1:][moved | resized]
    return at


def row_labels(track: Track, frames: Ints, labels: Sequence[str]) -> list[str]:
    """Return the label of each row of a track from those of frames, ascending; empty for a frame without one."""
    known = dict(zip(frames.tolist(), labels, strict=True))
    return [known.get(frame, "") for frame in track.frames.tolist()]
