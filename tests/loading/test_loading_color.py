"""Color clips: planes in slots, RGB of batches, boxes and random cuts, scaling on the device as torchvision."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from loading_videos import LABELS
from torchvision.models.video import MViT_V2_S_Weights, R3D_18_Weights, S3D_Weights
from video_samples import make_video

from bvas import ClipConfig, ClipLoader, open_video, to_rgb
from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading.clip_requests import FixedClips, TrainingClips
from bvas.loading.device_fit import DeviceFit
from bvas.loading.labelled_video import label_video
from bvas.values.color import plane_bytes, to_unit_frames
from bvas.values.input_format import InputFormat, box_cuts

CLIP = ClipConfig(num_frames=4, frame_step=2, stack_size=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("color")
    make_video(folder / "a.mp4", num_frames=40)
    make_video(folder / "b.mkv", num_frames=40, size=(60, 64), first_number=100)
    return folder


def videos_of(folder, form, names=("a.mp4", "b.mkv")):
    return [label_video(folder / name, [], LABELS, 25, form=form) for name in names]


def batches_of(clips, form, **options):
    with ClipLoader(clips, 4, size=form, **{"workers": {}, **options}) as loader:
        return list(loader.epoch(0))


@pytest.mark.parametrize("workers", [{}, {"pyav": 2}])
def test_planes_travel_in_one_and_a_half_bytes_a_pixel_and_become_the_readers_rgb(folder, workers):
    form = InputFormat(size=(48, 80), channels="rgb")
    videos = videos_of(folder, form)
    batches = batches_of(FixedClips(videos, CLIP, [[5, 20], [7, 30]]), form, workers=workers)
    (batch,) = batches
    assert (batch.frames.dtype, tuple(batch.frames.shape)) == (torch.uint8, (4, 4, 48 * 80 * 3 // 2))
    found = to_unit_frames(batch.frames, batch.forms, "range")
    assert found.shape == (4, 4, 3, 48, 80)
    for clip, video_id, center in zip(found, batch.video_ids.tolist(), batch.centers.tolist(), strict=True):
        with open_video(videos[video_id].path, size=(48, 80), channels="planes") as reader:
            wanted = to_rgb(reader.read(CLIP.indices(center, 40)), reader.form)
        assert torch.equal(clip, wanted)


def test_gray_batches_are_what_they_were(folder):
    videos = videos_of(folder, None)
    (batch,) = batches_of(FixedClips(videos, CLIP, [[5, 20], [7, 30]]), (48, 80))
    assert batch.forms == ("limited",) * 4
    with open_video(videos[1].path, size=(48, 80)) as reader:
        assert torch.equal(batch.frames[3], reader.read(CLIP.indices(30, 40)))


class Boxed(FixedClips):
    """Clips of a box that moves two pixels to the right with each frame."""

    def request(self, sample, *, epoch, seed, attempt=0):
        request = super().request(sample, epoch=epoch, seed=seed, attempt=attempt)
        boxes = [[10 + 2 * number, 8, 16, 32] for number in range(4)]
        return None if request is None else replace(request, cuts=box_cuts(boxes))


@pytest.mark.parametrize("channels", ["luma", "rgb"])
@pytest.mark.parametrize("workers", [{}, {"pyav": 1}])
def test_the_box_of_each_frame_fills_it(folder, channels, workers):
    form = InputFormat(size=(32, 16), channels=channels, fit="crop")
    videos = videos_of(folder, form, ["a.mp4"])
    # Neighbors share frames, each clip cuts its own boxes.
    (batch,) = batches_of(Boxed(videos, CLIP, [[10, 12, 14]]), form, workers=workers)
    found = to_unit_frames(batch.frames, batch.forms, "range")
    with open_video(videos[0].path, **replace(form, size=(48, 80)).reading) as reader:
        whole = to_unit_frames(reader.read(CLIP.indices(12, 40))[None], [reader.form], "range")[0]
    for number, (frame, picture) in enumerate(zip(found[1], whole, strict=True)):
        wanted = picture[..., 8:40, 10 + 2 * number : 26 + 2 * number]
        if channels == "luma":
            assert torch.equal(frame, wanted)
        else:
            # Chroma is resampled to the middle of each 2 x 2 pixels.
            assert (frame - wanted)[..., 4:-4, 4:-4].abs().mean() < 0.02


def test_the_device_cuts_boxes_as_the_workers_do(folder):
    area, bilinear = (
        InputFormat(size=(32, 16), fit="crop", resample=resample) for resample in ("area", "bilinear")
    )
    (cut_by_worker,), (cut_on_device,) = (
        batches_of(Boxed(videos_of(folder, form, ["a.mp4"]), CLIP, [[10]]), form) for form in (area, bilinear)
    )
    assert cut_on_device.frames.dtype == torch.float32
    unit = to_unit_frames(cut_by_worker.frames, cut_by_worker.forms, "range")
    # A box of 16 x 32 pixels is not scaled.
    torch.testing.assert_close(cut_on_device.frames, unit)


def test_random_cuts_differ_from_clip_to_clip_and_are_one_for_its_frames(folder):
    form = InputFormat(size=(24, 24), fit="crop", resize=(48, 48))
    clips = TrainingClips(
        videos_of(folder, form), CLIP, sampling=SamplingConfig(clips_per_epoch=8), random_crop=True
    )
    requests = clips.requests(0)
    assert len({request.cuts for request in requests}) == 8
    assert all(len(set(request.cuts)) == 1 for request in requests)
    again, other = clips.requests(0), clips.requests(1)
    assert [request.cuts for request in again] == [request.cuts for request in requests]
    assert [request.cuts for request in other] != [request.cuts for request in requests]
    plain = TrainingClips(videos_of(folder, form), CLIP, sampling=SamplingConfig(clips_per_epoch=8))
    # The draws of frames stay those without.
    for one, two in zip(requests, plain.requests(0), strict=True):
        assert two.cuts is None
        assert np.array_equal(one.indices, two.indices)
    batches = batches_of(clips, form)
    assert [batch.frames.shape for batch in batches] == [(4, 4, 24, 24)] * 2


@pytest.mark.parametrize("workers", [{}, {"pyav": 1}])
def test_the_device_scales_videos_of_several_sizes_into_one_batch(folder, workers):
    form = InputFormat(size=(32, 32), channels="rgb", fit="crop", resize=(40, 40), resample="bilinear")
    videos = videos_of(folder, form)
    (batch,) = batches_of(FixedClips(videos, CLIP, [[5, 20], [7, 30]]), form, workers=workers)
    assert (batch.frames.dtype, tuple(batch.frames.shape)) == (torch.float32, (4, 4, 3, 32, 32))
    assert to_unit_frames(batch.frames, batch.forms, "range") is batch.frames
    fit = DeviceFit(form, "range")
    with open_video(videos[1].path, channels="planes") as reader:
        assert reader.frame_shape == (plane_bytes((60, 64)),)
        wanted = fit(reader.read(CLIP.indices(30, 40)), reader.form)
    assert torch.equal(batch.frames[3], wanted)


@pytest.mark.parametrize(
    ("weights", "options"),
    [
        (R3D_18_Weights.KINETICS400_V1, {"size": (112, 112), "fit": "stretch", "resize": (128, 171)}),
        (S3D_Weights.KINETICS400_V1, {"size": (224, 224), "fit": "stretch", "resize": (256, 256)}),
        (MViT_V2_S_Weights.KINETICS400_V1, {"size": (224, 224), "fit": "crop", "resize": (256, 256)}),
    ],
    ids=["r3d_18", "s3d", "mvit_v2_s"],
)
@pytest.mark.parametrize("size", [(240, 320), (288, 512), (270, 182)])
def test_bilinear_is_torchvisions_transform_of_the_same_rgb(tmp_path, weights, options, size):
    path = make_video(tmp_path / "a.mp4", num_frames=3, size=size)
    form = InputFormat(channels="rgb", resample="bilinear", **options)
    with open_video(path, channels="planes") as reader:
        planes, layout = reader.read([0, 2]), reader.form
    transform = weights.transforms()
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (transform.mean, transform.std))
    found = (DeviceFit(form, "range")(planes, layout) - mean) / std
    # torchvision returns [C, T, H, W].
    wanted = transform(to_rgb(planes, layout)).transpose(0, 1)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("channels", ["luma", "rgb"])
@pytest.mark.parametrize(
    "options",
    [
        {"fit": "pad"},
        {"fit": "crop", "resize": (40, 60)},
        {"fit": "stretch"},
        {"fit": "pad", "boxes": [(-6, 4, 20, 30), (30, 30, 40, 40), (30, 30, 40, 40), (200, 0, 9, 9)]},
    ],
    ids=["pad", "crop", "stretch", "boxes"],
)
def test_clips_in_arrays_are_those_of_tensors(folder, channels, options):
    boxes = options.get("boxes")
    geometry = {name: value for name, value in options.items() if name != "boxes"}
    form = InputFormat(size=(32, 56), channels=channels, resample="bilinear", **geometry)

    class Clips(FixedClips):
        def request(self, sample, *, epoch, seed, attempt=0):
            request = super().request(sample, epoch=epoch, seed=seed, attempt=attempt)
            return replace(request, cuts=None if boxes is None else box_cuts(boxes))

    clips = Clips(videos_of(folder, form), CLIP, [[5, 20], [7, 30]])
    (tensors,) = batches_of(clips, form)
    with ClipLoader(clips, 4, size=form, workers={}) as loader:
        (arrays,) = loader.arrays()
    assert arrays.frames.shape == (4, 4, *form.unit_shape)
    assert arrays.centers.tolist() == [5, 20, 7, 30]
    np.testing.assert_allclose(arrays.frames, tensors.frames, atol=1e-5, rtol=0)
    assert arrays.frames.std() > 0.1


@pytest.mark.parametrize(("channels", "rounding"), [("luma", 0), ("rgb", 1e-6)])
def test_clips_that_readers_scale_are_in_arrays_what_they_are_in_tensors(folder, channels, rounding):
    form = InputFormat(size=(32, 48), channels=channels)
    clips = FixedClips(videos_of(folder, form), CLIP, [[5], [30]])
    (tensors,) = batches_of(clips, form)
    with ClipLoader(clips, 4, size=form, workers={"pyav": 1}) as loader:
        (arrays,) = loader.arrays()
    expected = to_unit_frames(tensors.frames, tensors.forms, "range")
    np.testing.assert_allclose(arrays.frames, expected, atol=rounding, rtol=0)


def test_padding_on_the_device_is_black_and_aspects_of_samples_are_kept():
    frames = torch.full((2, 40, 40), 235, dtype=torch.uint8)
    fit = DeviceFit(InputFormat(size=(40, 90), resample="bilinear"), "range")
    found = fit(frames, "limited", sample_aspect=Fraction(2))
    # 40 x 40 samples twice as wide as high: 40 x 80, with 5 columns on each side.
    assert found[:, :, :5].eq(0).all()
    assert found[:, :, 5:85].eq(1).all()
    assert found[:, :, 85:].eq(0).all()
