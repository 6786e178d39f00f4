"""Windows of players whose action is known, and the choice of those that become training clips."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bvas.errors import ConfigError
from bvas.experiment.input_config import InputConfig
from bvas.players.player_windows import PlayerWindow, player_windows, visible_stretches
from bvas.players.players_result import PlayersResult
from bvas.tracking.tracks import Track
from bvas.values.arrays import Bools, Ints
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


@dataclass(frozen=True, slots=True)
class LabelledCenter:
    """Center of a window with the action that it shows."""

    place: int
    """Place of the track in the list of tracks."""
    center: int
    """Grid frame."""
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class LabelledWindow:
    """A window with the action that it shows."""

    window: PlayerWindow
    label: str


def centers_of_labels(
    tracks: Sequence[Track], labels: Sequence[Sequence[str]], grid: Grid, clip: ClipConfig
) -> list[LabelledCenter]:
    """Return the centers of all windows that show one action: it covers the center, and at least half of the frames.

    A window in which the box jumps, as at a cut, is left out.

    Args:
        tracks: The players.
        labels: The action in each frame of each track; empty for none.
        grid: Grid of the video.
        clip: Number of a clip's frames.
    """
    found = []
    for place, (track, own) in enumerate(zip(tracks, labels, strict=True)):
        names = np.array(own, dtype=object)
        for windows in _stretches(track, grid, clip):
            shown = names[windows.rows]
            for label in sorted({*shown.tolist()} - {""}):
                # Each frame counts once, however often the edge of the stretch is repeated.
                before = np.append(0, np.cumsum(shown == label))
                num_shown = before[windows.last + 1] - before[windows.first]
                is_taken = (shown == label) & windows.is_steady & (2 * num_shown >= clip.num_frames)
                found += [
                    LabelledCenter(place, windows.start + offset, label)
                    for offset in np.flatnonzero(is_taken).tolist()
                ]
    return found


def centers_of_result(result: PlayersResult, grid: Grid, clip: ClipConfig) -> list[LabelledCenter]:
    """Return the centers that were classified, or corrected by hand, without those in whose window the box jumps."""
    found = []
    for place, player in enumerate(result.players):
        centers = [grid.nearest(action.seconds) for action in player.actions]
        for windows in _stretches(player.track, grid, clip):
            for center, action in zip(centers, player.actions, strict=True):
                offset = center - windows.start
                if 0 <= offset < len(windows.rows) and windows.is_steady[offset]:
                    found.append(LabelledCenter(place, center, action.label))
    return found


def choose_centers(
    centers: Sequence[LabelledCenter], config: PlayerClipsConfig, seed: Sequence[int]
) -> list[LabelledCenter]:
    """Return at most `per_class` windows of each class, at random.

    Two of one player and class do not overlap, unless the class has too few; then they are a quarter of their length
    apart at least.

    Args:
        centers: All there are.
        config: Number of windows and labels.
        seed: Seeds of the choice.
    """
    rng = np.random.default_rng(seed)
    by_label: dict[str, list[LabelledCenter]] = defaultdict(list)
    for one in centers:
        by_label[one.label].append(one)
    chosen: list[LabelledCenter] = []
    for label in config.labels or sorted(by_label):
        own = by_label[label]
        chosen += _spread([own[place] for place in rng.permutation(len(own)).tolist()], config)
    return chosen


def windows_at(
    centers: Sequence[LabelledCenter], tracks: Sequence[Track], grid: Grid, clip: ClipConfig
) -> list[LabelledWindow]:
    """Return the windows of centers, in order of their last frames."""
    labels = {(one.place, one.center): one.label for one in centers}
    found = []
    for place, track in enumerate(tracks):
        own = np.array(sorted(center for other, center in labels if other == place), np.int64)
        for window in player_windows([track], grid, own, clip):
            placed = PlayerWindow(place, window.center, window.frames)
            found.append(LabelledWindow(placed, labels[place, window.center]))
    return sorted(found, key=lambda one: (int(one.window.frames[-1]), one.window.center, one.window.place))


def _spread(centers: Sequence[LabelledCenter], config: PlayerClipsConfig) -> list[LabelledCenter]:
    """Return the first ones that keep their distance from those before them."""
    chosen: list[LabelledCenter] = []
    taken: dict[int, list[int]] = defaultdict(list)
    for apart in (config.num_frames, max(1, round(_RARE_SHARE * config.num_frames))):
        for one in centers:
            if len(chosen) == config.per_class:
                return chosen
            if all(abs(one.center - other) >= apart for other in taken[one.place]):
                chosen.append(one)
                taken[one.place].append(one.center)
    return chosen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stretch:
    """Windows around each of the G grid frames of a visible stretch."""

    start: int
    """First grid frame."""
    rows: Ints
    """Rows of the track that the grid frames show [G]."""
    first: Ints
    """First grid frame of each window, from `start` on [G]."""
    last: Ints
    """Last one [G]."""
    is_steady: Bools
    """The box does not jump in the window [G]."""


def _stretches(track: Track, grid: Grid, clip: ClipConfig) -> Iterator[_Stretch]:
    num_jumps = np.cumsum(_jumps(track))
    for first_shown, last_shown in visible_stretches(track):
        start, stop = np.searchsorted(grid.indices, [first_shown, last_shown + 1]).tolist()
        if start == stop:
            continue
        rows = np.searchsorted(track.frames, grid.indices[start:stop])
        offsets = np.arange(stop - start)
        first = np.maximum(offsets - clip.frames_before, 0)
        last = np.minimum(offsets + clip.frames_after, stop - start - 1)
        yield _Stretch(
            start=start,
            rows=rows,
            first=first,
            last=last,
            is_steady=num_jumps[rows[last]] == num_jumps[rows[first]],
        )


def _jumps(track: Track) -> Bools:
    """Return whether the box of each row is elsewhere than in the row before."""
    middles = track.boxes[:, :2] + track.boxes[:, 2:] / 2
    heights = np.maximum(track.boxes[:, 3], 1e-6)
    moved = np.hypot(*np.diff(middles, axis=0).T) > _JUMP_HEIGHTS * (heights[1:] + heights[:-1]) / 2
    ratio = heights[1:] / heights[:-1]
    jumps: Bools = np.append(False, moved | (np.maximum(ratio, 1 / ratio) > _JUMP_RATIO))
    return jumps


def row_labels(track: Track, frames: Ints, labels: Sequence[str]) -> list[str]:
    """Return the label of each row of a track from those of frames, ascending; empty for a frame without one."""
    known = dict(zip(frames.tolist(), labels, strict=True))
    return [known.get(frame, "") for frame in track.frames.tolist()]
