"""Sequence headers: the size, corner and references that encoders write are those that are read."""

import av
import pytest
from video_samples import make_video

from bvas.video.container.coded_packets import annex_b, nal_units, parameter_sets
from bvas.video.container.sequence_headers import read_sequence, vp9_sequence
from bvas.video.container.sequence_tracking import SequenceHeaders

SIZE = (144, 160)


def packets_of(path):
    """(parameter sets, packets as a decoder without a container reads them) of a file."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        codec, extradata = stream.codec_context.codec.canonical_name, stream.codec_context.extradata
        packets = [bytes(packet) for packet in container.demux(stream) if packet.size]
    if codec in ("h264", "hevc"):
        packets = [annex_b(codec, extradata, packet) for packet in packets]
    return parameter_sets(codec, extradata), packets


def sequence_of(path, codec):
    sets, packets = packets_of(path)
    headers = SequenceHeaders(codec)
    first = headers.at(sets + packets[0])
    # It holds on.
    assert all(headers.at(packet) == first for packet in packets)
    return first


@pytest.mark.parametrize(
    ("size", "options", "shown", "corner", "num_references"),
    [
        ((144, 160), "ref=1:bframes=0", (144, 160), (0, 0), 1),
        ((144, 160), "ref=5:bframes=0", (144, 160), (0, 0), 5),
        ((150, 166), "ref=1:bframes=0", (150, 166), (0, 0), 1),
        ((160, 176), "ref=1:bframes=0:crop-rect=4,2,12,14", (144, 160), (2, 4), 1),
        ((144, 160), "ref=2:bframes=0:cqm=jvt", (144, 160), (0, 0), 2),
        ((160, 160), "ref=1:bframes=0:tff=1:crop-rect=0,16,0,0", (144, 160), (16, 0), 1),
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])
def test_h264_headers_say_what_the_encoder_was_told(
    tmp_path, name, size, options, shown, corner, num_references
):
    path = make_video(tmp_path / name, size=size, num_frames=3, options={"x264-params": options})
    sequence = sequence_of(path, "h264")
    assert (sequence.size, sequence.corner, sequence.num_references) == (shown, corner, num_references)
    assert sequence.may_hold_fields == ("tff" in options)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p"])
def test_h264_crops_are_counted_in_samples_of_chroma(tmp_path, pixel_format):
    path = make_video(
        tmp_path / "a.mp4",
        size=(160, 176),
        num_frames=2,
        pixel_format=pixel_format,
        options={"x264-params": "crop-rect=4,2,12,14"},
    )
    assert sequence_of(path, "h264").size == SIZE
    assert sequence_of(path, "h264").corner == (2, 4)


@pytest.mark.parametrize(
    ("size", "options", "num_references"),
    [
        ((144, 160), "ref=1:bframes=0", 1),
        ((150, 166), "ref=4:bframes=0", 4),
        ((144, 160), "ref=3:bframes=4", 4),
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])
@pytest.mark.parametrize("layers", [1, 3])
def test_hevc_headers_say_what_the_encoder_was_told(tmp_path, name, size, options, num_references, layers):
    if layers > 1:
        options += f":temporal-layers={layers}:open-gop=0"
    path = make_video(
        tmp_path / name, size=size, num_frames=12, codec="libx265", options={"x265-params": options}
    )
    sequence = sequence_of(path, "hevc")
    assert (sequence.size, sequence.corner) == (size, (0, 0))
    assert sequence.num_references >= num_references


@pytest.mark.parametrize("codec", ["libvpx-vp9", "libsvtav1"])
@pytest.mark.parametrize("size", [(144, 160), (147, 161)])
def test_vp9_and_av1_headers_say_odd_sizes(tmp_path, codec, size):
    options = {"cpu-used": "8"} if codec == "libvpx-vp9" else {"preset": "12"}
    path = make_video(tmp_path / "a.mkv", size=size, num_frames=6, codec=codec, options=options)
    assert sequence_of(path, "vp9" if codec == "libvpx-vp9" else "av1").size == size


def test_of_several_headers_the_one_holds_that_a_picture_names(tmp_path):
    programs = [
        packets_of(
            make_video(
                tmp_path / f"{number}.mp4",
                size=size,
                num_frames=2,
                options={"x264-params": f"sps-id={number}:keyint=1"},
            )
        )
        for number, size in enumerate([(144, 160), (96, 80)])
    ]
    headers = SequenceHeaders("h264")
    sets = b"".join(sets for sets, _ in programs)
    assert headers.at(sets) is None
    (_, first), (_, second) = programs
    assert [headers.at(packet).size for packet in (first[0], second[0], second[1], first[1])] == [
        (144, 160),
        (96, 80),
        (96, 80),
        (144, 160),
    ]


def test_a_header_that_breaks_off_says_nothing_and_one_of_another_layer_is_passed(tmp_path):
    for codec, encoder in (("h264", "libx264"), ("hevc", "libx265")):
        sets, _ = packets_of(make_video(tmp_path / f"{codec}.mp4", num_frames=2, codec=encoder))
        header = SequenceHeaders(codec).at(sets).header
        assert [read_sequence(codec, header[:end]) for end in range(2, 8)] == [None] * 6
    units = [unit for unit in nal_units("hevc", None, sets) if unit[0] >> 1 & 63 == 33]
    assert read_sequence("hevc", units[0][:1] + bytes([units[0][1] | 8]) + units[0][2:]) is None


def as_bytes(*parts):
    """(value, bits) pairs one behind the other."""
    bits = "".join(f"{value:0{count}b}" for value, count in parts)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def test_a_vp9_frame_between_keyframes_may_state_a_size_of_its_own():
    # VP9 specification, 6.2: marker, profile 0, not shown again; then type, show_frame, error_resilient_mode.
    start = ((2, 2), (0, 2), (0, 1))
    key = as_bytes(*start, (0, 1), (1, 1), (0, 1), (0x498342, 24), (1, 3), (0, 1), (159, 16), (143, 16))
    inter = (*start, (1, 1), (1, 1), (0, 1), (0, 2), (1, 8), (0, 12))
    first = vp9_sequence(key, None)
    assert first.size == (144, 160)
    # One of its references has its size, else it is said.
    assert vp9_sequence(as_bytes(*inter, (0, 1), (1, 1), (0, 30)), first) is first
    assert vp9_sequence(as_bytes(*inter, (0, 3), (159, 16), (143, 16)), first) == first
    assert vp9_sequence(as_bytes(*inter, (0, 3), (79, 16), (71, 16)), first).size == (72, 80)
    hidden = (*start, (1, 1), (0, 1), (0, 1), (1, 1), (0, 2), (0x498342, 24), (1, 8), (79, 16), (71, 16))
    assert vp9_sequence(as_bytes(*hidden), first).size == (72, 80)
    # A frame that was decoded before is shown; a packet that breaks off says nothing.
    assert vp9_sequence(as_bytes((2, 2), (0, 2), (1, 1), (0, 3)), first) is first
    assert vp9_sequence(key[:6], first) is first
