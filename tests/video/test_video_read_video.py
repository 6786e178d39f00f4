"""read_video: RGB and sound of a whole file, within a bound."""

from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from video_samples import make_video

from bvas import ConfigError, open_video, read_video


def test_read_video_gives_rgb_and_sound_from_the_first_frame_on(tmp_path):
    path = _with_tone(tmp_path / "a.mp4", num_frames=50, rate=Fraction(25), hertz=440)
    video = read_video(path)
    with open_video(path, channels="rgb") as reader:
        assert torch.equal(video.frames, reader.read(range(50)))
    assert (video.frames.shape, video.frames.dtype) == ((50, 48, 80, 3), torch.uint8)
    assert (video.frame_rate, video.sample_rate) == (25.0, 44_100)
    assert video.sound.dtype == torch.float32
    assert video.sound.shape[0] == 2
    assert abs(video.sound.shape[1] - 2 * 44_100) < 2048
    # A tone of 440 Hz: 440 maxima a second.
    spectrum = torch.fft.rfft(video.sound[0, 10_000:54_100]).abs()
    assert int(spectrum.argmax()) == 440


def test_a_video_without_sound_has_none(tmp_path):
    video = read_video(make_video(tmp_path / "a.mp4", num_frames=2))
    assert (video.sound.numel(), video.sample_rate) == (0, 0)


def test_read_video_refuses_more_than_the_bound_and_says_how_to_stream(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=50)
    # 50 x 48 x 80 x 3 = 576,000 bytes.
    with pytest.raises(
        ConfigError, match=r"takes 576 kB as a whole, above max_bytes \(500 kB\).*\.stream\(\)"
    ):
        read_video(path, max_bytes=500_000)
    assert read_video(path, max_bytes=576_000).frames.shape[0] == 50
    with pytest.raises(ConfigError, match="max_bytes"):
        read_video(_with_tone(tmp_path / "b.mp4", 50, Fraction(25), 440), max_bytes=600_000)


def _with_tone(path, num_frames, rate, hertz):
    """A video of numbered frames with a stereo tone of 44.1 kHz."""
    silent = make_video(path.with_name("silent.mp4"), num_frames=num_frames, rate=rate)
    seconds = num_frames / rate
    with av.open(str(silent)) as old, av.open(str(path), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0])
        sound = new.add_stream("aac", rate=44_100, layout="stereo")
        wave = np.sin(2 * np.pi * hertz * np.arange(int(seconds * 44_100)) / 44_100).astype(np.float32) / 2
        for start in range(0, len(wave), 1024):
            frame = av.AudioFrame.from_ndarray(np.stack([wave[start : start + 1024]] * 2), "fltp", "stereo")
            frame.sample_rate, frame.pts = 44_100, start
            new.mux(sound.encode(frame))
        new.mux(sound.encode(None))
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                new.mux(packet)
    return path


def test_more_sound_than_the_bound_is_refused_where_it_comes(tmp_path):
    path = _with_tone(tmp_path / "a.mp4", 50, Fraction(25), 440)
    short = tmp_path / "b.mp4"
    # Two seconds of sound beside a tenth of a second of pictures.
    with av.open(str(path)) as old, av.open(str(short), "w") as new:
        copies = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.dts is None or (packet.stream.type == "video" and packet.pts * packet.time_base > 0.1):
                continue
            packet.stream = copies[packet.stream.index]
            new.mux(packet)
    with pytest.raises(ConfigError, match=r"with its sound, above max_bytes"):
        read_video(short, max_bytes=200_000)
