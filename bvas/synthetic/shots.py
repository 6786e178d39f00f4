"""Shot list of a half: main camera, second camera, close-ups and replays.

The match continues during every shot. Frame i of the video is frame i of the play, except in a replay, which
shows frames from before its start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bvas.synthetic.movement import Floats
from bvas.synthetic.play_record import NUM_PLAYERS, Play, PlayEvent, Seed

ShotKind = Literal["main", "second", "closeup", "replay"]

CAMERA_POSITIONS = {
    "second": np.array([(-34.0, -60.0, 15.0), (34.0, -60.0, 15.0)]),
    "closeup": np.array([(0.0, -62.0, 17.0), (-18.0, -43.0, 2.4), (18.0, -43.0, 2.4)]),
    "replay": np.array(
        [
            *((-34.0, -60.0, 15.0), (34.0, -60.0, 15.0), (-20.0, -43.0, 4.0), (20.0, -43.0, 4.0)),
            *((-66.0, -9.0, 9.0), (66.0, 9.0, 9.0)),
        ]
    ),
}
"""Camera positions of each kind of shot, [views, 3] meters."""
# Probability of a replay after an incident.
_REPLAYED = {
    "Goal": 0.9,
    **dict.fromkeys(("Shots on target", "Shots off target", "Penalty"), 0.4),
    **dict.fromkeys(("Foul", "Offside"), 0.5),
    "Ball out of play": 0.12,
}
_CLOSEUP_AFTER_STOP = 0.4
# In the run of play; shots after an incident are extra.
_CLOSEUPS_PER_MINUTE, _REPLAYS_PER_MINUTE, _SECOND_PER_MINUTE = 0.6, 0.5, 1.0
# (least, most)
_CLOSEUP_SECONDS, _REPLAY_SECONDS, _SECOND_SECONDS = (1.4, 3.2), (2.0, 4.0), (2.5, 6.0)
_CLOSEUP_WIDTH_M, _REPLAY_WIDTH_M, _SECOND_WIDTH_M = (4.0, 8.0), (15.0, 26.0), (20.0, 34.0)
_REPLAY_SPEED = (0.5, 1.0)
_LEAD_SECONDS = 2.0
"""A replay begins this long before its event."""
_LEAST_MAIN_SECONDS = 2.0
_BALL_AWAY_M = 7.0
"""Least distance of the ball from the player in a close-up; the ball is also outside the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Frames [start, stop) from one camera."""

    start: int
    stop: int
    kind: ShotKind
    player: int = -1
    """The player in a close-up."""
    width_m: float = 0.0
    """Meters across the picture; 0 for the main camera, which has its own zoom."""
    view: int = 0
    """Index in the camera positions of the kind."""
    first_shown: float = 0.0
    """First frame of the play in a replay."""
    speed: float = 1.0
    """Speed of a replay over the match's."""


def plan_shots(play: Play, seed: Seed) -> tuple[Shot, ...]:
    """Return the shots of a half, in order and without a gap."""
    planner = _Planner(play, np.random.default_rng(seed))
    wishes = [shots for shots in (*planner.after_incidents(), *planner.in_run_of_play()) if shots]
    wishes.sort(key=lambda shots: shots[0].start)
    return _arranged(wishes, play.num_frames, round(_LEAST_MAIN_SECONDS * float(play.rate)))


class _Planner:
    def __init__(self, play: Play, rng: np.random.Generator) -> None:
        self._play = play
        self._rng = rng
        self._rate = float(play.rate)

    def after_incidents(self) -> list[list[Shot]]:
        """Return a close-up, a replay or both after each incident."""
        rng = self._rng
        wishes = []
        for incident in self._play.incidents:
            if incident.label not in _REPLAYED:
                continue
            start = incident.frame + self._frames(1.2, 2.0)
            shots = []
            stops = not incident.label.startswith("Shots")
            if stops and rng.random() < _CLOSEUP_AFTER_STOP:
                shots += self._closeup(start, incident.player)
                start = shots[-1].stop if shots else start
            if rng.random() < _REPLAYED[incident.label]:
                shots.append(self._replay(start, incident))
            wishes.append(shots)
        return wishes

    def in_run_of_play(self) -> list[list[Shot]]:
        """Return shots at random times."""
        rng, play = self._rng, self._play
        wishes = []
        for start in self._times(_CLOSEUPS_PER_MINUTE):
            wishes.append(self._closeup(start, int(rng.integers(NUM_PLAYERS))))
        for start in self._times(_REPLAYS_PER_MINUTE):
            first, last = start - self._frames(5.0, 15.0), start - round(2.0 * self._rate)
            recent = [event for event in play.events if first <= event.frame < last]
            if recent:
                wishes.append([self._replay(start, recent[int(rng.integers(len(recent)))])])
        for start in self._times(_SECOND_PER_MINUTE):
            stop = start + self._frames(*_SECOND_SECONDS)
            width, view = float(rng.uniform(*_SECOND_WIDTH_M)), self._view("second")
            wishes.append([Shot(start=start, stop=stop, kind="second", width_m=width, view=view)])
        return wishes

    def _times(self, per_minute: float) -> list[int]:
        number = int(self._rng.poisson(per_minute * (self._play.num_frames / self._rate / 60.0)))
        return sorted(self._rng.integers(0, self._play.num_frames, number).tolist())

    def _view(self, kind: ShotKind) -> int:
        return int(self._rng.integers(len(CAMERA_POSITIONS[kind])))

    def _closeup(self, start: int, player: int) -> list[Shot]:
        """Return a close-up of a player, or of the nearest one far enough from the ball; empty without one."""
        play, rng = self._play, self._rng
        stop = start + self._frames(*_CLOSEUP_SECONDS)
        width, view = float(rng.uniform(*_CLOSEUP_WIDTH_M)), self._view("closeup")
        frames = slice(start, stop)
        if stop > play.num_frames:
            return []
        away = play.players[frames, :NUM_PLAYERS] - play.ball[frames, None, :2]
        nearest = np.hypot(away[..., 0], away[..., 1]).min(axis=0)
        there = play.players[start, :NUM_PLAYERS]
        order = np.argsort(np.hypot(*(there - there[player]).T), kind="stable").tolist()
        apart = self._angle_from_ball(frames, CAMERA_POSITIONS["closeup"][view], width)
        free = [other for other in order if nearest[other] > _BALL_AWAY_M and apart[other] > 0.0]
        if not free:
            return []
        return [Shot(start=start, stop=stop, kind="closeup", player=free[0], width_m=width, view=view)]

    def _angle_from_ball(self, frames: slice, place: Floats, width_m: float) -> Floats:
        """Return the least angle of the ball outside a close-up of each player, [22] radians."""
        players = self._play.players[frames, :NUM_PLAYERS].astype(np.float64) - place[:2]
        ball = self._play.ball[frames, None, :2].astype(np.float64) - place[:2]
        across = players[..., 0] * ball[..., 1] - players[..., 1] * ball[..., 0]
        angle = np.abs(np.arctan2(across, (players * ball).sum(axis=-1)))
        # Half the picture, and as much again for the camera's lag.
        picture = width_m / np.maximum(np.hypot(players[..., 0], players[..., 1]), 1.0)
        return np.asarray((angle - picture).min(axis=0))

    def _replay(self, start: int, event: PlayEvent) -> Shot:
        rng = self._rng
        seconds, speed = float(rng.uniform(*_REPLAY_SECONDS)), float(rng.uniform(*_REPLAY_SPEED))
        first = max(0.0, event.frame - min(_LEAD_SECONDS, 0.7 * seconds) * self._rate)
        # A replay never catches up with the match.
        shown = min(seconds * self._rate, start - 1 - first)
        return Shot(
            start=start,
            stop=start + max(1, int(shown / speed)),
            kind="replay",
            width_m=float(rng.uniform(*_REPLAY_WIDTH_M)),
            view=self._view("replay"),
            first_shown=first,
            speed=speed,
        )

    def _frames(self, least_seconds: float, most_seconds: float) -> int:
        return round(self._rng.uniform(least_seconds, most_seconds) * self._rate)


def _arranged(wishes: Sequence[list[Shot]], num_frames: int, least_main: int) -> tuple[Shot, ...]:
    """Return the wishes that fit one after another, with the main camera between them."""
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
