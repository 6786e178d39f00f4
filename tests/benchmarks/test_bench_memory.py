import json

import bench_memory
import pytest
from bench_memory import forget_peak, peak_bytes, small_spotter
from videos import kept_video, repeated_video

from bvas.inference.spot_video import spot_video
from bvas.video.decode.open_video import open_video


def test_a_repeated_video_is_as_many_times_as_long(tmp_path):
    short = kept_video(tmp_path, size=(64, 160), num_frames=50, keyframe_interval=25)

    long = repeated_video(short, tmp_path / "long.mkv", 3)

    with open_video(short) as one, open_video(long) as three:
        assert three.info.num_frames == 150
        assert not three.info.variable_rate
        frames = one.read([0, 7, 49])
        for number in range(3):
            found = three.read([50 * number, 50 * number + 7, 50 * number + 49])
            assert (found == frames).all()


@pytest.mark.slow
def test_a_tenfold_length_takes_no_more_memory(tmp_path):
    spotter = small_spotter("cpu", (64, 96), stride=16)
    short = kept_video(tmp_path, size=(64, 160), num_frames=500, keyframe_interval=50)
    long = repeated_video(short, tmp_path / "long.mkv", 10)
    spot_video(short, spotter)

    forget_peak()
    spot_video(short, spotter)
    before = peak_bytes()
    forget_peak()
    assert len(spot_video(long, spotter).curve.seconds) == 5000

    # The frames of the longer one are 31 MB, and their index and scores 0.3 MB.
    assert peak_bytes() - before < 8e6


@pytest.mark.slow
def test_ten_minutes_of_720p_take_the_memory_of_one(tmp_path):
    results = tmp_path / "memory.json"

    bench_memory.main(["--minutes", "1", "10", "--json", str(results)])

    one, ten = json.loads(results.read_text())["rows"]
    assert (one["rows"], ten["rows"]) == (1500, 15000)
    assert ten["peak_bytes_ratio"] < 1.1
