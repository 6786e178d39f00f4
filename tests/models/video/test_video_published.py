"""What is known of the published models: read from torchvision, expressed in our types."""

import subprocess
import sys

import pytest
import torch
from torchvision.models import get_model_weights
from video_samples import make_video

from bvas import open_video, to_rgb
from bvas.errors import ConfigError
from bvas.experiment.input_config import InputConfig
from bvas.experiment.published_input import published_input
from bvas.loading.device_fit import DeviceFit
from bvas.models.video.published import TORCHVISION_MODELS, VIDEO_MODELS, published_model


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = make_video(tmp_path_factory.mktemp("published") / "a.mp4", num_frames=1, size=(240, 320))
    with open_video(path, channels="planes") as reader:
        return reader.read([0]), reader.form


@pytest.mark.parametrize("name", VIDEO_MODELS)
def test_the_classes_are_the_400_of_the_package_in_its_order(name):
    classes = published_model(name).classes
    assert (len(classes), classes[0], classes[337], classes[-1]) == (
        400,
        "abseiling",
        "surfing water",
        "zumba",
    )
    assert len(set(classes)) == 400


@pytest.mark.parametrize("name", TORCHVISION_MODELS)
def test_frames_in_this_form_are_those_of_torchvisions_transform(name, picture):
    planes, layout = picture
    published = published_model(name)
    mean, std = (
        torch.tensor(values).reshape(3, 1, 1) for values in (published.pixels.mean, published.pixels.std)
    )
    found = (DeviceFit(published.form, "range")(planes, layout) - mean) / std
    wanted = get_model_weights(name).DEFAULT.transforms()(to_rgb(planes, layout))
    torch.testing.assert_close(found, wanted.transpose(0, 1), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("name", "num_frames", "rate", "size", "resize"),
    [
        ("r3d_18", 16, 15.0, (112, 112), (128, 171)),
        ("mc3_18", 16, 15.0, (112, 112), (128, 171)),
        ("r2plus1d_18", 16, 15.0, (112, 112), (128, 171)),
        ("s3d", 16, 15.0, (224, 224), (256, 256)),
        ("mvit_v2_s", 16, 7.5, (224, 224), (256, 256)),
        ("swin3d_t", 16, 15.0, (224, 224), (256, 256)),
        ("slow_r50", 8, 30.0, (256, 256), (256, 256)),
    ],
)
def test_clips_and_geometry_of_each(name, num_frames, rate, size, resize):
    published = published_model(name)
    assert published.clip.num_frames == num_frames
    assert (published.rate, published.form.size, published.form.resize) == (rate, size, resize)
    published.checked_clip(num_frames, size)


def test_slow_r50_sees_every_eighth_frame_of_two_seconds():
    published = published_model("slow_r50")
    assert published.clip.frame_step == 8
    assert published.clip.span / published.rate == pytest.approx(57 / 30)


def test_the_input_of_an_experiment_is_that_of_the_model():
    assert published_input(published_model("r3d_18"), random_crop=True) == InputConfig(
        channels="rgb",
        size=(112, 112),
        rate=15.0,
        fit="stretch",
        resize=(128, 171),
        random_crop=True,
        resample="bilinear",
        mean=(0.43216, 0.394666, 0.37645),
        std=(0.22803, 0.22145, 0.216989),
    )
    short_side = published_input(published_model("slow_r50"))
    assert (short_side.fit, short_side.resize, short_side.mean) == ("crop", (256, 256), (0.45, 0.45, 0.45))


@pytest.mark.parametrize(
    ("name", "num_frames", "size", "message"),
    [
        ("s3d", 13, (224, 224), "s3d takes clips of at least 14x224x224 .*, got 13x224x224"),
        ("s3d", 16, (112, 224), "at least 14x224x224 .*, got 16x112x224"),
        ("mvit_v2_s", 32, (224, 224), "mvit_v2_s takes clips of exactly 16x224x224 .*, got 32x224x224"),
    ],
)
def test_clips_that_a_network_does_not_take_are_refused(name, num_frames, size, message):
    with pytest.raises(ConfigError, match=message):
        published_model(name).checked_clip(num_frames, size)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match="no video model named 'r3d'; known: r3d_18, mc3_18, r2plus1d_18"):
        published_model("r3d")


def test_the_names_are_known_without_torchvision():
    code = "import sys, bvas, bvas.models.video.published; print({'torch', 'torchvision'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
