"""How far a job is."""

import pytest

from bvas.commands.job_progress import JobProgress


class Bar:
    def __init__(self):
        self.calls = []

    def __call__(self, done, total, note=""):
        self.calls.append((done, total, note))


def test_frames_of_videos_not_opened_yet_are_estimated_from_their_bytes():
    bar = Bar()
    progress = JobProgress({"a": {1: 1000, 2: 3000}, "b": {1: 4000}}, bar)
    progress.video("a", 1, 0, 50, 100)  # 100 frames in 1000 bytes: 700 in the other 7000
    progress.video("a", 1, 0, 100, 100)
    progress.video("a", 2, 0, 100, 500)  # 600 frames in 4000 bytes: 600 in b
    progress.settle("a", failed=True)  # what was left of it is not waited for
    progress.video("b", 1, 200, 250, 400)  # half of it was done by an earlier try
    assert bar.calls == [
        (50, 800, "0/2 matches"),
        (100, 800, "0/2 matches"),
        (200, 1200, "0/2 matches"),
        (200, 800, "1/2 matches, 1 failed"),
        (250, 400, "1/2 matches, 1 failed"),
    ]


def test_without_a_terminal_a_line_a_minute_says_what_is_left(monkeypatch, caplog):
    now = [0.0]
    monkeypatch.setattr("bvas.commands.job_progress.time.monotonic", lambda: now[0])
    progress = JobProgress({"a": {1: 1000}, "b": {1: 1000}}, None)
    with caplog.at_level("INFO"):
        for second in range(10, 131, 10):
            now[0] = second
            progress.video("a", 1, 0, 10 * second, 5000)
    first, second = caplog.messages
    assert first == "0/2 matches; 600 of about 10000 frames, 10.0 a second, about 16 min left"
    assert second.startswith("0/2 matches; 1200 of about 10000")


def test_a_match_that_has_no_readable_video_counts_as_a_match_only():
    bar = Bar()
    progress = JobProgress({"a": {}, "b": {1: 10}}, bar)
    progress.settle("a", failed=True)
    assert bar.calls == [(0, 0, "1/2 matches, 1 failed")]
    assert progress.num_frames == pytest.approx(0)
