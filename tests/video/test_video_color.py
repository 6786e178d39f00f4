"""Color of files: RGB and planes by tags, formats, rotation, fits and boxes."""

from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from color_reference import reference_rgb
from stream_sources import piped
from video_samples import make_video

from bvas import ConfigError, DecodeError, box_cuts, open_stream, open_video, read_video, to_rgb
from bvas.cli import main
from bvas.values.color import split_planes
from bvas.values.input_format import WHOLE_PICTURE
from bvas.video.decode.hdr_color import sdr_rgb

# 8 patches of 16 x 16 pixels: red, green, blue, cyan, magenta, yellow, white, dark gray.
CHART = np.array(
    """200 30 30  30 200 30  30 30 200  30 190 190
    190 30 190  190 190 30  235 235 235  50 50 50""".split(),
    np.uint8,
).reshape(8, 3)


def chart(columns=4, patch=16):
    """RGB uint8 [H, W, 3]: the patches row by row."""
    rows = CHART.reshape(-1, columns, 3)
    return rows.repeat(patch, axis=0).repeat(patch, axis=1)


def coded_chart(path, codec, pixel_format, *, options=None, rgb=None, tags=(), num_frames=3):
    """A lossless video of the chart; `tags` are code points of (matrix, range)."""
    rgb = chart() if rgb is None else rgb
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = rgb.shape[:2]
        stream.pix_fmt = pixel_format
        frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
        if pixel_format.startswith(("yuv", "nv")):
            matrix, color_range = tags or (1, 1)
            frame = frame.reformat(format=pixel_format, dst_colorspace=matrix, dst_color_range=color_range)
            context = stream.codec_context
            context.colorspace, context.color_range = (9 if matrix == 9 else matrix), color_range
        for number in range(num_frames):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


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


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("size", [(48, 80), (42, 70)])
def test_a_turned_picture_is_the_turned_rgb(tmp_path, rotation, mirrored, size):
    options = {"qp": "0", "x264-params": "chromaloc=2"}
    plain = make_video(tmp_path / "plain.mp4", num_frames=3, size=size, options=options)
    with open_video(plain, channels="rgb") as reader:
        upright = reader.read([1])[0].numpy()
    path = make_video(
        tmp_path / "turned.mp4",
        num_frames=3,
        size=size,
        options=options,
        rotation=rotation,
        mirrored=mirrored,
    )
    with open_video(path, channels="rgb") as reader:
        info, found = reader.info, reader.read([1])[0].numpy()
    flipped = upright[:, ::-1] if info.mirrored else upright
    wanted = np.rot90(flipped, -info.rotation // 90, axes=(0, 1))
    # Rounded to bytes from float32.
    assert np.abs(found.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize(("size", "top", "left"), [((51, 80), 1, 0), ((48, 87), 0, 3)])
def test_a_picture_that_is_padded_by_odd_rows_keeps_its_rgb(tmp_path, size, top, left):
    path = make_video(tmp_path / "a.mp4", num_frames=3)
    with open_video(path, channels="rgb") as plain, open_video(path, channels="rgb", size=size) as padded:
        wanted, found = plain.read([1])[0], padded.read([1])[0]
    assert torch.equal(found[top : top + 48, left : left + 80], wanted)
    assert found.sum() == wanted.sum()


@pytest.mark.parametrize("size", [(24, 40), (96, 160), (30, 30)])
def test_a_scaled_picture_has_the_scaled_colors(tmp_path, size):
    path = coded_chart(tmp_path / "a.mkv", "ffv1", "yuv420p", rgb=chart(patch=24))
    with open_video(path, channels="rgb", size=size, fit="stretch") as reader:
        found = reader.read([0])[0].numpy().astype(int)
    rows, columns = (
        np.arange(1, 2 * count, 2) * length // (2 * count) for count, length in zip((2, 4), size, strict=True)
    )
    assert np.abs(found[rows][:, columns].reshape(-1, 3) - CHART).max() <= 3


def test_crop_fills_the_frame_from_the_middle_and_stretch_from_all(tmp_path):
    path = coded_chart(tmp_path / "a.mkv", "ffv1", "yuv420p")
    with open_video(path, channels="rgb", size=(32, 32), fit="crop") as reader:
        cropped = reader.read([0])[0].numpy().astype(int)
    # 32 x 64: columns 16 to 47, which are the second and third patch of each row.
    assert np.abs(cropped[8::16, 8::16] - CHART.reshape(2, 4, 3)[:, 1:3]).max() <= 2
    with open_video(path, size=(16, 16), fit="crop", resize=(32, 32)) as reader:
        middle = reader.read([0])[0].numpy()
    with open_video(path) as reader:
        # The short side stays 32, and the middle 16 x 16 of 32 x 64 are rows 8 to 23 and columns 24 to 39.
        assert np.array_equal(middle, reader.read([0])[0, 8:24, 24:40].numpy())


def test_a_box_is_widened_to_the_frames_aspect_and_black_beyond_the_picture(tmp_path):
    path = coded_chart(tmp_path / "a.mkv", "ffv1", "yuv420p")
    # 8 wide and 16 high about (8, 8): widened to 16 x 16, the first patch. Half of the second box lies outside.
    boxes = [[4, 0, 8, 16], [-8, 16, 16, 16], [48, 16, 16, 16]]
    with open_video(path, channels="rgb", size=(16, 16), fit="crop") as reader:
        first, half, last = reader.read([0, 0, 2], box_cuts(boxes)).numpy().astype(int)
    # The last pixels take some chroma of the neighbor, as in the whole picture.
    assert np.abs(first[2:12, 2:12] - CHART[0]).max() <= 2
    assert np.abs(half[4:12, 11:13] - CHART[4]).max() <= 2
    # Without a box the picture fills the frame, so luma of 0 says nothing: two pixels of color remain.
    assert half[:, :6].max() == 0
    assert np.abs(last[4:12, 4:12] - CHART[7]).max() <= 2
    with open_video(path, size=(16, 16)) as reader, open_video(path) as whole:
        luma = reader.read([0], box_cuts([[16, 16, 16, 16]]))[0]
        assert torch.equal(luma, whole.read([0])[0, 16:, 16:32])


@pytest.mark.parametrize(
    ("boxes", "rule"),
    [
        ([[1, 2, 3]], r"\[T, 4\]"),
        ([[0, 0, 0, 5]], "width and height above 0"),
        ([[0, float("nan"), 4, 5]], "finite"),
    ],
)
def test_boxes_that_are_none_are_refused(boxes, rule):
    with pytest.raises(ConfigError, match=rule):
        box_cuts(boxes)


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


def test_device_fit_of_planes_agrees_with_that_of_arrays(tmp_path):
    path = coded_chart(tmp_path / "a.mkv", "ffv1", "yuv420p", rgb=chart(patch=25)[:49, :99])
    cuts = [*box_cuts([[10, 5, 30, 20], [-9, 30, 40, 40], [60, 20, 90, 60]]), *[WHOLE_PICTURE] * 2]
    for options in (
        {"size": None},
        {"size": (49, 104)},
        {"size": (70, 150)},
        {"size": (20, 30)},
        {"size": (31, 31), "fit": "crop"},
    ):
        with open_video(path, channels="planes", **options) as reader:
            fit, (_, planes) = reader._fit, next(reader._arrays(reader._backend(), [0]))
            for cut in cuts if options["size"] else cuts[3:]:
                wanted = np.empty(fit.frame_shape, np.uint8)
                fit.apply(0, planes, wanted, None, cut)
                found = fit.apply_tensor(0, tuple(map(torch.tensor, planes)), None, cut).numpy()
                assert np.abs(found.astype(int) - wanted).max() <= 2, (options, cut)


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


def test_pictures_that_change_their_shape_in_mid_stream_are_whole_in_color(tmp_path):
    # Samples of 4:3 and then square: 48 x 80 becomes 36 x 80, and then 48 x 80, in a frame of 48 x 80.
    wide = make_video(tmp_path / "wide.ts", num_frames=20, sample_aspect=Fraction(4, 3))
    square = make_video(tmp_path / "square.ts", num_frames=20, first_number=20)
    path = tmp_path / "both.ts"
    path.write_bytes(wide.read_bytes() + square.read_bytes())
    with open_video(path, size=(48, 80)) as gray, open_video(path, size=(48, 80), channels="rgb") as color:
        order = [3, color.info.num_frames - 3]
        luma, rgb = gray.read(order).numpy(), color.read(order).numpy()
    assert (luma[0, :6].max(), rgb[0, :6].max()) == (0, 0)
    assert rgb[0, 8:40].mean() > 60
    # The second picture fills the frame.
    assert luma[1, :6].mean() > 60
    assert rgb[1, :6].mean() > 60
    with piped(path) as pipe, open_stream(pipe, channels="rgb", size=(48, 80)) as stream:
        found = np.concatenate([batch for _, batch in stream.stream()])
    assert np.array_equal(found[order], rgb)


def test_a_box_fills_the_frame_of_a_reader_that_pads(tmp_path):
    path = coded_chart(tmp_path / "a.mkv", "ffv1", "yuv420p")
    with open_video(path, channels="rgb", size=(32, 16)) as reader:
        # 32 x 64 is padded to 8 rows of 32; a box of 16 x 32 fills all.
        whole, boxed = reader.read([0, 0], [WHOLE_PICTURE, *box_cuts([[0, 0, 16, 32]])]).numpy().astype(int)
    assert whole[:10].max() == 0
    assert np.abs(boxed[4:12, 4:12] - CHART[0]).max() <= 2
    assert np.abs(boxed[20:28, 4:12] - CHART[4]).max() <= 2


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


def test_too_few_cuts_are_refused(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=4)
    with (
        open_video(path, size=(8, 8)) as reader,
        pytest.raises(ValueError, match="3 indices need as many cuts, got 1"),
    ):
        reader.read([0, 1, 2], [WHOLE_PICTURE])


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


def test_a_smaller_copy_of_an_unstated_matrix_states_the_one_that_was_assumed(tmp_path):
    source = make_video(tmp_path / "a.mp4", num_frames=4, size=(720, 96))
    assert main(["video", "prepare", str(source), "--out", str(tmp_path / "out"), "--size", "360x48"]) == 0
    copy = next((tmp_path / "out").rglob("a.*"))
    with open_video(source, channels="planes") as reader, open_video(copy, channels="planes") as small:
        assert (reader.info.color.matrix, small.info.color.matrix) == (2, 1)
        assert reader.form.matrix == small.form.matrix == "bt709"
