"""Pictures of joined cuts: turned, of other sizes and colors, damaged."""

from fractions import Fraction

import av
import numpy as np
import pytest
from cut_samples import (
    numbers_and_seconds,
    write_chirped,
)
from hdr_samples import PQ, write_hdr
from video_samples import damage, make_video, numbers_in, read_luma

import bvas
from bvas.data.interval_files import IntervalRow, intervals_csv_text
from bvas.errors import DecodeError
from bvas.values.annotations import Interval
from bvas.video.container.color_tags import ColorTags
from bvas.video.encode.encoder import Coding, EncodedFile
from bvas.video.encode.video_writer import yuv_picture
from bvas.video.index.video_index import build_index


def test_a_turned_video_stands_upright_and_an_odd_side_is_made_even(tmp_path):
    turned = write_chirped(
        tmp_path / "a.mp4", num_frames=30, rotation=-90, store=lambda luma: np.rot90(luma), size=(48, 80)
    )
    odd = make_video(tmp_path / "odd.mkv", num_frames=20, size=(49, 81), pixel_format="yuv444p")

    bvas.cut(turned, intervals=[Interval("A", 0.2, 0.8)], out=tmp_path / "b.mp4")
    bvas.cut(odd, intervals=[Interval("A", 0.2, 0.6)], out=tmp_path / "c.mp4")

    info = build_index(tmp_path / "b.mp4")[1]
    assert (info.height, info.width, info.rotation) == (48, 80, 0)
    assert numbers_and_seconds(tmp_path / "b.mp4")[0] == list(range(5, 20))
    info = build_index(tmp_path / "c.mp4")[1]
    assert (info.height, info.width) == (50, 82)
    assert numbers_and_seconds(tmp_path / "c.mp4")[0] == list(range(5, 15))


def test_another_size_is_fitted_into_that_of_the_first_video(tmp_path):
    wide = make_video(tmp_path / "wide.mp4", num_frames=10, size=(48, 160), sample_aspect=Fraction(1, 2))
    tall = make_video(tmp_path / "tall.mp4", num_frames=10, size=(96, 80), first_number=500)
    rows = [IntervalRow(video=name, interval=Interval("A", 0.0, 0.2)) for name in ("wide.mp4", "tall.mp4")]
    (tmp_path / "i.csv").write_text(intervals_csv_text(rows))

    bvas.cut([wide, tall], intervals=tmp_path / "i.csv", out=tmp_path / "b.mp4")

    with bvas.open_video(tmp_path / "b.mp4") as reader:
        frames, info = read_luma(reader, range(10)), reader.info
    # 48 x 160 of half-wide samples is shown as 48 x 80; 96 x 80 fits as 48 rows and 80 of its samples.
    assert (info.height, info.width, info.sample_aspect) == (48, 160, Fraction(1, 2))
    assert numbers_in(frames[:5]) == [0, 1, 2, 3, 4]
    assert frames[5:, :, :38].max() < 20
    assert frames[5:, :, 122:].max() < 20
    assert numbers_in(frames[5:, :, 40:120]) == [500, 501, 502, 503, 504]


def test_another_sample_aspect_is_fitted_too(tmp_path):
    square = make_video(tmp_path / "square.mp4", num_frames=5, size=(80, 80))
    narrow = make_video(tmp_path / "narrow.mp4", num_frames=5, size=(80, 80), sample_aspect=Fraction(1, 2))
    rows = [IntervalRow(video=name, interval=Interval("A", 0, 0.2)) for name in ("square.mp4", "narrow.mp4")]
    (tmp_path / "i.csv").write_text(intervals_csv_text(rows))

    bvas.cut([square, narrow], intervals=tmp_path / "i.csv", out=tmp_path / "b.mp4")

    with bvas.open_video(tmp_path / "b.mp4") as reader:
        frames = read_luma(reader, range(10))
    assert numbers_in(frames[:5]) == numbers_in(frames[5:, :, 20:60]) == [0, 1, 2, 3, 4]
    assert frames[5:, :, :18].max() < 20


def plain_color(path, color, tags, color_range):
    """Write a video of one color, stated in its tags, by the formulas of ITU-R BT.601 and BT.709."""
    coding = Coding(
        size=(48, 80),
        rate=Fraction(25),
        time_base=Fraction(1, 25),
        crf=4,
        color=tags,
        color_range=color_range,
    )
    red, green, blue = (value / 255 for value in color)
    of_red, of_blue = (0.2126, 0.0722) if tags.matrix == 1 else (0.299, 0.114)
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    chroma = (blue - luma) / (2 - 2 * of_blue), (red - luma) / (2 - 2 * of_red)
    low, scale, chroma_scale = (0, 255, 255) if color_range == "full" else (16, 219, 224)
    planes = [np.full((48, 80), round(low + scale * luma), np.uint8)]
    planes += [np.full((24, 40), round(128 + chroma_scale * value), np.uint8) for value in chroma]
    with EncodedFile(path, coding) as file:
        for number in range(5):
            frame = yuv_picture(*planes)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            file.encode(frame)
        file.finish()
        file.publish()
    return path


def test_other_matrices_and_ranges_are_converted_to_those_of_the_first_video(tmp_path):
    color = (200, 40, 30)
    bt709, bt601 = ColorTags(primaries=1, transfer=1, matrix=1), ColorTags(primaries=6, transfer=6, matrix=6)
    first = plain_color(tmp_path / "a.mp4", color, bt709, "limited")
    others = [
        plain_color(tmp_path / "b.mp4", color, bt601, "limited"),
        plain_color(tmp_path / "c.mp4", color, bt709, "full"),
    ]
    rows = [IntervalRow(video=f"{name}.mp4", interval=Interval("A", 0, 0.2)) for name in "abc"]
    (tmp_path / "i.csv").write_text(intervals_csv_text(rows))

    bvas.cut([first, *others], intervals=tmp_path / "i.csv", out=tmp_path / "d.mp4")

    with bvas.open_video(tmp_path / "d.mp4", channels="rgb") as reader:
        assert (reader.info.color, reader.info.color_range) == (bt709, "limited")
        out = np.empty((15, *reader.frame_shape), np.uint8)
        reader.read_into(range(15), out)
    means = out.reshape(3, 5, -1, 3).mean(axis=(1, 2))
    assert np.abs(means - color).max() < 4


def test_hdr_becomes_sdr(tmp_path):
    # 203 cd/m2 is 58 % PQ, and comes out at 0.904 of white.
    luma = np.full((180, 320), round((219 * 0.58 + 16) * 4), np.uint16)
    source = write_hdr(tmp_path / "a.mp4", luma, transfer=PQ)

    bvas.cut(source, intervals=[Interval("A", 0.0, 0.04)], out=tmp_path / "b.mp4")

    with bvas.open_video(tmp_path / "b.mp4", channels="rgb") as reader:
        assert set(reader.info.color.names.values()) == {"bt709"}
        out = np.empty((1, *reader.frame_shape), np.uint8)
        reader.read_into([0], out)
    assert out[0, 80:120, 140:180].mean() == pytest.approx(255 * 0.904, abs=3)


def test_frames_that_cannot_be_decoded_are_left_out_and_a_cut_never_begins_with_one(tmp_path):
    source = make_video(tmp_path / "a.mp4", num_frames=60, options={"g": "1", "bf": "0"})
    damage(source, [20, 21, 30])
    intervals = [Interval("A", 0.0, 0.2), Interval("A", 0.8, 1.4)]

    (made,) = bvas.cut(source, intervals=intervals, out=tmp_path / "b.mp4")

    second = made.stretches[1]
    assert (second.frames, second.lost) == (range(22, 35), (range(20, 22), range(30, 31)))
    numbers, seconds = numbers_and_seconds(tmp_path / "b.mp4")
    assert numbers == [*range(5), *range(22, 30), *range(31, 35)]
    # The frame before stays on screen for the one that is lost within.
    assert np.round(seconds * 25).astype(int).tolist() == [*range(5), *range(5, 13), *range(14, 18)]
    with pytest.raises(DecodeError, match=r"frame 20 \(0\.800 s\) of .*a\.mp4"):
        bvas.cut(source, intervals=intervals, out=tmp_path / "c.mp4", strict=True)
    assert not (tmp_path / "c.mp4").exists()


def test_a_cut_whose_last_frames_are_lost_keeps_its_length(tmp_path):
    source = make_video(tmp_path / "a.mp4", num_frames=60, options={"g": "1", "bf": "0"})
    damage(source, [33, 34])

    (made,) = bvas.cut(source, intervals=[Interval("A", 1.2, 1.4)], out=tmp_path / "b.mp4")

    index = build_index(tmp_path / "b.mp4")[0]
    assert (made.num_frames, made.duration_seconds) == (3, 0.2)
    assert index.seconds.tolist() == pytest.approx([0, 0.04, 0.08])
    assert index.duration_seconds == pytest.approx(0.2)


def test_no_frame_at_all_is_an_error(tmp_path):
    source = make_video(tmp_path / "a.mp4", num_frames=30, options={"g": "1", "bf": "0"})
    damage(source, range(10, 15))
    with pytest.raises(DecodeError, match=r"no frame of .* can be decoded"):
        bvas.cut(source, intervals=[Interval("A", 0.4, 0.6)], out=tmp_path / "b.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4"]


def test_hevc_is_written_where_told_to(tmp_path):
    source = make_video(tmp_path / "a.mp4", num_frames=30)
    bvas.cut(source, intervals=[Interval("A", 0.4, 0.8)], out=tmp_path / "b.mp4", codec="hevc")
    with av.open(str(tmp_path / "b.mp4")) as container:
        decoder = container.streams.video[0].codec_context
        assert (decoder.name, decoder.codec_tag) == ("hevc", "hvc1")
    assert numbers_and_seconds(tmp_path / "b.mp4")[0] == list(range(10, 20))
