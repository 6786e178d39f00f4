"""Spotting in color: rows of files and pipes, against whole clips; training and export of a color experiment."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from stream_sources import piped
from tiny import TINY_LEAGUE, tiny_experiment
from usable_models import usable_model
from video_samples import make_video

from bvas import ConfigError, open_video, spot_video
from bvas.cli import main
from bvas.experiment.input_config import InputConfig
from bvas.inference.spotter import Spotter
from bvas.loading.device_fit import DeviceFit
from bvas.models.config import PixelConfig
from bvas.synthetic.league import make_league
from bvas.values.color import to_unit_frames

MEAN, STD = (0.43, 0.39, 0.38), (0.23, 0.22, 0.22)
INPUTS = {
    "padded": InputConfig(size=(64, 96), channels="rgb"),
    "cropped": InputConfig(size=(64, 64), channels="rgb", fit="crop", mean=MEAN, std=STD),
    "bilinear": InputConfig(
        size=(64, 64), channels="rgb", fit="stretch", resize=(72, 80), resample="bilinear"
    ),
    "gray, bilinear": InputConfig(size=(48, 48), fit="crop", resample="bilinear", mean=(0.5,), std=(0.2,)),
}


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("video") / "a.ts", num_frames=40, size=(72, 100))


def spotter_of(settings):
    experiment = replace(tiny_experiment(), input=settings, flip_tta=True)
    shape = (20, experiment.clip.num_frames, *settings.form.unit_shape[:-2], 4, 4)
    coarse = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    frames = coarse.repeat(settings.size[0] // 4, axis=-2).repeat(settings.size[1] // 4, axis=-1)
    model = usable_model(experiment.model, experiment.clip, frames, pixels=settings.pixels)
    return Spotter(experiment, (model,), torch.device("cpu"))


@pytest.mark.parametrize("settings", INPUTS.values(), ids=INPUTS)
def test_rows_of_a_file_and_of_a_pipe_are_those_of_whole_clips(settings, video):
    spotter = spotter_of(settings)
    (model,), clip = spotter.models, spotter.experiment.clip
    with open_video(video, **settings.form.reading) as reader:
        stored = reader.read(range(40))
        if settings.form.is_scaled_on_device:
            unit = DeviceFit(settings.form, "range")(stored, reader.form)
        else:
            unit = to_unit_frames(stored[None], [reader.form], "range")[0]
    assert unit.shape[1:] == settings.form.unit_shape
    clips = torch.stack([unit[clip.indices(center, 40)] for center in range(40)])
    with torch.inference_mode():
        wanted = (model(clips).sigmoid() + model(clips.flip(-1)).sigmoid()) / 2
    assert wanted.std(dim=0).min() > 1e-3

    found = spot_video(video, spotter).curve.scores
    np.testing.assert_allclose(found, wanted, atol=2e-5)
    with piped(video) as pipe:
        np.testing.assert_allclose(spot_video(str(pipe), spotter).curve.scores, found, atol=2e-5)


def test_normalization_is_part_of_the_model_and_not_of_its_weights():
    plain, normalized = spotter_of(INPUTS["padded"]).models[0], spotter_of(INPUTS["cropped"]).models[0]
    assert plain.state_dict().keys() == normalized.state_dict().keys()
    normalized.load_state_dict(plain.state_dict())
    frames = torch.rand(1, 6, 3, 64, 64)
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (MEAN, STD))
    with torch.inference_mode():
        torch.testing.assert_close(normalized(frames), plain((frames - mean) / std))


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"mean": (0.5,), "channels": "rgb"}, r"mean needs a number for each channel \(3 of rgb\)"),
        ({"std": (0.0,)}, "std must be positive"),
        ({"random_crop": True}, "random_crop needs fit 'crop' or 'stretch'"),
        ({"channels": "bgr"}, "channels must be one of luma, rgb"),
        ({"resample": "lanczos"}, "resample must be one of area, bilinear"),
    ],
)
def test_inputs_that_cannot_be_are_refused_with_the_rule(options, rule):
    with pytest.raises(ConfigError, match=rule):
        InputConfig(**options)


CONFIG = """
from dataclasses import replace

from bvas.experiment.experiment import InputConfig, load_experiment


def experiment():
    demo = load_experiment("demo")
    return replace(
        demo,
        input=InputConfig(
            size=(64, 64), channels="rgb", fit="crop", resize=(72, 72), random_crop=True,
            mean=(0.4,) * 3, std=(0.2,) * 3
        ),
        clip=replace(demo.clip, num_frames=6, stack_size=2),
        model=replace(
            demo.model, encoder="mobilenetv3_small_050", num_blocks_3d=1, num_features_3d=24, num_features_stack=16
        ),
        sampling=replace(demo.sampling, clips_per_epoch=8),
        train=replace(demo.train, batch_size=4, warmup_epochs=0, epochs=1, validation_clips=8),
    )
"""


@pytest.mark.slow
def test_a_color_experiment_trains_predicts_and_exports(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_league(tmp_path / "data", replace(TINY_LEAGUE, color=True), jobs=1)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "color.py").write_text(CONFIG)
    assert main(["train", "--experiment", "color", "--folds", "0", "--workers", "0", "--quiet"]) == 0
    assert main(["weights", "export", "color", "--folds", "0"]) == 0
    match = sorted((tmp_path / "data").rglob("1_*.mkv"))[0]
    for model in (["--experiment", "color"], ["--model", "runs/color/onnx"]):
        assert main(["spot", str(match), *model, "--out", model[0].strip("-"), "--quiet"]) == 0
    torch_curve, onnx_curve = (
        np.load(next((tmp_path / folder).rglob("*_scores.npz")))["scores"]
        for folder in ("experiment", "model")
    )
    np.testing.assert_allclose(onnx_curve, torch_curve, atol=1e-4)


def test_an_experiment_that_the_device_scales_is_not_exported(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    text = CONFIG.replace("random_crop=True", 'resample="bilinear"')
    (tmp_path / "configs" / "color.py").write_text(text)
    make_league(tmp_path / "data", replace(TINY_LEAGUE, minutes=0.2), jobs=1)
    assert main(["train", "--experiment", "color", "--folds", "0", "--workers", "0", "--quiet"]) == 0
    assert main(["weights", "export", "color", "--folds", "0"]) == 2
    assert 'resample="bilinear", which is computed by PyTorch' in capsys.readouterr().err


def test_models_of_other_pixels_are_not_averaged():
    gray, color = (
        spotter_of(InputConfig(size=(64, 64), channels=name)).models[0] for name in ("luma", "rgb")
    )
    assert color.pixels == PixelConfig(num_channels=3)
    experiment = replace(tiny_experiment(), input=InputConfig(size=(64, 64)))
    with pytest.raises(ConfigError, match="pixels"):
        Spotter(experiment, (gray, color), torch.device("cpu")).predictor()
