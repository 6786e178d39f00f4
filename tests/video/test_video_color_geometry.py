"""Geometry of color frames: rotation, padding, fits, boxes."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from color_chart import CHART, chart, coded_chart
from stream_sources import piped
from video_samples import make_video

from bvas import ConfigError, box_cuts, open_stream, open_video
from bvas.values.input_format import WHOLE_PICTURE


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


def test_too_few_cuts_are_refused(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=4)
    with (
        open_video(path, size=(8, 8)) as reader,
        pytest.raises(ValueError, match="3 indices need as many cuts, got 1"),
    ):
        reader.read([0, 1, 2], [WHOLE_PICTURE])
