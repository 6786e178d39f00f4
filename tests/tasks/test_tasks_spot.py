"""The kind of spotting tasks, as all above it see it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from loading_videos import labelled
from tiny import tiny_experiment

from bvas.errors import CheckpointError, ConfigError
from bvas.experiment.checkpoint import load_checkpoint, save_checkpoint
from bvas.metrics.average_precision import clip_average_precision
from bvas.models.clip_model import ClipModel
from bvas.tasks.kind_choice import kind_of
from bvas.tasks.trained_model import trained_model
from bvas.values.score_curve import ScoreCurve

EXPERIMENT = tiny_experiment()
KIND = kind_of(EXPERIMENT)


def test_a_kind_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match="kind must be one of spot, interval, clip, got 'spots'"):
        replace(EXPERIMENT, kind="spots")


def test_a_model_gives_logits_and_the_kind_their_scores():
    torch.manual_seed(0)
    model = KIND.model().eval()
    with torch.inference_mode():
        logits = torch.cat([model(torch.rand(8, 6, 64, 96)), torch.zeros(1, 2)]) * 100
    # A model that ends in a sigmoid or softmax would stay within [0, 1].
    assert logits.min() < 0
    scores = KIND.scores(logits)
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert scores[-1].tolist() == [0.5, 0.5]


def test_the_loss_is_small_for_right_and_large_for_wrong_logits():
    targets = torch.tensor([[1.0, 0.0]])
    right, wrong = (KIND.loss(torch.tensor([[sign * 5.0, -sign * 5.0]]), targets) for sign in (1, -1))
    assert 0 < right < 1e-3 < 1 < wrong


def test_the_parts_that_training_addresses_are_parts_of_the_model():
    model = KIND.model()
    assert len(model.classifier.bias) == len(EXPERIMENT.task.labels)
    assert {name.partition(".")[0] for name in model.state_dict()} >= {"encoder", "classifier"}
    blocks = list(model.checkpointed_blocks())
    assert len({id(block) for block in blocks}) == len(blocks) > 3


def test_clip_average_precision_by_hand():
    # Ranked 1 0 1: precisions at the positives are 1/1 and 2/3.
    scores = np.array([0.9, 0.5, 0.1], dtype=np.float32)
    assert clip_average_precision(scores, np.array([1, 0, 1], dtype=np.float32)) == pytest.approx(
        (1 + 2 / 3) / 2
    )
    assert clip_average_precision(scores, np.zeros(3, dtype=np.float32)) == 0.0


def test_the_figure_is_the_mean_over_labels():
    scores = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]], dtype=np.float32)
    targets = np.array([[1, 1], [0, 0], [1, 0]], dtype=np.float32)
    # The second label's positive is ranked last of three.
    figures = KIND.figures(scores, targets)
    assert figures == {KIND.best_figure: pytest.approx(((1 + 2 / 3) / 2 + 1 / 3) / 2)}
    scores[0, 0] = np.nan
    assert np.isnan(KIND.figures(scores, targets)[KIND.best_figure])


def test_validation_clips_are_half_at_annotations_and_half_evenly_spaced():
    # The experiment wants 8 clips.
    clips = KIND.validation_clips([labelled(1000, [(100, 0), (300, 0), (500, 0), (700, 0)])])
    assert [request.center for request in clips.requests(0)] == [100, 125, 300, 375, 500, 625, 700, 875]


def test_a_video_of_one_frame_without_annotations_is_validated_too():
    clips = KIND.validation_clips([labelled(1)])
    assert [request.center for request in clips.requests(0)] == [0]


def test_a_curve_becomes_the_peaks_of_the_experiments_rules():
    scores = np.zeros((100, 2), np.float32)
    scores[40, 1] = 1.0
    (spot,) = KIND.results(ScoreCurve(scores, np.arange(100) / 25, EXPERIMENT.task.labels.names)).spots
    assert (spot.label, spot.seconds) == (EXPERIMENT.task.labels.names[1], 1.6)


def test_a_model_of_another_class_than_can_be_run_is_refused(tmp_path):
    class OtherModel(ClipModel):
        pass

    path = tmp_path / "model.safetensors"
    save_checkpoint(path, KIND.model().state_dict(), EXPERIMENT, {})
    with pytest.raises(
        CheckpointError, match="holds a SpottingModel for tasks of kind 'spot', and a OtherModel"
    ):
        trained_model(load_checkpoint(path), OtherModel)
