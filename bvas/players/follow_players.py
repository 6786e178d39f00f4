"""Players followed without a detector: each drawn box through the video, until it is lost."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bvas.detection.box_following import BoxFollower
from bvas.errors import ConfigError, DecodeError
from bvas.players.drawn_players import frames_of, group_rois
from bvas.players.rois import Roi
from bvas.tracking.tracks import Track
from bvas.values.boxes import box_overlaps
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.decode.open_video import open_video
from bvas.video.decode.video_reader import FrameReader
from bvas.video.index.frame_table import VideoIndex

_SAME_OVERLAP = 0.6
"""IoU from which two boxes lie on each other."""
_SAME_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class LostPlayer:
    """A followed player that was lost."""

    player: int
    """Number, from 1."""
    seconds: float
    """Time of the first frame in which he was not found."""


@dataclass(frozen=True, slots=True)
class FollowedPlayers:
    """Players that were followed."""

    tracks: tuple[tuple[Track, str], ...]
    """Tracks with their names, numbered from 1 in the order in which they were drawn."""
    lost: tuple[LostPlayer, ...]
    """In order of time; a player that is drawn again is followed again."""


@dataclass(slots=True)
class _Followed:
    """One player on his way."""

    number: int
    starts: dict[int, Roi]
    """Drawn box by its frame."""
    follower: BoxFollower | None = None
    frames: list[int] = field(default_factory=list)
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)

    def look(self, frame: int, picture: NDArray[np.uint8]) -> bool:
        """Take the next picture; return whether the player was lost in it."""
        box = None
        if frame in self.starts:
            box = self.starts[frame].box
            self.follower = BoxFollower(picture, box)
        elif self.follower is not None:
            box = self.follower.update(picture)
            if box is None:
                self.follower = None
                return True
        if box is not None:
            self.frames.append(frame)
            self.boxes.append(box)
        return False

    def lose(self, frame: int) -> None:
        """Stop following, and drop the boxes from a frame on; drawn ones stay."""
        self.follower = None
        kept = [place for place, at in enumerate(self.frames) if at < frame or at in self.starts]
        self.frames, self.boxes = (
            [self.frames[place] for place in kept],
            [self.boxes[place] for place in kept],
        )

    def is_done(self, frame: int) -> bool:
        """Return whether the player is lost, and not drawn again after a frame."""
        return self.follower is None and all(start <= frame for start in self.starts)


class _Meetings:
    """Pairs of followed boxes that lie on each other. Where that lasts, one of the two shows the other's player."""

    def __init__(self, index: VideoIndex) -> None:
        self._index = index
        self._since: dict[tuple[int, int], int] = {}

    def lost(self, players: Sequence[_Followed], frame: int, picture: NDArray[np.uint8]) -> list[LostPlayer]:
        """Stop following those who are hidden behind another: of two, the one less like what was drawn."""
        found = []
        for one, other in combinations([player for player in players if player.follower is not None], 2):
            pair = one.number, other.number
            boxes = np.array([one.boxes[-1], other.boxes[-1]])
            if box_overlaps(boxes[:1], boxes[1:])[0, 0] < _SAME_OVERLAP:
                self._since.pop(pair, None)
                continue
            since = self._since.setdefault(pair, frame)
            lasts = self._index.seconds_of(frame) - self._index.seconds_of(since)
            if lasts < _SAME_SECONDS or one.follower is None or other.follower is None:
                continue
            is_first = one.follower.drawn_likeness(picture) < other.follower.drawn_likeness(picture)
            hidden = one if is_first else other
            hidden.lose(since)
            found.append(LostPlayer(hidden.number, self._index.seconds_of(since)))
        return found


def follow_players(
    index: VideoIndex,
    rois: Sequence[Roi],
    *,
    reading: ReadOptions = DEFAULT_READING,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> FollowedPlayers:
    """Follow drawn boxes through all later frames, in one pass; a player has no boxes after he is lost.

    Two boxes that lie on each other for half a second show one player: the other one is hidden, and lost from the
    moment when they met.

    Args:
        index: The video.
        rois: At least one; boxes of one name are of one player, who is followed again from each.
        reading: Stream, rate and tone.
        strict: Raise where a frame cannot be decoded, instead of passing it over.
        progress: Called with the frames done and all there are.

    Raises:
        ConfigError: no box, or one that lies outside of the video.
        DecodeError: the video cannot be read, or a frame in which a box is drawn. Other lost frames are passed over.
    """
    if not rois:
        raise ConfigError("no box to follow; draw one with --roi X,Y,W,H@TIME, or on the page of --choose")
    start_of = dict(zip(map(id, rois), frames_of(rois, index), strict=True))
    players = [
        _Followed(number, {start_of[id(roi)]: roi for roi in drawn})
        for number, (_, drawn) in enumerate(group_rois(rois), start=1)
    ]
    lost: list[LostPlayer] = []
    meetings = _Meetings(index)
    first = min(start_of.values())
    unread = set(start_of.values())
    with open_video(
        index.path, "pyav", channels="rgb", stream=reading.stream, rate=reading.rate, tone=reading.tone
    ) as reader:
        for frame, picture in _pictures(reader, first, strict=strict):
            unread.discard(frame)
            lost += [
                LostPlayer(player.number, index.seconds_of(frame))
                for player in players
                if player.look(frame, picture)
            ]
            lost += meetings.lost(players, frame, picture)
            if progress is not None:
                progress(frame + 1 - first, index.num_frames - first)
            if all(player.is_done(frame) for player in players):
                break
    if unread:
        raise DecodeError(
            f"{index.path}: frame {min(unread)}, in which a box is drawn, cannot be decoded; draw the box in another "
            "frame",
            path=index.path,
        )
    return FollowedPlayers(
        tracks=tuple(
            (_track(player, index), name) for player, (name, _) in zip(players, group_rois(rois), strict=True)
        ),
        lost=tuple(sorted(lost, key=lambda one: one.seconds)),
    )


def _pictures(reader: FrameReader, first: int, *, strict: bool) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the frames that can be decoded, from `first` on."""
    while first < reader.info.num_frames:
        try:
            for start, pictures in reader.stream(first):
                yield from enumerate(pictures, start=start)
            return
        except DecodeError as error:
            if strict or error.lost is None:
                raise
            first = error.lost.stop


def _track(player: _Followed, index: VideoIndex) -> Track:
    frames = np.array(player.frames, np.int64)
    return Track(
        number=player.number,
        frames=frames,
        seconds=index.seconds[frames],
        boxes=np.array(player.boxes, np.float64),
        scores=np.ones(len(frames), np.float32),
    )
