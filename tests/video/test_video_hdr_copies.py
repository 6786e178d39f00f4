"""Copies of HDR are SDR that names itself BT.709, or HDR that keeps its tags; tags of SDR are kept."""

import av
import numpy as np
import pytest
from hdr_samples import BT2020, HLG, PQ, light_of_hlg, light_of_pq, ramp, sdr_of_light, write_hdr
from video_samples import make_video, read_luma

from bvas import open_video
from bvas.video.container.color_tags import color_tags_of
from bvas.video.container.read_options import ReadOptions
from bvas.video.decode.hdr_color import sdr_rgb
from bvas.video.encode.browser_preview import make_preview
from bvas.video.encode.prepared_copy import make_copy, plan_copy
from bvas.video.index.stored_picture import ToneMap, color_range_of
from bvas.video.index.video_index import build_index

HDR_TAGS = {PQ: ("smpte2084", "bt2020", "bt2020nc"), HLG: ("arib-std-b67", "bt2020", "bt2020nc")}
TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])


def tags_in(path):
    """(transfer, primaries, matrix) that the bitstream itself names, and those of the container."""
    info = build_index(path, cache=False)[1]
    with av.open(str(path)) as container:
        tags = color_tags_of(next(container.decode(video=0)))
    return tuple(tags.names.values()), tuple(info.container_color.names.values())


def all_frames(path, **options):
    with open_video(path, cache=False, **options) as reader:
        return read_luma(reader, range(reader.info.num_frames))


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_copy_of_hdr_shows_what_readers_see_and_names_it_bt709(tmp_path, transfer, codec):
    source = write_hdr(tmp_path / "a.mp4", ramp(10), transfer=transfer)
    plan = plan_copy(source, tmp_path / "b.mp4", crf=0, codec=codec, cache=False)
    make_copy(plan)
    assert tags_in(plan.target) == (("bt709",) * 3,) * 2
    off = np.abs(all_frames(plan.target).astype(int) - all_frames(source))
    assert off.max() <= (0 if codec == "h264" else 2)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_a_copy_without_mapping_keeps_the_bits_and_the_tags_and_is_read_alike(tmp_path, transfer):
    source = write_hdr(tmp_path / "a.mp4", ramp(10), transfer=transfer)
    plan = plan_copy(source, tmp_path / "b.mp4", crf=0, reading=ReadOptions(tone="none"), cache=False)
    make_copy(plan)
    assert tags_in(plan.target) == (HDR_TAGS[transfer],) * 2
    assert np.array_equal(all_frames(plan.target, tone="none"), ramp(10)[None].repeat(3, 0) >> 2)
    # Mapped later, only the two bits that were shifted off are missing.
    off = np.abs(all_frames(plan.target).astype(int) - all_frames(source))
    assert off.max() <= 4


@pytest.mark.parametrize(
    ("params", "tags"),
    [
        ("colorprim=bt709:transfer=bt709:colormatrix=bt709", ("bt709", "bt709", "bt709")),
        ("colorprim=bt470bg:transfer=smpte170m:colormatrix=bt470bg", ("smpte170m", "bt470bg", "bt470bg")),
        ("colorprim=bt2020:transfer=bt2020-10:colormatrix=bt2020nc", ("bt2020-10", "bt2020", "bt2020nc")),
        ("colormatrix=bt709", ("unspecified", "unspecified", "bt709")),
        ("keyint=12", ("unspecified", "unspecified", "unspecified")),
    ],
)
@pytest.mark.parametrize("make", ["prepare", "preview"])
def test_copies_of_sdr_keep_its_tags(tmp_path, params, tags, make):
    source = make_video(tmp_path / "a.mp4", num_frames=5, options={"x264-params": params})
    target = tmp_path / "b.mp4"
    if make == "prepare":
        make_copy(plan_copy(source, target, cache=False))
    else:
        make_preview(source, target)
    assert tags_in(target)[0] == tags
    assert build_index(target, cache=False)[1].color_range == "limited"


def test_the_full_range_of_hdr_is_kept_in_a_copy(tmp_path):
    source = write_hdr(tmp_path / "a.mp4", ramp(10), full=True)
    plan = plan_copy(source, tmp_path / "b.mp4", crf=0, cache=False)
    make_copy(plan)
    assert build_index(plan.target, cache=False)[1].color_range == "full"
    assert np.array_equal(all_frames(plan.target), all_frames(source))


def color_video(path, signal, transfer, **settings):
    """HDR of one color, R'G'B' in [0, 1], by BT.2020's matrix (BT.2100, table 6)."""
    red, green, blue = signal
    luma = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    differences = (blue - luma) / 1.8814, (red - luma) / 1.4746
    codes = [round((219 * luma + 16) * 4), *(round((224 * value + 128) * 4) for value in differences)]
    chroma = [np.full((24, 40), code, np.uint16) for code in codes[1:]]
    return write_hdr(
        path, np.full((48, 80), codes[0], np.uint16), transfer=transfer, chroma=chroma, **settings
    )


def mapped_color(signal, transfer):
    """The same in SDR, uint8 R'G'B' unrounded: per channel after BT.2020 to BT.709."""
    if transfer == PQ:
        light = np.array([light_of_pq(value) for value in signal])
    else:
        scene = np.array([(light_of_hlg(value) / 1000) ** (1 / 1.2) for value in signal])
        light = 1000 * scene * (np.array([0.2627, 0.6780, 0.0593]) @ scene) ** 0.2
    return [255 * sdr_of_light(max(channel, 0)) for channel in TO_BT709 @ light]


COLORS = [(0.58, 0.58, 0.58), (0.5, 0.42, 0.3), (0.3, 0.45, 0.32), (0.35, 0.4, 0.55), (0.1, 0.08, 0.09)]


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("signal", COLORS)
def test_colors_are_mapped_per_channel_after_bt2020_to_bt709(tmp_path, transfer, signal):
    path = color_video(tmp_path / "a.mp4", signal, transfer)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    info = build_index(path, cache=False)[1]
    rgb = sdr_rgb(frame, ToneMap(info, "sdr").hdr_of(frame, 0), info.color, color_range_of(frame))
    assert rgb.shape == (48, 80, 3)
    assert np.abs(rgb[24, 40] - mapped_color(signal, transfer)).max() <= 3


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_a_preview_shows_the_colors_of_sdr(tmp_path, transfer):
    signal = (0.5, 0.42, 0.3)
    path = color_video(tmp_path / "a.mp4", signal, transfer)
    make_preview(path, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        frame = next(container.decode(video=0))
        shown = frame.to_ndarray(format="rgb24", src_colorspace="ITU709")[24, 40]
    assert tags_in(tmp_path / "b.mp4")[0] == ("bt709",) * 3
    assert np.abs(shown - mapped_color(signal, transfer)).max() <= 6


def test_a_preview_of_another_tone_is_made_again(tmp_path):
    path = write_hdr(tmp_path / "a.mp4", ramp(10))
    target = tmp_path / "b.mp4"
    assert not make_preview(path, target).reused
    assert make_preview(path, target).reused
    assert not make_preview(path, target, reading=ReadOptions(tone="none")).reused
    assert tags_in(target)[0] == HDR_TAGS[PQ]


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_ictcp_is_read_by_its_own_matrix(transfer):
    from hdr_samples import hdr_frame

    # BT.2100, table 7: gray has no Ct and no Cp, and its intensity is the signal.
    code = round((219 * 0.58 + 16) * 4)
    frame = hdr_frame(np.full((48, 80), code, np.uint16), "yuv420p10le")
    frame.color_range, frame.colorspace, frame.color_trc, frame.color_primaries = 1, 14, transfer, BT2020
    hdr = {PQ: "PQ", HLG: "HLG"}[transfer]
    rgb = sdr_rgb(frame, hdr, color_tags_of(frame), "limited")
    assert np.abs(rgb[24, 40] - mapped_color((0.58,) * 3, transfer)).max() <= 2
