"""A model card says what lies on disk, and that the rest is not known."""

import json
import os
from dataclasses import replace

import pytest
from tiny import tiny_experiment

from bvas.data.ball import ball_task
from bvas.errors import DataError
from bvas.experiment.checkpoint import FILE_NAME, Checkpoint, fold_folder
from bvas.onnx.model_card import FileFacts, model_card
from bvas.onnx.model_folder import ExportSettings, SourceWeights

TINY = tiny_experiment()
FILES = [
    FileFacts(
        name="encoder.onnx",
        input_shape=("num_stacks", 2, 64, 96),
        output_shape=("num_stacks", 24, 2, 3),
        num_bytes=1234,
        sha256="e" * 64,
    )
]


@pytest.fixture
def run(tmp_path):
    path = fold_folder(tmp_path, "tiny", 0) / FILE_NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    return tmp_path / "tiny"


def card(run, experiment=TINY, facts=None):
    settings = ExportSettings(
        name="tiny",
        task=experiment.task.name,
        labels=experiment.task.labels.names,
        clip=experiment.clip,
        input=experiment.input,
        peaks=experiment.peaks,
        flip_tta=experiment.flip_tta,
        bvas_version="0.1.0",
        weights=(SourceWeights(fold=0, sha256="a" * 64),),
    )
    checkpoint = Checkpoint(run / "fold_0" / FILE_NAME, experiment, {}, facts or {})
    return model_card(settings, FILES, {0: checkpoint}, run, opset=18, score_deviation=2e-7)


def test_it_tells_labels_clips_pictures_and_files(run):
    text = card(run, facts={"epoch": "29"})

    assert "| labels, in the order of the scores | PASS, DRIVE |" in text
    assert "| picture | 64 x 96 (height x width), luma only |" in text
    # 6 frames, 2 apart, reach from -6 to 4.
    assert "| clip | 6 frames, 2 apart, in stacks of 2; 6 frames before and 4 after its center |" in text
    assert "start at `c - 6 + 4 * n` for n = 0 .. 2" in text
    assert "limited `(y - 16) / 219`" in text
    assert (
        f"| `encoder.onnx` | [num_stacks, 2, 64, 96] | [num_stacks, 24, 2, 3] | 1234 | `{'e' * 64}` |" in text
    )
    assert f"fold 0: `model.safetensors` with SHA-256 `{'a' * 64}`; epoch 29" in text
    peaks = TINY.peaks
    rule = f"{peaks.sigma_frames:g} | {peaks.min_distance_frames} | {peaks.min_height:g} | {peaks.operating_point:g}"
    assert f"| PASS | {rule} |" in text
    assert "within 2.0e-07 of PyTorch's" in text


def test_without_scores_and_lists_of_matches_it_says_so(run):
    text = card(run)

    assert "None are recorded: `bvas evaluate` had not been run" in text
    assert "The matches of each fold are not recorded here." in text
    made = replace(TINY.task, made_by="bvas data synth --out {root}")
    assert "made by `bvas data synth --out data`. " in card(run, replace(TINY, task=made))
    assert "License of the weights and of the training data" in text


def write_scores(run, **more):
    folds = {"0": {"matches": ["A - B"], "official_map_at_1": 0.5}}
    scores = {
        "official_map_at_1": 0.61,
        "official_map_at_1_per_label": {"PASS": 0.7, "DRIVE": None},
        "matches": ["A - B", "C - D"],
        "cross_validation": {"folds": folds, "spread_over_folds": None, "interval_over_matches": None},
        **more,
    }
    (run / "evaluation.json").write_text(json.dumps(scores))
    os.utime(run / "fold_0" / FILE_NAME, (0, 0))


def test_scores_and_held_out_matches_come_from_the_evaluation(run):
    write_scores(run)

    text = card(run)

    assert "| mAP@1 (within 0.5 s, SoccerNet's rules) | 0.6100 |" in text
    assert "| AP@1 of PASS | 0.7000 |" in text
    assert "AP@1 of DRIVE" not in text
    assert "| matches | 2 |" in text
    assert "- fold 0 leaves out: A - B" in text
    assert "Matches that were not scored are not recorded here." in text
    assert "may be of others" not in text


def test_scores_older_than_the_weights_are_marked(run):
    write_scores(run)
    os.utime(run / "evaluation.json", (0, 0))
    os.utime(run / "fold_0" / FILE_NAME, (9, 9))

    assert "**The scores were written before these weights, and may be of others.**" in card(run)


def test_a_damaged_file_of_scores_is_named(run):
    (run / "evaluation.json").write_text("[1]")

    with pytest.raises(DataError, match=r"evaluation\.json is not a JSON object"):
        card(run)


def test_a_task_that_names_its_matches_tells_what_each_fold_left_out(run):
    text = card(run, replace(TINY, task=ball_task()))

    assert "- fold 0 leaves out: england_efl/2019-2020/2019-10-01 - Leeds United - West Bromwich" in text
    assert "- fold 6 leaves out (not in this export): " in text


def test_of_imported_weights_no_training_is_told(run):
    text = card(run, replace(TINY, task=ball_task()), facts={"imported_from": "model-1.pth"})

    assert "imported_from model-1.pth" in text
    assert "How and on which matches the weights were trained is not recorded here" in text
    assert "epochs" not in text
    assert "leaves out" not in text


def test_no_folder_of_the_trainer_is_told(run):
    started = replace(TINY, train=replace(TINY.train, start_from="/home/someone/secret/fold_{fold}.pth"))

    text = card(run, started)

    assert '"start_from": "fold_{fold}.pth"' in text
    assert f'"batch_size": {TINY.train.batch_size}' in text
    assert "someone" not in text


def test_no_secret_of_an_address_is_told(run):
    address = f"https://me:pw@host/w.safetensors?sig=a1#sha256={'0' * 64}"

    text = card(run, replace(TINY, train=replace(TINY.train, start_from=address)))

    assert '"start_from": "https://host/w.safetensors?sig=***"' in text


def test_unmirrored_models_are_not_mirrored(run):
    assert "mirrored left to right" in card(run, replace(TINY, flip_tta=True))
    assert "mirrored left to right" not in card(run, replace(TINY, flip_tta=False))
