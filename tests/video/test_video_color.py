"""Color of files: RGB and planes by tags, formats, matrices and chroma positions."""

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from color_chart import CHART, chart, coded_chart
from color_reference import reference_rgb
from stream_sources import piped
from video_samples import make_video

from bvas import ConfigError, DecodeError, open_stream, open_video, to_rgb
from bvas.cli import main
from bvas.values.color import split_planes
from bvas.video.decode.hdr_color import sdr_rgb

LOSSLESS = {
    "libx264": {"qp": "0", "preset": "veryfast"},
    "libx264rgb": {"qp": "0", "preset": "veryfast"},
    "ffv1": {},
    "png": {},
}


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [
        ("libx264", "yuv420p"),
        ("libx264", "yuv422p"),
        ("libx264", "yuv444p"),
        ("libx264", "yuv420p10le"),
        ("ffv1", "yuv411p"),
        ("ffv1", "yuv422p10le"),
        ("ffv1", "bgr0"),
        ("libx264rgb", "rgb24"),
        ("png", "rgb24"),
    ],
)
def test_a_chart_coded_lossless_gives_its_rgb_in_the_middle_of_each_patch(tmp_path, codec, pixel_format):
    path = tmp_path / ("a.mov" if codec == "png" else "a.mkv")
    coded_chart(path, codec, pixel_format, options=LOSSLESS[codec], rgb=chart(patch=32))
    with open_video(path, channels="rgb") as reader:
        found = reader.read([1])[0].numpy()
    assert found.shape == (64, 128, 3)
    middles = found[16::32, 16::32].reshape(-1, 3).astype(int)
    # 10 bits cut to 8 lose up to 3/4 of a code of luma and chroma.
    tolerance = 4 if "10le" in pixel_format else 2
    assert np.abs(middles - CHART).max() <= tolerance


@pytest.mark.parametrize(("matrix", "name"), [(1, "bt709"), (5, "bt601"), (9, "bt2020")])
@pytest.mark.parametrize(("tag", "color_range"), [(1, "limited"), (2, "full")])
@pytest.mark.parametrize("bits", [8, 10])
def test_rgb_is_that_of_the_standard_on_every_pixel(tmp_path, matrix, name, tag, color_range, bits):
    noise = np.random.default_rng(0).integers(0, 256, (36, 52, 3)).astype(np.uint8)
    pixel_format = "yuv420p" if bits == 8 else "yuv420p10le"
    path = coded_chart(
        tmp_path / "a.mkv",
        "libx264",
        pixel_format,
        options=LOSSLESS["libx264"],
        rgb=noise,
        tags=(matrix, tag),
    )
    with open_video(path, channels="planes") as planes, open_video(path, channels="rgb") as rgb:
        assert (planes.form.matrix, planes.form.color_range) == (name, color_range)
        luma, (blue, red) = split_planes(planes.read([2])[0].numpy(), planes.size)
        found = rgb.read([2])[0].permute(2, 0, 1).numpy()
        on_device = to_rgb(planes.read([2]), planes.form)[0].numpy()
    place = (0.5, 0.5) if name == "bt2020" else (1.0, 0.5)
    wanted = reference_rgb(luma, blue, red, matrix=name, color_range=color_range, place=place)
    assert np.abs(found / 255 - wanted).max() <= 1 / 255
    assert np.abs(on_device - wanted).max() < 1e-5
    with av.open(str(path)) as container:
        stored = next(container.decode(video=0))
        dtype, shift = (np.uint8, 0) if bits == 8 else (np.uint16, 2)
        for plane, ours in zip(stored.planes, (luma, blue, red), strict=True):
            codes = np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width]
            assert np.array_equal(codes >> shift, ours)


@pytest.mark.parametrize(
    ("codec", "options", "place"),
    [
        ("libx264", {"x264-params": "chromaloc=1"}, (1.0, 1.0)),
        ("libx264", {"x264-params": "chromaloc=2"}, (0.5, 0.5)),
        ("libx264", {"x264-params": "chromaloc=4"}, (1.5, 0.5)),
        ("libx264", {}, (1.0, 0.5)),
        ("libx265", {"x265-params": "chromaloc=3"}, (0.5, 1.0)),
        ("mjpeg", {}, (1.0, 1.0)),
        ("mpeg2video", {}, (1.0, 0.5)),
    ],
)
def test_chroma_lies_where_the_headers_say(tmp_path, codec, options, place):
    path = tmp_path / "a.mkv"
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    make_video(path, num_frames=4, codec=codec, options=options, pixel_format=pixel_format)
    with open_video(path, channels="planes") as reader:
        assert reader.form.chroma == place
    if codec == "libx264":
        with piped(path) as pipe, open_stream(pipe, channels="planes") as stream:
            assert stream.form.chroma == place


@pytest.mark.parametrize(("size", "name"), [((48, 80), "BT.601"), ((720, 80), "BT.709")])
def test_an_unstated_matrix_follows_the_lines_and_is_said(tmp_path, caplog, size, name):
    path = make_video(tmp_path / f"{size[0]}.mp4", num_frames=2, size=size)
    with open_video(path, channels="planes") as reader:
        assert reader.form.matrix == {"BT.601": "bt601", "BT.709": "bt709"}[name]
    assert f"does not state its color matrix; {name} is assumed for {size[0]} lines" in caplog.text


def test_a_matrix_that_is_not_linear_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "a.mkv"
    make_video(path, num_frames=2, options={"x264-params": "colormatrix=YCgCo"})
    with open_video(path) as reader:
        assert reader.read([0]).shape == (1, 48, 80)
    with pytest.raises(DecodeError, match=r'ycgco.*re-encode it to BT\.709, or open it with channels="luma"'):
        open_video(path, channels="rgb")


def test_opencv_refuses_color_with_the_reason(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=20)
    with pytest.raises(
        DecodeError, match=r'OpenCV gives luma alone as it is stored; open it with backend="pyav"'
    ):
        open_video(path, "opencv", channels="rgb")


def test_a_pipe_gives_the_rgb_of_the_file(tmp_path):
    path = make_video(tmp_path / "a.ts", num_frames=20)
    with open_video(path, channels="rgb", size=(40, 40)) as reader:
        wanted = reader.read(range(20)).numpy()
    with piped(path) as pipe, open_stream(pipe, channels="rgb", size=(40, 40)) as stream:
        found = np.concatenate([batch for _, batch in stream.stream()])
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"channels": "bgr"}, "known are luma, planes, rgb"),
        ({"fit": "crop"}, "need a size"),
        ({"size": (8, 8), "fit": "fill"}, "fit must be one of pad, crop, stretch"),
        ({"size": (8, 8), "resize": (16, 16)}, "needs fit 'crop' or 'stretch'"),
        ({"size": (8, 8), "fit": "crop", "resize": (16, 4)}, "at least size"),
    ],
)
def test_unknown_options_are_refused_with_the_rule(tmp_path, options, rule):
    path = make_video(tmp_path / "a.mp4", num_frames=2)
    with pytest.raises(ConfigError, match=rule):
        open_video(path, **options)


ACCURATE = (
    Interpolation.BILINEAR
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
)


@pytest.mark.parametrize(
    "name",
    "nasa_13013.mp4 demo.mp4 test_video_structuralize.mp4 bt709_full_range.mp4 flipping_a_pancake.mkv "
    "video_0.mov h265_video.mp4".split(),
)
def test_natural_pictures_agree_with_swscales_most_accurate_conversion(shared_data, name):
    path = shared_data / "videos" / name
    with open_video(path, channels="rgb") as reader:
        found, times = reader.read([0, 2]).numpy().astype(int), reader.index.pts[[0, 2]].tolist()
        stream, form = reader.index.stream, reader.form
    space = {"bt709": Colorspace.ITU709, "bt601": Colorspace.ITU601}[form.matrix]
    source_range = {"limited": ColorRange.MPEG, "full": ColorRange.JPEG}[form.color_range]
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams[stream]):
            if frame.pts in times:
                wanted = frame.reformat(
                    format="rgb24",
                    interpolation=ACCURATE,
                    src_colorspace=space,
                    dst_colorspace=space,
                    src_color_range=source_range,
                    dst_color_range=ColorRange.JPEG,
                ).to_ndarray()
                assert np.abs(found[times.index(frame.pts)] - wanted).max() <= 2
            if frame.pts == times[-1]:
                break


@pytest.mark.parametrize(("pixel_format", "color_range"), [("gbrp10le", "full"), ("yuv420p10le", "limited")])
def test_hdr_has_the_colors_that_it_is_mapped_to_per_channel(tmp_path, pixel_format, color_range):
    path = tmp_path / "pq.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 64, pixel_format
        stream.codec_context.color_trc, stream.codec_context.color_primaries = 16, 9
        frame = av.VideoFrame.from_ndarray(chart(), "rgb24").reformat(format=pixel_format)
        frame.pts, frame.color_trc, frame.color_primaries = 0, 16, 9
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_video(path, channels="rgb") as reader, av.open(str(path)) as container:
        assert (reader.info.color.hdr, reader.form.matrix) == ("PQ", "bt709")
        found = reader.read([0])[0].numpy().astype(int)
        wanted = sdr_rgb(next(container.decode(video=0)), "PQ", reader.info.color, color_range).astype(int)
    assert np.abs(found - wanted)[8::16, 8::16].max() <= 3


def test_a_smaller_copy_of_an_unstated_matrix_states_the_one_that_was_assumed(tmp_path):
    source = make_video(tmp_path / "a.mp4", num_frames=4, size=(720, 96))
    assert main(["video", "prepare", str(source), "--out", str(tmp_path / "out"), "--size", "360x48"]) == 0
    copy = next((tmp_path / "out").rglob("a.*"))
    with open_video(source, channels="planes") as reader, open_video(copy, channels="planes") as small:
        assert (reader.info.color.matrix, small.info.color.matrix) == (2, 1)
        assert reader.form.matrix == small.form.matrix == "bt709"
