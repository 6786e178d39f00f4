from fractions import Fraction

import av
import numpy as np
import pytest
from sound_samples import make_video_with_sound
from video_samples import make_video, numbers_in, read_luma, remux

from bvas import ConfigError, DecodeError, open_video
from bvas.video.encode.browser_preview import PreviewConfig, make_preview, why_not_played
from bvas.video.index.video_index import build_index


def seconds_and_numbers(path):
    with open_video(path) as reader:
        return reader.index.seconds.tolist(), numbers_in(read_luma(reader, range(reader.info.num_frames)))


def loud_stretch(path):
    """When sound above a tenth begins and ends, from the first frame on."""
    times = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            values = np.abs(frame.to_ndarray()).max(axis=0)
            places = np.flatnonzero(values > 0.1)
            if len(places):
                times += [
                    frame.time + places[0] / frame.sample_rate,
                    frame.time + places[-1] / frame.sample_rate,
                ]
    return min(times), max(times)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_a_preview_has_the_frames_and_times_of_its_source_from_zero_on(tmp_path, suffix):
    source = make_video(tmp_path / f"a{suffix}", num_frames=60, rate=Fraction(30000, 1001))

    preview = make_preview(source, tmp_path / "out" / "a.mp4")

    before, after = seconds_and_numbers(source), seconds_and_numbers(tmp_path / "out" / "a.mp4")
    assert after[1] == before[1] == list(range(60))
    assert np.allclose(after[0], before[0], atol=1e-3)
    index, info = build_index(tmp_path / "out" / "a.mp4")
    assert (info.start_seconds, info.keyframe_intervals.longest, why_not_played(index, info)) == (
        0.0,
        12,
        None,
    )
    assert (preview.num_lost, preview.reused) == (0, False)


def test_a_variable_rate_is_kept(tmp_path):
    times = [0, 40, 70, 150, 400, 410, 500]
    source = make_video(tmp_path / "a.mkv", num_frames=7, times=times, time_base=Fraction(1, 1000))
    make_preview(source, tmp_path / "a.mp4")
    assert np.allclose(seconds_and_numbers(tmp_path / "a.mp4")[0], np.array(times) / 1000, atol=6e-4)


@pytest.mark.parametrize(("suffix", "late_seconds", "codec"), [(".mkv", 0.0, "aac"), (".ts", 3.0, "mp2")])
def test_the_sound_stays_with_the_picture(tmp_path, suffix, late_seconds, codec):
    source = make_video_with_sound(tmp_path / f"a{suffix}", late_seconds=late_seconds, codec=codec)

    make_preview(source, tmp_path / "a.mp4")

    begin, end = loud_stretch(tmp_path / "a.mp4")
    assert begin == pytest.approx(1.0, abs=0.04)
    assert end == pytest.approx(1.5, abs=0.04)
    assert seconds_and_numbers(tmp_path / "a.mp4")[1] == list(range(100))


def test_a_tall_video_is_scaled_down_with_square_samples(tmp_path):
    source = make_video(tmp_path / "a.mkv", num_frames=3, size=(96, 80), sample_aspect=Fraction(2))
    make_preview(source, tmp_path / "a.mp4", PreviewConfig(max_height=48))
    _, info = build_index(tmp_path / "a.mp4")
    assert (info.height, info.width, info.sample_aspect) == (48, 80, 1)


def test_frames_that_cannot_be_decoded_are_left_out_and_counted(tmp_path):
    whole = make_video(tmp_path / "whole.mp4", num_frames=40, options={"bf": "0", "g": "1"})

    def spoil(number, packet):
        if number in (0, 30):
            np.frombuffer(packet, np.uint8)[:] = 0

    source = remux(whole, tmp_path / "a.mp4", spoil)
    shown = [number for number in range(40) if number not in (0, 30)]

    preview = make_preview(source, tmp_path / "preview.mp4")

    seconds, numbers = seconds_and_numbers(tmp_path / "preview.mp4")
    index, _ = build_index(source)
    assert numbers == shown[-len(numbers) :]
    assert preview.num_lost == index.num_frames - len(numbers) > 0
    start = build_index(tmp_path / "preview.mp4")[1].start_seconds
    first = index.num_frames - 40
    assert [round((second + start) * 25) for second in seconds] == [number + first for number in numbers]


def test_a_preview_that_is_there_is_used_again_until_the_source_changes(tmp_path):
    source = make_video(tmp_path / "a.mkv", num_frames=20)
    make_preview(source, tmp_path / "a.mp4")
    made = (tmp_path / "a.mp4").stat().st_mtime_ns
    assert make_preview(source, tmp_path / "a.mp4").reused
    assert (tmp_path / "a.mp4").stat().st_mtime_ns == made
    make_video(source, num_frames=21)
    assert not make_preview(source, tmp_path / "a.mp4").reused


def test_what_browsers_may_not_play_is_said(tmp_path):
    def reason(path):
        return why_not_played(*build_index(path))

    assert reason(make_video(tmp_path / "a.mp4")) is None
    assert "mp4, and it is matroska" in reason(make_video(tmp_path / "a.mkv"))
    assert "hevc" in reason(make_video(tmp_path / "b.mp4", codec="libx265"))
    assert "yuv444p" in reason(make_video(tmp_path / "c.mp4", pixel_format="yuv444p"))


def test_an_error_leaves_no_preview(tmp_path):
    (tmp_path / "a.mkv").write_bytes(b"no video")
    with pytest.raises(DecodeError):
        make_preview(tmp_path / "a.mkv", tmp_path / "a.mp4")
    assert not (tmp_path / "a.mp4").exists()
    with pytest.raises(ConfigError, match="max_height must be at least 2, got 0"):
        PreviewConfig(max_height=0)
