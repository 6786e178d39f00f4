import struct
import time

import pytest
from video_samples import make_video

from bvas import DecodeError, open_video
from bvas.video.container.mp4_boxes import check_sample_counts

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}


def set_number(path, kind, offset, number):
    """Overwrite a 32-bit number of the first box of a kind, so many bytes behind its name."""
    data = bytearray(path.read_bytes())
    place = data.index(kind) + 4 + offset
    struct.pack_into(">I", data, place, number)
    path.write_bytes(data)


@pytest.mark.parametrize("number", [0x00FF_FFFF, 0x0FFF_FFFF, 0xFFFF_FFFF])
def test_a_fragment_that_claims_more_samples_than_it_has_bytes_for_is_refused_at_once(tmp_path, number):
    path = make_video(tmp_path / "a.mp4", container_options=FRAGMENTED)
    set_number(path, b"trun", 4, number)
    began = time.perf_counter()
    with pytest.raises(DecodeError, match=rf"its trun box at byte \d+ claims {number} samples"):
        open_video(path, cache=False)
    # libav fills gigabytes for such a number, in seconds.
    assert time.perf_counter() - began < 1


def test_samples_of_one_size_that_the_file_cannot_hold_are_refused(tmp_path):
    path = make_video(tmp_path / "a.mp4")
    set_number(path, b"stsz", 4, 100)
    set_number(path, b"stsz", 8, 170_000_000)
    with pytest.raises(DecodeError, match=r"its stsz box at byte \d+ claims 170000000 samples"):
        open_video(path, cache=False)


@pytest.mark.parametrize("options", [{}, FRAGMENTED, {"movflags": "faststart"}])
def test_whole_files_and_those_that_are_no_mp4_pass(tmp_path, options):
    check_sample_counts(make_video(tmp_path / "a.mp4", num_frames=20, container_options=options))
    (tmp_path / "b.mp4").write_bytes(b"\x00\x00\x00\x00free" * 100)
    check_sample_counts(tmp_path / "b.mp4")
    (tmp_path / "c.mp4").write_bytes(b"\x00\x00\x00\x01free" * 100)
    check_sample_counts(tmp_path / "c.mp4")
    check_sample_counts(tmp_path / "missing.mp4")
    check_sample_counts(tmp_path)
