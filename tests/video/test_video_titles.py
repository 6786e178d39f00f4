"""Titles that are not UTF-8, which PyAV 18 and 19 read by different means."""

from fractions import Fraction

import av
import pytest
from sound_samples import make_video_with_sound
from video_samples import make_video, numbers_in, read_luma

import bvas
from bvas.video.container.file_tags import read_tags
from bvas.video.encode.sound import CopiedSound, SoundTrack, sound_of

LATIN_1 = "Féte à Köln".encode("latin-1")


def titled(source, target):
    """A copy whose title is in Latin-1, of the same length as the one that libav writes in its place."""
    placeholder = "T" * len(LATIN_1)
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        new.metadata["title"] = placeholder
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    content = target.read_bytes()
    assert content.count(placeholder.encode()) == 1
    target.write_bytes(content.replace(placeholder.encode(), LATIN_1))
    return target


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_title_that_is_not_utf_8_keeps_no_file_from_being_read(tmp_path, name):
    source = make_video(tmp_path / "plain.mp4", num_frames=8)
    video = titled(source, tmp_path / name)
    with bvas.open_video(video, device="cpu") as reader:
        assert numbers_in(read_luma(reader, range(8))) == [*range(8)]
    assert read_tags(video).timecode is None


def test_its_sound_is_read_too(tmp_path):
    video = titled(make_video_with_sound(tmp_path / "a.mp4", num_frames=40), tmp_path / "b.mp4")
    with sound_of(video, Fraction(0)) as copied, SoundTrack(video, Fraction(0)) as decoded:
        assert isinstance(copied, CopiedSound)
        assert decoded.is_there
