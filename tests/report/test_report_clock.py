import pytest

from bvas.errors import ConfigError
from bvas.values.match_clock import MatchClock, minutes_text


def test_the_clock_runs_from_the_kickoff():
    assert MatchClock(kickoff_seconds=12.5).text(12.5) == "00:00"
    assert MatchClock(kickoff_seconds=12.5).text(73.4) == "01:00"
    assert MatchClock(kickoff_seconds=12.5).text(10.0) == "-00:03"


def test_the_second_half_counts_from_45_minutes_and_added_time_goes_on():
    assert MatchClock(half=2).text(61) == "46:01"
    assert MatchClock(half=1).text(47 * 60 + 5) == "47:05"


def test_a_recording_that_begins_after_the_kickoff_has_a_negative_offset():
    assert MatchClock(kickoff_seconds=-600).text(0) == "10:00"


def test_minutes_go_on_above_an_hour():
    assert minutes_text(3725.9) == "62:05"


def test_a_third_half_is_refused():
    with pytest.raises(ConfigError, match="half must be 1 or 2, got 3"):
        MatchClock(half=3)
