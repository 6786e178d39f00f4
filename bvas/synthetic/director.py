"""Who decides what is on air: main camera, second camera, close-up or replay, frame by frame.

The match goes on whatever is shown: frame i of the video is always frame i of the play, unless it belongs to a
replay, which shows frames from before the replay's start.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bvas.synthetic.broadcast import BroadcastConfig
from bvas.synthetic.events import NUM_PLAYERS, Play, PlayEvent
from bvas.synthetic.movement import Floats

ShotKind = Literal["main", "second", "closeup", "replay"]

_LEAD_SECONDS = 2.0
"""A replay of an incident begins this long before it."""
POSITIONS = {
    "second": np.array([(-34.0, -60.0, 15.0), (34.0, -60.0, 15.0)]),
    "closeup": np.array([(0.0, -62.0, 17.0), (-18.0, -43.0, 2.4), (18.0, -43.0, 2.4)]),
    "replay": np.array(
        [
            *((-34.0, -60.0, 15.0), (34.0, -60.0, 15.0), (-20.0, -43.0, 4.0), (20.0, -43.0, 4.0)),
            *((-66.0, -9.0, 9.0), (66.0, 9.0, 9.0)),
        ]
    ),
}
"""Where the cameras of each kind of shot stand, [views, 3] meters."""
_OWN_BALL_M = 7.0
"""Who is shown in a close-up has the ball at least this far away all the time, and outside the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Frames [start, stop) from one camera."""

    start: int
    stop: int
    kind: ShotKind
    player: int = -1
    """Who a close-up shows."""
    width_m: float = 0.0
    """Meters across the picture; 0 as the main camera has it."""
    view: int = 0
    """Which of a kind's camera positions."""
    first_shown: float = 0.0
    """The frame of the play with which a replay begins."""
    speed: float = 1.0
    """Of a replay, over the match's."""

    @property
    def is_live(self) -> bool:
        """Whether what happens now can be seen: a close-up shows one player, and not the ball."""
        return self.kind in ("main", "second")


def direct(play: Play, config: BroadcastConfig, seed: int | tuple[int, ...]) -> tuple[Shot, ...]:
    """Return the shots of a half, in order and without a gap."""
    rng = np.random.default_rng(seed)
    director = _Director(play, config, rng)
    wishes = [*director.after_incidents(), *director.in_the_run_of_play()]
    wishes.sort(key=lambda shots: shots[0].start)
    return _arranged(wishes, play.num_frames, round(config.least_main_seconds * float(play.rate)))


class _Director:
    def __init__(self, play: Play, config: BroadcastConfig, rng: np.random.Generator) -> None:
        self._play = play
        self._config = config
        self._rng = rng
        self._rate = float(play.rate)

    def after_incidents(self) -> list[list[Shot]]:
        """Return a close-up, a replay or both after whatever stopped the game or nearly did."""
        config, rng = self._config, self._rng
        replays = {
            "Goal": config.replay_after_goal,
            "Shots on target": config.replay_after_shot,
            "Shots off target": config.replay_after_shot,
            "Penalty": config.replay_after_shot,
            "Foul": config.replay_after_foul,
            "Offside": config.replay_after_foul,
            "Ball out of play": config.replay_after_out,
        }
        wishes = []
        for incident in self._play.incidents:
            if incident.label not in replays:
                continue
            start = incident.frame + self._frames(rng.uniform(1.2, 2.0))
            shots = []
            stops = not incident.label.startswith("Shots")
            if stops and rng.random() < config.closeup_after_stop:
                shots += self._closeup(start, incident.player)
                start = shots[-1].stop if shots else start
            if rng.random() < replays[incident.label]:
                shots.append(self._replay(start, incident))
            if shots:
                wishes.append(shots)
        return wishes

    def in_the_run_of_play(self) -> list[list[Shot]]:
        """Return what comes at any time."""
        config, rng, play = self._config, self._rng, self._play
        minutes = play.num_frames / self._rate / 60.0
        wishes = []
        for start in self._times(config.closeups_per_minute * minutes):
            wishes.append(self._closeup(start, int(rng.integers(NUM_PLAYERS))))
        for start in self._times(config.replays_per_minute * minutes):
            first = start - self._frames(rng.uniform(5.0, 15.0))
            recent = [event for event in play.events if first <= event.frame < start - self._frames(2.0)]
            if recent:
                wishes.append([self._replay(start, recent[int(rng.integers(len(recent)))])])
        for start in self._times(config.cuts_per_minute * minutes):
            stop = start + self._frames(rng.uniform(*config.cut_seconds))
            width, view = float(rng.uniform(20.0, 34.0)), self._view("second")
            wishes.append([Shot(start=start, stop=stop, kind="second", width_m=width, view=view)])
        return [shots for shots in wishes if shots]

    def _times(self, expected: float) -> list[int]:
        number = int(self._rng.poisson(expected))
        return sorted(self._rng.integers(0, self._play.num_frames, number).tolist())

    def _view(self, kind: ShotKind) -> int:
        return int(self._rng.integers(len(POSITIONS[kind])))

    def _closeup(self, start: int, player: int) -> list[Shot]:
        """Return a close-up of a player, or of another one who is far enough from the ball; none at times."""
        play, rng, config = self._play, self._rng, self._config
        stop = start + self._frames(rng.uniform(*config.closeup_seconds))
        width, view = float(rng.uniform(*config.closeup_width_m)), self._view("closeup")
        frames = slice(start, stop)
        if stop > play.num_frames:
            return []
        away = play.players[frames, :NUM_PLAYERS] - play.ball[frames, None, :2]
        nearest = np.hypot(away[..., 0], away[..., 1]).min(axis=0)
        there = play.players[start, :NUM_PLAYERS]
        order = np.argsort(np.hypot(*(there - there[player]).T), kind="stable").tolist()
        apart = self._angle_from_ball(frames, POSITIONS["closeup"][view], width)
        free = [other for other in order if nearest[other] > _OWN_BALL_M and apart[other] > 0.0]
        if not free:
            return []
        return [Shot(start=start, stop=stop, kind="closeup", player=free[0], width_m=width, view=view)]

    def _angle_from_ball(self, frames: slice, place: Floats, width_m: float) -> Floats:
        """Return by how many radians, at least, the ball is outside a close-up of each player, [22]."""
        players = self._play.players[frames, :NUM_PLAYERS].astype(np.float64) - place[:2]
        ball = self._play.ball[frames, None, :2].astype(np.float64) - place[:2]
        across = players[..., 0] * ball[..., 1] - players[..., 1] * ball[..., 0]
        angle = np.abs(np.arctan2(across, (players * ball).sum(axis=-1)))
        # Half the picture, and as much again for the camera's lag.
        picture = width_m / np.maximum(np.hypot(players[..., 0], players[..., 1]), 1.0)
        return np.asarray((angle - picture).min(axis=0))

    def _replay(self, start: int, event: PlayEvent) -> Shot:
        rng, config = self._rng, self._config
        seconds = float(rng.uniform(*config.replay_seconds))
        speed = float(rng.uniform(*config.replay_speed))
        first = max(0.0, event.frame - min(_LEAD_SECONDS, 0.7 * seconds) * self._rate)
        # What is shown has been: a replay never catches up with the match.
        shown = min(seconds * self._rate, start - 1 - first)
        stop = start + max(1, int(shown / speed))
        width, view = float(rng.uniform(15.0, 26.0)), self._view("replay")
        return Shot(
            start=start,
            stop=stop,
            kind="replay",
            width_m=width,
            view=view,
            first_shown=first,
            speed=speed,
        )

    def _frames(self, seconds: float) -> int:
        return round(seconds * self._rate)


def _arranged(wishes: list[list[Shot]], num_frames: int, least_main: int) -> tuple[Shot, ...]:
    """Return those wishes that fit one after another, with the main camera between them."""
    shots: list[Shot] = []
    done = 0
    for group in wishes:
        if group[0].start < done + least_main or group[-1].stop > num_frames:
            continue
        shots.append(Shot(start=done, stop=group[0].start, kind="main"))
        shots += group
        done = group[-1].stop
    if done < num_frames:
        shots.append(Shot(start=done, stop=num_frames, kind="main"))
    return tuple(shots)
