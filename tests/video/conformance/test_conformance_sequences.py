"""NVDEC has one decoder for each sequence header: it neither scales pictures nor lacks surfaces for them.

A decoder made for one header and fed another would be reconfigured by PyNvVideoCodec, which keeps the size of its
output and the number of its surfaces. The emulated driver reports both.
"""

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from catalog import NO_B, program_after_program
from coding import x264
from edits import filtered, joined, joined_flv, stamped
from sample import SIZE, coded, edited
from video_samples import make_changing_video, numbers_in, read_luma, remux

from bvas import DecodeError, open_video
from bvas.video.decode.pynvvideocodec import DecoderPool

HEIGHT, WIDTH = SIZE
LARGER, SMALLER = (288, 320), (72, 80)
VP9 = {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8", "g": "12"}}
AV1 = {"codec": "libsvtav1", "options": {"preset": "12", "g": "12"}}
HEVC = {"codec": "libx265"}


def refs(count, **options):
    """x264's options for streams that keep this many reference pictures."""
    return x264(keyint=12, bframes=0, ref=count, **options)


FILES = {
    "h264.mp4": {},
    "h264 larger.mkv": {"size": LARGER},
    "h264 smaller.ts": {"size": SMALLER},
    "h264 of 142 rows in 144.mp4": {"size": (HEIGHT - 2, WIDTH)},
    "h264 with 1 reference.mp4": {"options": refs(1)},
    "h264 with 16 references.mp4": {"options": refs(16)},
    "hevc.mp4": HEVC,
    "hevc larger.mp4": HEVC | {"size": LARGER},
    "hevc of 10 bits.mkv": HEVC | {"pixel_format": "yuv420p10le"},
    "hevc with 5 references.mkv": HEVC | {"options": {"x265-params": "ref=5"}},
    "vp9.webm": VP9,
    "vp9 smaller.webm": VP9 | {"size": SMALLER},
    "av1.mp4": AV1,
    "av1 smaller.mkv": AV1 | {"size": SMALLER},
}


@pytest.mark.gpu
def test_a_pool_gives_each_file_a_decoder_made_for_its_header(tmp_path):
    pool = DecoderPool(max_idle=len(FILES))
    paths = []
    for name, settings in FILES.items():
        paths.append(tmp_path / name)
        coded(num_frames=20, **settings)(paths[-1])
    # Each comes behind one of another kind, and the second time there is a decoder of its own.
    for path in [*paths, *reversed(paths)]:
        with open_video(path, "nvdec", device="cuda", pool=pool) as gpu, open_video(path) as cpu:
            assert np.array_equal(read_luma(gpu, [19, 0, 7, 8]), read_luma(cpu, [19, 0, 7, 8])), path.name
    pool.close()


@pytest.mark.gpu
@pytest.mark.parametrize(("first", "second"), list(pairwise(FILES)))
def test_files_of_two_headers_have_two_decoders_and_come_back_to_their_own(tmp_path, driver, first, second):
    pool = DecoderPool()
    made = driver.counts()["decoders_made"]
    for name in (first, second, first, second):
        path = tmp_path / name
        if not path.exists():
            coded(num_frames=3, **FILES[name])(path)
        with open_video(path, "nvdec", device="cuda", pool=pool) as reader:
            assert numbers_in(read_luma(reader, [2])) == [2]
    assert driver.counts()["decoders_made"] - made == 2
    pool.close()
    assert driver.held()["decoders"] == 0


@pytest.mark.gpu
@pytest.mark.parametrize("settings", [{}, HEVC, VP9, AV1], ids=["h264", "hevc", "vp9", "av1"])
def test_files_coded_alike_share_a_decoder_whatever_their_container(tmp_path, driver, settings):
    pool = DecoderPool()
    made = driver.counts()["decoders_made"]
    for number, name in enumerate(("a.mkv", "b.mp4", "c.mkv")):
        coded(num_frames=5, first_number=7 * number, **settings)(tmp_path / name)
        with open_video(tmp_path / name, "nvdec", device="cuda", pool=pool) as reader:
            assert numbers_in(read_luma(reader, [4, 0])) == [7 * number + 4, 7 * number]
    assert driver.counts()["decoders_made"] - made == 1
    pool.close()


@pytest.mark.gpu
def test_one_pool_reads_720_then_718_then_1080_rows(tmp_path):
    pool = DecoderPool()
    for height, width in ((720, 1280), (718, 1280), (1080, 1920), (720, 1280)):
        path = tmp_path / f"{height}.mp4"
        if not path.exists():
            coded(size=(height, width), num_frames=10, options=x264(keyint=4, bframes=2))(path)
        with open_video(path, "nvdec", device="cuda", pool=pool) as gpu, open_video(path) as cpu:
            assert np.array_equal(read_luma(gpu, [9, 0, 4, 5]), read_luma(cpu, [9, 0, 4, 5])), height
    pool.close()


def hevc_after_hevc(first, second):
    """A file of 36 frames with one header and 24 with another."""

    def make(path):
        bare = edited(
            joined(coded(first_number=36, num_frames=24, **second)), "source.hevc", num_frames=36, **first
        )
        bare(path.with_name("both.hevc"))
        stamped(25)(path.with_name("both.hevc"), path)

    return make


NO_B_HEVC = "bframes=0:scenecut=0"
CHANGES = {
    "more references": program_after_program(
        coded(first_number=36, num_frames=24, options=refs(16)), options=refs(1)
    ),
    "fewer references": program_after_program(
        coded(first_number=36, num_frames=24, options=refs(1)), options=refs(16)
    ),
    "rows cut off at the bottom": program_after_program(
        coded(
            size=(160, 160),
            first_number=36,
            num_frames=24,
            options=x264(keyint=12, bframes=0, crop_rect="0,0,0,16"),
        ),
        options=NO_B,
    ),
    "hevc, more references": hevc_after_hevc(
        HEVC | {"options": {"x265-params": f"{NO_B_HEVC}:ref=1"}},
        HEVC | {"options": {"x265-params": f"{NO_B_HEVC}:ref=5"}},
    ),
}


@pytest.mark.gpu
@pytest.mark.parametrize("container", ["ts", "mkv", "mp4"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_header_that_changes_within_a_file_brings_a_decoder_of_its_own(tmp_path, change, container):
    path = tmp_path / f"a.{container}"
    CHANGES[change](path)
    check_all_frames(path)


CHANGED_BESIDE = edited(
    joined_flv(coded(first_number=36, num_frames=24, options=refs(16)), 36 * 40),
    "source.flv",
    num_frames=36,
    options=refs(1),
)


@pytest.mark.gpu
def test_an_mp4_of_two_descriptions_brings_two_decoders(tmp_path):
    CHANGED_BESIDE(tmp_path / "a.flv")
    path = remux(tmp_path / "a.flv", tmp_path / "a.mp4", lambda number, packet: None)
    assert path.read_bytes().count(b"avcC") == 2
    check_all_frames(path)


def test_an_flv_that_changes_its_headers_is_refused(tmp_path):
    CHANGED_BESIDE(tmp_path / "a.flv")
    with pytest.raises(DecodeError, match=r'changes its headers.*backend="pyav"'):
        open_video(tmp_path / "a.flv", "nvdec", device="cuda")


def check_all_frames(path):
    with open_video(path, "nvdec", device="cuda") as gpu, open_video(path) as cpu:
        frames = read_luma(cpu, range(60))
        assert numbers_in(frames) == list(range(60))
        assert np.array_equal(read_luma(gpu, range(60)), frames)
        for index in (59, 36, 35, 48, 0, 47, 12):
            assert np.array_equal(read_luma(gpu, [index])[0], frames[index]), index


@pytest.mark.gpu
@pytest.mark.parametrize("settings", [VP9, AV1], ids=["vp9", "av1"])
def test_a_smaller_picture_from_a_keyframe_on_is_not_scaled_to_the_first_size(tmp_path, settings):
    path = tmp_path / "a.mkv"
    second = coded(size=SMALLER, first_number=24, num_frames=24, **settings)
    edited(appended(second), "source.mkv", num_frames=24, **settings)(path)
    with open_video(path, "nvdec", device="cuda") as reader:
        assert numbers_in(read_luma(reader, range(24))) == list(range(24))
        with pytest.raises(DecodeError, match="80x72, the video began with 160x144"):
            read_luma(reader, [30])
        assert numbers_in(read_luma(reader, [5])) == [5]


def appended(second):
    """The packets of a file of 25 frames per second, then those of another, under the first one's description."""

    def append(source, target):
        other = source.with_stem("second")
        second(other)
        with av.open(str(target), "w") as new:
            copy, start = None, 0
            for part in (source, other):
                with av.open(str(part)) as old:
                    stream = old.streams.video[0]
                    copy = copy or new.add_stream_from_template(stream, opaque=True)
                    packets = [packet for packet in old.demux(stream) if packet.dts is not None]
                    ends = [packet.pts + round(1 / (25 * packet.time_base)) for packet in packets]
                    for packet in packets:
                        packet.pts, packet.dts, packet.stream = packet.pts + start, packet.dts + start, copy
                        new.mux(packet)
                    start += max(ends)

    return append


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", None),
        ("libx265", {"x265-params": "log-level=none:keyint=12"}),
        ("libvpx-vp9", VP9["options"]),
    ],
)
def test_pictures_that_change_their_size_or_samples_are_fitted_as_on_the_cpu(tmp_path, codec, options):
    parts = [
        (20, SIZE, Fraction(4, 3)),
        (20, LARGER, 1),
        (20, SIZE, Fraction(16, 11)),
        (20, SIZE, Fraction(4, 3)),
    ]
    path = make_changing_video(
        tmp_path / ("a.mkv" if codec == "libvpx-vp9" else "a.ts"), parts, codec=codec, options=options
    )
    size = (144, 240)
    with open_video(path, "nvdec", device="cuda", size=size) as gpu, open_video(path, size=size) as cpu:
        frames = read_luma(cpu, range(80))
        assert np.array_equal(read_luma(gpu, range(80)), frames)
        for index in (79, 45, 25, 3, 20, 19, 40, 60):
            assert np.array_equal(read_luma(gpu, [index])[0], frames[index]), index


def cropped(rect, **settings):
    """x264's `left,top,right,bottom` of the coded picture that is not shown."""
    left, top, right, bottom = (int(side) for side in rect.split(","))
    size = (HEIGHT + top + bottom, WIDTH + left + right)
    return coded(size=size, options=x264(keyint=12, bframes=0, crop_rect=rect), **settings)


CORNERS = {
    "top.mp4": cropped("0,8,0,0"),
    "left.mkv": cropped("16,0,0,0"),
    "all sides.ts": cropped("2,2,14,14"),
    "later.ts": program_after_program(cropped("0,16,0,0", first_number=36, num_frames=24), options=NO_B),
    "later.mp4": program_after_program(cropped("0,16,0,0", first_number=36, num_frames=24), options=NO_B),
    "later.flv": edited(
        joined_flv(cropped("0,16,0,0", first_number=36, num_frames=24), 36 * 40),
        "source.flv",
        num_frames=36,
        options=NO_B,
    ),
    "hevc.mp4": edited(filtered("hevc_metadata=crop_top=8"), codec="libx265", size=(HEIGHT + 8, WIDTH)),
    "hevc.mkv": edited(filtered("hevc_metadata=crop_left=8"), codec="libx265", size=(HEIGHT, WIDTH + 8)),
}


@pytest.mark.parametrize("name", CORNERS)
def test_rows_or_columns_cut_off_above_or_left_are_refused_and_read_on_the_cpu(tmp_path, name):
    path = tmp_path / name
    CORNERS[name](path)
    with pytest.raises(DecodeError, match="cuts rows off the top or columns off the left") as caught:
        open_video(path, "nvdec", device="cuda")
    assert 'backend="pyav"' in str(caught.value)
    with open_video(path, device="cuda") as reader:
        assert reader.backend == "pyav"
        assert numbers_in(read_luma(reader, range(60))) == list(range(60))


@pytest.mark.gpu
@pytest.mark.parametrize("rect", ["0,0,0,16", "0,0,16,0", "0,0,2,14"])
def test_rows_or_columns_cut_off_below_or_right_are_read(tmp_path, rect):
    cropped(rect)(tmp_path / "a.mp4")
    check_all_frames(tmp_path / "a.mp4")
