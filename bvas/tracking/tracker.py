"""Tracker."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from bvas.tracking.association import GATE, association_costs, matched
from bvas.tracking.camera_motion import CameraMotion
from bvas.tracking.frame_boxes import FrameBoxes
from bvas.tracking.motion import (
    Floats,
    MotionModel,
    MotionStates,
    centered,
    cornered,
    joined,
    noise_variances,
    predict,
    start_states,
    update,
)
from bvas.tracking.noise_estimation import estimated_model
from bvas.tracking.smoothing import smoothed
from bvas.tracking.tracker_config import TrackerConfig
from bvas.tracking.tracklet_linking import end_states, link_costs, linked
from bvas.tracking.tracks import Track
from bvas.values.boxes import box_overlaps

FIRST_MODEL = MotionModel(
    noise=np.array([0.05, 0.05, 0.05, 0.05]),
    agitation=np.array([4.0, 2.0, 80.0, 5.0]),
    memory=np.array([1.0, 1.0, 0.15, 0.15]),
)
START_SPEED = 2.0
MISS = 4.0


@dataclass(slots=True, eq=False)
class Tracklet:
    rows: list[int] = field(default_factory=list)  # index of frame in sequence
    seconds: list[float] = field(default_factory=list)
    measured: list[Floats] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


class Online:
    def __init__(self, config: TrackerConfig, model: MotionModel, miss: float = MISS) -> None:
        self.config, self.model, self.miss = config, model, miss
        self.states: MotionStates | None = None
        self.live: list[Tracklet] = []
        self.done: list[Tracklet] = []
        self.camera = CameraMotion()
        self.time = None
        self.k = -1

    def step(self, t: float, measured: Floats, scores: Floats) -> None:
        self.k += 1
        sure = scores >= self.config.sure_score
        if self.states is None or not len(self.live):
            self.camera.rest()
            self.start(t, measured, scores, sure)
            self.time = t
            return
        dt = t - self.time
        self.time = t
        states = predict(self.states, dt, self.model)
        height = float(np.median(states.positions[:, 3]))
        states.positions[:, :2] += self.camera.expected(dt, height)
        rows = cols = np.zeros(0, np.int64)
        if len(measured):
            costs, distances = association_costs(states, measured, self.model)
            rows, cols = matched(costs, distances < GATE, self.miss)
            if len(rows) < 0.7 * min(len(states), len(measured)) and BURST:
                costs, distances = association_costs(states, measured, self.model, (BURST * height) ** 2)
                rows, cols = matched(costs, distances < GATE, self.miss)
        var = states.position_variances[rows, :2] + noise_variances(states.positions[rows], self.model)[:, :2]
        shift = self.camera.observe(measured[cols, :2] - states.positions[rows, :2], var)
        states.positions[:, :2] += shift
        if len(measured):
            costs, distances = association_costs(states, measured, self.model)
            rows, cols = matched(costs, distances < GATE, self.miss)
            if LENIENT:
                tl = np.setdiff1d(np.arange(len(states)), rows)
                dl = np.setdiff1d(np.arange(len(measured)), cols)
                if len(tl) and len(dl):
                    ov = box_overlaps(cornered(states.positions[tl]), cornered(measured[dl]))
                    r2, c2 = matched(-ov, ov > LENIENT, 0.0)
                    rows = np.concatenate([rows, tl[r2]])
                    cols = np.concatenate([cols, dl[c2]])
        if len(rows):
            states.assign(
                rows,
                update(
                    states.chosen(rows), measured[cols], noise_variances(states.positions[rows], self.model)
                ),
            )
            for r, c in zip(rows, cols, strict=True):
                self.add(self.live[r], t, measured[c], scores[c])
        self.states = states
        alive = np.array(
            [t - track.seconds[-1] <= self.config.coast_seconds + 1e-9 for track in self.live], bool
        )
        if not alive.all():
            self.done += [tr for tr, a in zip(self.live, alive) if not a]
            self.live = [tr for tr, a in zip(self.live, alive) if a]
            self.states = self.states.chosen(alive)
        new = sure.copy()
        if len(rows):
            new[cols] = False
        self.start(t, measured, scores, new)

    def add(self, track, t, m, s):
        track.rows.append(self.k)
        track.seconds.append(t)
        track.measured.append(m)
        track.scores.append(float(s))

    def start(self, t, measured, scores, new) -> None:
        if not new.any():
            return
        fresh = start_states(measured[new], self.model, START_SPEED)
        self.states = fresh if self.states is None else joined(self.states, fresh)
        for c in np.flatnonzero(new):
            tr = Tracklet()
            self.live.append(tr)
            self.add(tr, t, measured[c], scores[c])


def online(frames, config, model, miss=MISS):
    on = Online(config, model, miss)
    for f in frames:
        keep = f.scores >= config.min_score
        on.step(f.seconds, centered(f.boxes[keep]), f.scores[keep])
    tr = on.done + on.live
    tr.sort(key=lambda x: x.rows[0])
    return tr, np.array(on.camera.offsets)


LINK = 16.0
BURST = 0.3
LENIENT = 0.2
FLOOR = 0.02

LINK_MODEL = MotionModel(
    noise=np.full(4, 0.05), agitation=np.array([2.0, 1.0, 20.0, 2.0]), memory=np.array([1.0, 1.0, 0.15, 0.15])
)
SMOOTH_MODEL = MotionModel(
    noise=np.full(4, 0.05), agitation=np.array([4.0, 2.0, 50.0, 3.0]), memory=np.array([1.0, 1.0, 0.15, 0.15])
)
DRIFT = 0.0


def link(tracklets, offsets, model=None, threshold=None, max_gap=30.0):
    model = model or LINK_MODEL
    ends, starts = None, None
    for tr in tracklets:
        sec = np.array(tr.seconds)
        m = np.array(tr.measured)
        m[:, :2] -= offsets[tr.rows]
        e = end_states(sec, m, model, START_SPEED)
        b = end_states(-sec[::-1], m[::-1], model, START_SPEED)
        ends = e if ends is None else joined(ends, e)
        starts = b if starts is None else joined(starts, b)
    es = np.array([tr.seconds[-1] for tr in tracklets])
    ss = np.array([tr.seconds[0] for tr in tracklets])
    costs = link_costs(ends, es, starts, ss, model, DRIFT)
    costs[(ss[None] - es[:, None]) > max_gap] = np.inf
    return linked(costs, LINK if threshold is None else threshold)


def unswap(tracklets, model):
    from bvas.tracking import swap_correction as S

    tr = [
        (np.array(t.rows), np.array(t.seconds), np.array(t.measured), np.array(t.scores)) for t in tracklets
    ]
    order = []
    count = 0
    done = True
    n = len(tr)
    # encounters in order of time; re-evaluated after each swap
    pos = {}
    for i in range(n):
        for j in range(i + 1, n):
            since = -1.0
            while True:
                a, b = tr[i], tr[j]
                if a[0][0] > b[0][-1] or b[0][0] > a[0][-1]:
                    break
                _, ia, ib = np.intersect1d(a[0], b[0], assume_unique=True, return_indices=True)
                if len(ia) < S.LEAST_ROWS:
                    break
                sec = a[1][ia]
                fa, fb = a[2][ia], b[2][ib]
                hit = None
                for start, stop in S.encounters(sec, fa, fb):
                    if sec[stop - 1] <= since:
                        continue
                    row = S.turn(sec, fa, fb, start, stop, model)
                    since = sec[stop - 1]
                    if row is not None:
                        hit = sec[row]
                        break
                if hit is None:
                    break
                count += 1
                ka, kb = np.searchsorted(a[1], hit), np.searchsorted(b[1], hit)
                tr[i] = tuple(np.concatenate([x[:ka], y[kb:]]) for x, y in zip(a, b))
                tr[j] = tuple(np.concatenate([y[:kb], x[ka:]]) for x, y in zip(a, b))
    out = [
        Tracklet(rows=a[0].tolist(), seconds=a[1].tolist(), measured=list(a[2]), scores=a[3].tolist())
        for a in tr
        if len(a[0])
    ]
    out.sort(key=lambda t: t.rows[0])
    return out, count


def merge(tracklets, chains):
    out = []
    for ch in chains:
        t = Tracklet()
        for i in ch:
            t.rows += tracklets[i].rows
            t.seconds += tracklets[i].seconds
            t.measured += tracklets[i].measured
            t.scores += tracklets[i].scores
        out.append(t)
    out.sort(key=lambda t: t.rows[0])
    return out


def finish(tracklets, frames, offsets, config, smooth=True, model=None, world=True):
    """Tracks with smoothed and filled boxes."""
    model = model or SMOOTH_MODEL
    times = np.array([f.seconds for f in frames])
    numbers = np.array([f.frame for f in frames])
    tracks = []
    for n, tr in enumerate(tracklets):
        rows = np.array(tr.rows)
        sec = times[rows]
        gap = np.diff(sec)
        want = [rows[:1]]
        allrows = np.arange(rows[0], rows[-1] + 1)
        k = np.searchsorted(rows, allrows)  # next seen
        prev = np.maximum(k - 1, 0)
        seen = rows[k] == allrows
        ok = seen | (times[rows[k]] - times[rows[prev]] <= config.fill_seconds + 1e-9)
        allrows = allrows[ok]
        seen = seen[ok]
        m = np.zeros((len(allrows), 4))
        m[seen] = np.array(tr.measured)
        if world:
            m[seen, :2] -= offsets[rows]
        if smooth:
            pos, _ = smoothed(times[allrows], m, seen, model)
        else:
            pos = m.copy()
            for a in range(4):
                pos[:, a] = np.interp(times[allrows], sec, m[seen, a])
        if world:
            pos[:, :2] += offsets[allrows]
        sc = np.full(len(allrows), np.nan, np.float32)
        sc[seen] = tr.scores
        tracks.append(
            Track(
                number=n + 1, frames=numbers[allrows], seconds=times[allrows], boxes=cornered(pos), scores=sc
            )
        )
    return tracks


def model_of(tracklets, offsets, step, first=None):
    data = []
    for tr in tracklets:
        m = np.array(tr.measured)
        m[:, :2] -= offsets[tr.rows]
        data.append((np.array(tr.seconds), m))
    return estimated_model(data, first or FIRST_MODEL, step)


def floored(model, least=None):
    return MotionModel(
        noise=np.maximum(model.noise, FLOOR if least is None else least),
        agitation=model.agitation,
        memory=model.memory,
    )


def track_boxes(frames: Iterable[FrameBoxes], config: TrackerConfig = TrackerConfig()) -> list[Track]:
    frames = list(frames)
    tracklets, offsets = online(frames, config, FIRST_MODEL)
    step = float(np.median(np.diff([f.seconds for f in frames])))
    model = model_of(tracklets, offsets, step)
    tracklets, offsets = online(frames, config, floored(model))
    chains = link(tracklets, offsets, floored(model))
    return finish(merge(tracklets, chains), frames, offsets, config, model=model)
