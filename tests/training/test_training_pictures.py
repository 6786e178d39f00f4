import copy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny import tiny_experiment

from bvas.augment.config import AugmentConfig
from bvas.data.matches import find_matches
from bvas.errors import ScoresError
from bvas.loading.clip_requests import FixedClips
from bvas.models.spotting import build_model
from bvas.report import training_pictures as pictures
from bvas.report.training_pictures import RunPictures, annotations_in, busiest_stretch
from bvas.synthetic.config import SyntheticConfig
from bvas.synthetic.league import make_league
from bvas.tasks.kind_choice import kind_of
from bvas.training.observer import RunView

EXPERIMENT = tiny_experiment()


class Board:
    """Keeps what a run shows."""

    def __init__(self):
        self.images = {}

    def add_image(self, tag, picture, step, dataformats):
        assert dataformats == "HWC"
        self.images[tag, step] = picture

    def flush(self):
        pass


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What a run of fold 0 lets others see, before anything is trained."""
    folder = tmp_path_factory.mktemp("data")
    config = SyntheticConfig(matches=2, challenge_matches=0, minutes=0.2, size=(64, 96), seed=3)
    make_league(folder, config, jobs=1)
    experiment = replace(EXPERIMENT, augment=replace(AugmentConfig.none(), flip_probability=0.5))
    kind = kind_of(experiment)
    training, held_out = kind.samples(find_matches(experiment.task, folder), 0)
    return RunView(
        experiment=experiment,
        fold=0,
        folder=folder,
        clips=kind.training_clips(training),
        held_out=kind.validation_clips(held_out),
        device=torch.device("cpu"),
        board=Board(),
    )


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return build_model(EXPERIMENT.model, EXPERIMENT.clip, 2).eval()


def fresh(run, **changes):
    return replace(run, board=Board(), **changes)


@pytest.mark.slow
def test_a_run_begins_with_its_clips_and_each_epoch_shows_its_curves_and_nothing_else_changes(run, model):
    run, observer = fresh(run), RunPictures()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()

    observer.begin(run, 0)
    observer.epoch_done(run, 0, model, None)
    observer.epoch_done(run, 1, model, None)

    assert sorted(run.board.images) == [("score curves", 0), ("score curves", 1), ("training clips", 0)]
    sheet = run.board.images["training clips", 0]
    # Eight clips, each with two rows of frames of 171 pixels.
    assert sheet.shape[0] > 8 * 2 * 171
    assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in run.board.images.values())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert not model.training


def test_a_run_that_goes_on_has_its_sheet_already(run):
    run = fresh(run)
    RunPictures().begin(run, 3)
    assert run.board.images == {}


def test_a_run_that_validates_nothing_has_no_curves(run, model):
    run, observer = fresh(run, held_out=None), RunPictures()
    observer.begin(run, 1)
    observer.epoch_done(run, 1, model, None)
    assert run.board.images == {}


def test_a_stretch_that_cannot_be_decoded_is_a_warning(run, model, caplog, tmp_path):
    (video, *_) = run.held_out.videos
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(video.path.read_bytes()[:2000])
    damaged = FixedClips([replace(video, path=broken)], EXPERIMENT.clip, [[0]])
    run, observer = fresh(run, held_out=damaged), RunPictures()
    observer.begin(run, 1)

    observer.epoch_done(run, 1, model, None)

    assert "no score curves are drawn" in caplog.text
    assert run.board.images == {}


def test_scores_that_are_no_numbers_are_a_warning_too(run, model, caplog):
    run, observer, astray = fresh(run), RunPictures(), copy.deepcopy(model)
    with torch.no_grad():
        astray.classifier.bias[0] = float("nan")
    observer.begin(run, 1)

    observer.epoch_done(run, 0, astray, None)

    assert "no score curves are drawn: the model gives NaN or infinite scores" in caplog.text
    assert run.board.images == {}


@pytest.mark.parametrize(
    ("device", "dtype", "precision"),
    [
        ("cuda", None, "float32"),
        ("cuda", torch.bfloat16, "bfloat16"),
        ("cuda", torch.float16, "float16"),
        ("cpu", torch.float16, "float32"),
    ],
)
def test_curves_are_computed_in_the_precision_of_the_run(run, model, monkeypatch, device, dtype, precision):
    asked = []

    def spot_nothing(path, spotter, **_):
        asked.append(spotter.precision)
        raise ScoresError("none here")

    monkeypatch.setattr(pictures, "spot_video", spot_nothing)
    run, observer = fresh(run, device=torch.device(device)), RunPictures()
    observer.begin(run, 1)

    observer.epoch_done(run, 0, model, dtype)

    assert asked == [precision]


def held_out(*annotations, num_frames=1000):
    videos = [
        SimpleNamespace(
            num_frames=num_frames,
            annotation_frames=np.array(frames, dtype=np.int64),
            label_ids=np.zeros(len(frames), dtype=np.int64),
            grid=SimpleNamespace(seconds=np.arange(num_frames) / 25),
        )
        for frames in annotations
    ]
    return SimpleNamespace(videos=videos)


@pytest.mark.parametrize(
    ("annotations", "video", "start"),
    [
        # Three within 150 frames from 400 on; the stretch begins 15 frames before the first of them.
        ([[100, 400, 450, 500, 900]], 0, 385),
        ([[100], [300, 310]], 1, 285),
        ([[3]], 0, 0),
        ([[995]], 0, 850),
        ([[]], 0, 0),
    ],
)
def test_the_stretch_has_the_most_annotations(annotations, video, start):
    clips = held_out(*annotations)

    found = busiest_stretch(clips, 150)

    assert found.video is clips.videos[video]
    assert (found.start, found.stop) == (start, start + 150)


def test_the_stretch_is_no_longer_than_the_video():
    assert busiest_stretch(held_out([5], num_frames=20), 150).stop == 20


def test_annotations_of_a_stretch_count_from_its_start():
    found = busiest_stretch(held_out([100, 400, 450, 500, 900]), 150)

    annotations = annotations_in(found, EXPERIMENT.task.labels)

    assert [annotation.seconds for annotation in annotations] == pytest.approx([0.6, 2.6, 4.6])
    assert {annotation.label for annotation in annotations} == {"PASS"}
