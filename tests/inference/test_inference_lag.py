import pytest

from bvas.errors import ConfigError
from bvas.inference.lag import Lag, LagRule


def lags(rule, frames):
    """(seconds of lag, stride, is skipped) at each (time of the frame, time here, the source has no more)."""
    lag = Lag(rule, "cam")
    seen = []
    for seconds, now, is_newest in frames:
        reason = lag.see(seconds, now, num_frames=1, is_newest=is_newest)
        seen.append((lag.seconds, lag.stride, bool(reason)))
    return lag, seen


def test_what_came_before_we_did_and_pauses_of_the_source_are_no_lag():
    # Ten seconds of a playlist come at once, then the source is waited for; it pauses for a minute.
    frames = [
        (0, 100, False),
        (5, 100.1, False),
        (10, 100.2, True),
        (10.04, 160, True),
        (10.08, 160.04, True),
    ]
    assert [seconds for seconds, *_ in lags(LagRule(), frames)[1]] == [0, 0, 0, 0, 0]


def test_a_slow_model_scores_fewer_frames_and_then_skips_until_it_has_caught_up():
    frames = [(0, 0, True), (1, 5, False), (2, 7.5, False), (3, 11, False), (4, 14.5, False)]
    frames += [(10, 15, False), (14, 16, False), (15, 17.5, False)]
    lag, seen = lags(LagRule(most_seconds=10), frames)
    assert [seconds for seconds, *_ in seen] == [0, 4, 5.5, 8, 10.5, 5, 2, 2.5]
    assert [stride for _, stride, _ in seen] == [1, 1, 2, 4, 4, 4, 1, 1]
    assert [skipped for *_, skipped in seen] == [False, False, False, False, True, True, False, False]
    assert (lag.num_skipped, lag.num_thinned) == (2, 2)


def test_without_a_rule_nothing_is_skipped():
    _, seen = lags(None, [(0, 0, True), (1, 500, False)])
    assert seen[-1] == (499, 1, False)


def test_a_rule_without_room_is_refused():
    with pytest.raises(ConfigError, match="must be positive, got 0"):
        LagRule(most_seconds=0)
