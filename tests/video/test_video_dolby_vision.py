"""Dolby Vision: profiles without a base layer are named and refused, the others read as their base layer."""

import struct
from types import SimpleNamespace

import numpy as np
import pytest
from hdr_samples import HLG, PQ, add_to_sample_entry, box, dolby_record, ramp, write_hdr
from stream_sources import piped, written_slowly

from bvas import DecodeError, open_stream, open_video
from bvas.cli import main
from bvas.video.container.dolby_vision import (
    DolbyVision,
    dolby_vision_of_entry,
    dolby_vision_of_frame,
    parse_record,
)
from bvas.video.index.stored_picture import hdr_text
from bvas.video.index.video_index import build_index


def dolby_mp4(tmp_path, profile, compatibility, *, transfer=PQ, kind=b"dvcC", renamed=None, **settings):
    plain = write_hdr(tmp_path / "plain.mp4", ramp(10), transfer=transfer, **settings)
    record = box(kind, dolby_record(profile, compatibility))
    return add_to_sample_entry(plain, tmp_path / "dolby.mp4", record, renamed=renamed)


def dolby_mkv(tmp_path, profile, compatibility):
    """Matroska has the record in a BlockAdditionMapping at the end of the track's entry."""
    plain = write_hdr(tmp_path / "plain.mkv", ramp(10)).read_bytes()
    record = dolby_record(profile, compatibility)
    mapping = b"\x41\xe7\x84dvcC" + b"\x41\xed" + bytes([0x80 | len(record)]) + record
    mapping = b"\x41\xe4" + bytes([0x80 | len(mapping)]) + mapping
    # The tracks are rewritten with sizes of 8 bytes, and the segment gets an unknown one.
    segment = plain.index(b"\x18\x53\x80\x67")
    # The head names the tracks before, where it says at which place they are.
    tracks = plain.rindex(b"\x16\x54\xae\x6b", 0, plain.index(b"\x1f\x43\xb6\x75"))
    body, size = _content(plain, tracks + 4)
    # A checksum of 6 bytes stands before the track.
    entry_begin = body + 6 if plain[body] == 0xBF else body
    assert plain[entry_begin] == 0xAE
    entry_body, entry_size = _content(plain, entry_begin + 1)
    entry = plain[entry_body : entry_body + entry_size] + mapping
    entry = b"\xae" + _size(len(entry)) + entry
    inside = entry + plain[entry_body + entry_size : body + size]
    segment_body, _ = _content(plain, segment + 4)
    path = tmp_path / "dolby.mkv"
    path.write_bytes(
        plain[: segment + 4]
        + b"\x01"
        + b"\xff" * 7
        + plain[segment_body:tracks]
        + b"\x16\x54\xae\x6b"
        + _size(len(inside))
        + inside
        + plain[body + size :]
    )
    return path


def _size(length):
    return bytes([0x01]) + length.to_bytes(7, "big")


def _content(data, place):
    width = 9 - data[place].bit_length()
    size = int.from_bytes(data[place : place + width], "big") & ((1 << 7 * width) - 1)
    return place + width, size


@pytest.mark.parametrize("renamed", [None, b"dvh1", b"dvhe"])
@pytest.mark.parametrize("tone", ["sdr", "none"])
def test_profile_5_is_named_and_refused(tmp_path, renamed, tone):
    path = dolby_mp4(tmp_path, 5, 0, renamed=renamed)
    with pytest.raises(DecodeError, match=r"dolby.mp4 is Dolby Vision of profile 5, .* ffmpeg -i IN"):
        open_video(path, tone=tone, cache=False)


def test_every_command_names_it_and_ends_with_2(tmp_path, caplog, capsys):
    path = dolby_mp4(tmp_path, 5, 0)
    assert main(["video", "check", str(path), "--no-cache"]) == 2
    assert main(["video", "prepare", str(path), "--no-cache", "--out", str(tmp_path / "out")]) == 2
    said = caplog.text + capsys.readouterr().err
    assert said.count("Dolby Vision of profile 5") >= 2


@pytest.mark.parametrize(
    ("profile", "compatibility", "transfer", "kind", "name", "base"),
    [
        (8, 1, PQ, b"dvvC", "8.1", "PQ"),
        (8, 4, HLG, b"dvvC", "8.4", "HLG"),
        (7, 6, PQ, b"dvcC", "7", "PQ"),
    ],
)
def test_other_profiles_are_read_as_their_base_layer(
    tmp_path, profile, compatibility, transfer, kind, name, base
):
    path = dolby_mp4(tmp_path, profile, compatibility, transfer=transfer, kind=kind)
    with open_video(path, cache=False) as reader, open_video(tmp_path / "plain.mp4", cache=False) as plain:
        assert np.array_equal(next(reader.stream())[1], next(plain.stream())[1])
        assert reader.info.dolby_vision.name == name
        text = hdr_text(reader.info, "sdr")
    assert f"Dolby Vision {name}, read as its base layer ({base}); mapped to SDR" in text


def test_a_base_layer_without_tags_is_what_its_compatibility_says(tmp_path):
    path = dolby_mp4(tmp_path, 8, 4, transfer=2, kind=b"dvvC", primaries=2, matrix=2)
    hlg = write_hdr(tmp_path / "hlg.mp4", ramp(10), transfer=HLG)
    with open_video(path, cache=False) as reader, open_video(hlg, cache=False) as plain:
        assert reader.info.color.hdr == "HLG"
        assert np.array_equal(next(reader.stream())[1], next(plain.stream())[1])


def test_a_base_layer_of_sdr_is_sdr(tmp_path):
    path = dolby_mp4(tmp_path, 8, 2, transfer=1, kind=b"dvvC", primaries=1, matrix=1)
    with open_video(path, cache=False) as reader:
        assert np.array_equal(next(reader.stream())[1][0], ramp(10) >> 2)
        assert hdr_text(reader.info, "sdr") == (
            "Dolby Vision 8.2, read as its base layer (SDR); nothing is mapped"
        )


def test_matroska_has_its_record_in_the_track(tmp_path):
    with pytest.raises(DecodeError, match="Dolby Vision of profile 5"):
        open_video(dolby_mkv(tmp_path, 5, 0), cache=False)
    path = dolby_mkv(tmp_path, 8, 1)
    assert build_index(path, cache=False)[1].dolby_vision == DolbyVision(profile=8, compatibility=1)


def test_another_track_s_record_says_nothing_of_this_one(tmp_path):
    from bvas.video.container.dolby_vision import find_dolby_vision

    path = dolby_mp4(tmp_path, 5, 0)
    assert find_dolby_vision(path, "mov", SimpleNamespace(id=1, index=0)).profile == 5
    assert find_dolby_vision(path, "mov", SimpleNamespace(id=2, index=1)) is None


def test_a_growing_file_and_a_pipe_are_refused_too(tmp_path):
    path = dolby_mkv(tmp_path, 5, 0)
    with (
        written_slowly(path, seconds=0.1) as growing,
        pytest.raises(DecodeError, match="profile 5"),
    ):
        open_stream(growing, growing=True, idle_seconds=0.5)
    # A pipe cannot be read twice: where libav's record is not handed out, an untagged sample entry of Dolby's tells.
    plain = write_hdr(
        tmp_path / "plain.mp4",
        ramp(10),
        transfer=2,
        primaries=2,
        matrix=2,
        container_options={"movflags": "frag_keyframe+empty_moov"},
    )
    data = plain.read_bytes()
    (tmp_path / "piped.mp4").write_bytes(data.replace(b"hev1", b"dvh1", 1).replace(b"hev1", b"dvh1"))
    with piped(tmp_path / "piped.mp4") as pipe, pytest.raises(DecodeError, match="profile 5"):
        open_stream(pipe)


def test_a_sample_entry_of_dolby_s_without_a_record_is_profile_5_where_nothing_is_tagged():
    assert dolby_vision_of_entry("dvh1", is_tagged=False).base_layer is None
    assert dolby_vision_of_entry("dvh1", is_tagged=True).base_layer is not None
    assert dolby_vision_of_entry("hvc1", is_tagged=False) is None


def frame_with_metadata(profile, full_range):
    """libav's AVDOVIMetadata: the offset of the header, then at it rpu_type, rpu_format, profile and so on."""
    header = struct.pack("<BxHBBBBBBBB", 2, 18, profile, 0, 0, 0, 23, 1, full_range, 10)
    return SimpleNamespace(side_data={"DOVI_METADATA": struct.pack("N", 24) + bytes(16) + header})


def test_the_metadata_of_frames_tells_profile_5_where_no_container_does():
    assert dolby_vision_of_frame(frame_with_metadata(0, 1)).base_layer is None
    assert dolby_vision_of_frame(frame_with_metadata(1, 0)).base_layer is not None
    assert dolby_vision_of_frame(SimpleNamespace(side_data={})) is None


def test_a_record_is_read_bit_by_bit_and_one_that_is_cut_off_says_nothing():
    assert parse_record(dolby_record(8, 4)) == DolbyVision(profile=8, compatibility=4)
    assert parse_record(dolby_record(7, 0, base_layer=0)).base_layer is None
    assert parse_record(dolby_record(8, 4)[:4]) is None
