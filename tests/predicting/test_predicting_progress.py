"""Progress of a prediction in frames."""

from bvas.predicting.progress import FrameCount


class Bar:
    def __init__(self):
        self.calls = []

    def __call__(self, done, total, note=""):
        self.calls.append((done, total, note))


def test_frames_of_videos_that_are_not_opened_are_estimated_from_their_bytes():
    bar = Bar()
    count = FrameCount({"a": {1: 1000, 2: 3000}, "b": {1: 4000}}, bar)
    count.open("a", 1, num_frames=100, num_left=100)
    count.add("a", 50)  # 100 frames in 1000 bytes: 700 in the other 7000
    count.add("a", 50)
    count.open("a", 2, num_frames=500, num_left=500)
    count.add("a", 100)  # 600 frames in 4000 bytes: 600 in b
    count.end("a", is_failed=True)  # what was left of it is not waited for
    count.open("b", 1, num_frames=400, num_left=200)  # half of it is of an earlier run
    count.add("b", 70)
    count.add("b", -20)  # a killed worker has lost some
    assert bar.calls == [
        (50, 800, "0/2 matches"),
        (100, 800, "0/2 matches"),
        (200, 1200, "0/2 matches"),
        (200, 800, "1/2 matches, 1 failed"),
        (270, 400, "1/2 matches, 1 failed"),
        (250, 400, "1/2 matches, 1 failed"),
    ]


def test_without_a_terminal_a_line_a_minute_says_what_is_left(caplog):
    now = [0.0]
    count = FrameCount({"a": {1: 1000}, "b": {1: 1000}}, None, clock=lambda: now[0])
    count.open("a", 1, num_frames=5000, num_left=5000)
    with caplog.at_level("INFO"):
        for second in range(10, 131, 10):
            now[0] = second
            count.add("a", 100)
    first, second = caplog.messages
    assert first == "0/2 matches; 600 of about 10000 frames, 10.0 a second, about 16 min left"
    assert second.startswith("0/2 matches; 1200 of about 10000")


def test_a_match_without_readable_videos_counts_as_a_match_only():
    bar = Bar()
    count = FrameCount({"a": {}, "b": {1: 10}}, bar)
    count.end("a", is_failed=True)
    assert bar.calls == [(0, 0, "1/2 matches, 1 failed")]
    assert count.num_frames == 0
