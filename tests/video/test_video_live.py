"""What a source that runs costs, and where it ends."""

import pytest
from stream_sources import piped, sent_by_udp, served
from video_samples import make_video, remux

from bvas import DecodeError, open_stream
from bvas.video.live import growing_frames as growing
from bvas.video.live.live_video import LiveVideo
from bvas.video.live.reconnect import ReconnectConfig


def without(path, place):
    """Drop three TS packets at this place of a file."""
    data = bytearray(path.read_bytes())
    start = int(len(data) // 188 * place) * 188
    del data[start : start + 3 * 188]
    path.write_bytes(data)
    return path


def test_however_long_a_source_runs_its_index_is_built_at_the_opening_only(tmp_path, monkeypatch, caplog):
    without(make_video(tmp_path / "a.ts", num_frames=200, options={"g": "50"}), 0.4)
    built = []
    index_of = growing.index_of
    monkeypatch.setattr(growing, "index_of", lambda *given: built.append(1) or index_of(*given))
    with served(tmp_path) as address, LiveVideo(f"{address}/a.ts", size=None) as video:
        num_at_opening = len(built)
        arrived = list(video.arrivals())
        assert len(arrived) >= 200 / 16
        assert "is damaged" in caplog.text
        assert len(built) == num_at_opening <= 2


def test_the_time_of_a_frame_is_that_of_the_index_without_one_being_built(tmp_path, monkeypatch):
    path = make_video(tmp_path / "a.mkv", rate=30)
    with piped(path) as pipe, open_stream(pipe) as reader:
        list(reader.stream())
        expected = [reader.index.seconds_of(number) for number in range(60)]
        with monkeypatch.context() as patched:
            patched.setattr(growing.GrowingVideo, "known", None)
            assert [reader.seconds_of(number) for number in range(60)] == expected
        with pytest.raises(IndexError, match="frame 60 of"):
            reader.seconds_of(60)


def test_a_broadcast_ends_with_the_last_frame_that_was_believed(tmp_path):
    def wrap(number, packet):
        if number >= 45:
            packet.pts += int(200 / packet.time_base)
            packet.dts += int(200 / packet.time_base)

    whole = make_video(tmp_path / "a.mp4", rate=30, options={"bf": "0"})
    path = remux(whole, tmp_path / "a.ts", wrap)
    quick = ReconnectConfig(connect=0.5, stall=1.0, first_wait=0.3, give_up=0.2)
    ticks = []
    with sent_by_udp(path) as address, LiveVideo(address, size=None, reconnect=quick) as video:
        with pytest.raises(DecodeError, match=r"the clock of udp://.* jumped ahead"):
            for one in video.arrivals():
                ticks += one.ticks
        assert 30 <= len(ticks) <= 45
        assert video.duration_seconds == pytest.approx(len(ticks) / 30, abs=1e-4)
