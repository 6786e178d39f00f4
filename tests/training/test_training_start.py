import hashlib
import logging
from dataclasses import replace

import pytest
import torch
from tiny import tiny_experiment

from bvas.errors import CheckpointError, ConfigError, DataError
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.experiment.seen_matches import write_seen
from bvas.loading.clip_batch import ClipBatch
from bvas.models.spotting import build_model
from bvas.training.initial_model import starting_model
from bvas.training.step import Trainer
from bvas.values.annotations import LabelSet


def save(experiment, path, *, seed=0):
    """Write random weights of an experiment; return them."""
    torch.manual_seed(seed)
    state = build_model(experiment.model, experiment.clip, len(experiment.task.labels)).state_dict()
    save_checkpoint(path, state, experiment, {})
    return state


def from_(start):
    experiment = tiny_experiment()
    return replace(experiment, train=replace(experiment.train, start_from=str(start)))


def labels(experiment, *names):
    return replace(experiment, task=replace(experiment.task, labels=LabelSet(names)))


def same(model, state):
    return all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_a_file_is_the_start_of_every_fold(tmp_path):
    state = save(tiny_experiment(), tmp_path / "w" / "mine.safetensors")
    for fold in (0, 5):
        assert same(starting_model(from_(tmp_path / "w" / "mine.safetensors"), fold, tmp_path), state)


def test_the_path_of_a_run_folder_or_of_a_file_with_the_fold_in_it_gives_each_fold_its_own(tmp_path):
    states = [
        save(tiny_experiment(), fold_folder(tmp_path / "elsewhere", "old", k) / FILE_NAME, seed=k)
        for k in (0, 1)
    ]
    for start in ("elsewhere/old", "elsewhere/old/fold_{fold}/model.safetensors"):
        for fold in (0, 1):
            assert same(starting_model(from_(tmp_path / start), fold, tmp_path / "runs"), states[fold])


def test_an_address_with_its_hash_is_a_start_and_another_hash_is_refused(tmp_path):
    path = tmp_path / "mine.safetensors"
    state = save(tiny_experiment(), path)
    right = hashlib.sha256(path.read_bytes()).hexdigest()

    assert same(starting_model(from_(f"{path.as_uri()}#sha256={right}"), 0, tmp_path), state)
    with pytest.raises(DataError, match="should have 0000"):
        starting_model(from_(f"{path.as_uri()}#sha256={'0' * 64}"), 0, tmp_path)
    with pytest.raises(ConfigError, match="lacks its hash"):
        from_(path.as_uri())


def test_a_checkpoint_of_the_seed_is_a_start(shared_data):
    from bvas.lromul.weights import read_reference_checkpoint

    path = shared_data / "weights" / "seed_small.pth"
    stored = read_reference_checkpoint(path)
    experiment = replace(from_(path), model=stored.model, clip=stored.clip)
    assert same(starting_model(experiment, 0, path.parent), stored.state_dict)


def test_other_labels_take_the_rows_that_both_know_and_the_log_lists_the_rest(tmp_path, caplog):
    before = labels(tiny_experiment(), "PASS", "SHOT", "DRIVE")
    state = save(before, tmp_path / "before.safetensors")
    after = labels(from_(tmp_path / "before.safetensors"), "DRIVE", "OUT", "PASS")

    with caplog.at_level(logging.INFO):
        model = starting_model(after, 0, tmp_path)

    assert torch.equal(model.classifier.weight[[0, 2]], state["classifier.weight"][[2, 0]])
    assert not torch.equal(model.classifier.weight[1], state["classifier.weight"][1])
    assert torch.equal(model.blocks[0].expand.weight, state["blocks.0.expand.weight"])
    assert [record.getMessage() for record in caplog.records] == [
        f"starting from {tmp_path / 'before.safetensors'}: new labels: 1 (OUT)"
    ]


def test_longer_clips_take_all_but_the_classifier(tmp_path, caplog):
    state = save(tiny_experiment(), tmp_path / "short.safetensors")
    experiment = from_(tmp_path / "short.safetensors")
    longer = replace(experiment, clip=replace(experiment.clip, num_frames=12))

    with caplog.at_level(logging.INFO):
        model = starting_model(longer, 0, tmp_path)

    assert torch.equal(model.stack_projection.conv.weight, state["stack_projection.conv.weight"])
    assert model.classifier.in_features == 2 * state["classifier.weight"].shape[1]
    assert "new labels: 2 (PASS, DRIVE)" in caplog.text


def test_blocks_that_the_file_lacks_or_has_too_many_of_are_listed(tmp_path, caplog):
    save(tiny_experiment(), tmp_path / "one.safetensors")
    experiment = from_(tmp_path / "one.safetensors")
    two = replace(experiment, model=replace(experiment.model, num_blocks_3d=2))
    none = replace(experiment, model=replace(experiment.model, num_blocks_3d=0))

    with caplog.at_level(logging.INFO):
        starting_model(two, 0, tmp_path)
        starting_model(none, 0, tmp_path)

    more, fewer = (record.getMessage() for record in caplog.records)
    assert ": tensors with new values: " in more
    assert "(blocks.1." in more
    assert ": unused tensors: " in fewer
    assert "(blocks.0." in fewer


def test_weights_of_another_encoder_are_refused(tmp_path):
    other = tiny_experiment()
    save(replace(other, model=replace(other.model, encoder="resnet10t")), tmp_path / "other.safetensors")
    with pytest.raises(
        CheckpointError, match=r"has \d+ of the \d+ tensors .* at least half must fit.*resnet10t"
    ):
        starting_model(from_(tmp_path / "other.safetensors"), 0, tmp_path)


def test_luma_scaled_otherwise_is_warned_of(tmp_path, caplog):
    before = tiny_experiment()
    save(replace(before, input=replace(before.input, luma_scaling="stored")), tmp_path / "w.safetensors")
    starting_model(from_(tmp_path / "w.safetensors"), 0, tmp_path)
    assert "luma scaled by 'stored'" in caplog.text


def test_a_missing_start_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(CheckpointError, match="train them first: bvas train --experiment before"):
        starting_model(from_("before"), 0, tmp_path)
    with pytest.raises(CheckpointError, match=r"no weights at .*gone\.safetensors"):
        starting_model(from_(tmp_path / "gone.safetensors"), 0, tmp_path)


def test_a_fold_that_is_not_trained_over_the_same_data_is_named(tmp_path):
    save(tiny_experiment(), fold_folder(tmp_path, "before", 0) / FILE_NAME)
    with pytest.raises(CheckpointError, match="bvas train --experiment before --folds 1"):
        starting_model(from_("before"), 1, tmp_path)


def test_any_fold_of_an_experiment_over_other_data_will_do(tmp_path):
    elsewhere = tiny_experiment()
    elsewhere = replace(elsewhere, task=replace(elsewhere.task, folder="other-data"))
    state = save(elsewhere, fold_folder(tmp_path, "before", 0) / FILE_NAME)
    assert same(starting_model(from_("before"), 1, tmp_path), state)


def test_of_several_folds_one_is_taken_that_has_not_seen_what_is_held_out(tmp_path):
    elsewhere = tiny_experiment()
    elsewhere = replace(elsewhere, task=replace(elsewhere.task, folder="other-data"))
    matches = ["Leeds", "Hull", "Blackburn"]
    states = []
    for fold, held_out in enumerate(matches):
        folder = fold_folder(tmp_path, "before", fold)
        states.append(save(elsewhere, folder / FILE_NAME, seed=fold))
        write_seen(folder, trained_on={*matches} - {held_out}, held_out=[held_out])

    # The same fold has learned from Hull here; fold 1 is the one that has not.
    assert same(starting_model(from_("before"), 0, tmp_path, ["Hull"]), states[1])
    assert same(starting_model(from_("before"), 2, tmp_path, ["Millwall"]), states[2])
    with pytest.raises(CheckpointError, match=r"all trained folds of before .* were trained on them"):
        starting_model(from_("before"), 0, tmp_path, ["Hull", "Leeds"])


def test_a_frozen_encoder_keeps_its_weights_and_its_batch_norm_statistics_while_the_rest_learns():
    experiment = tiny_experiment()
    experiment = replace(
        experiment, train=replace(experiment.train, frozen=("encoder",), learning_rate=0.1, ema_decay=0.5)
    )
    model = starting_model(experiment, 0, runs=None)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    trainer = Trainer(experiment, model, torch.device("cpu"), steps_per_epoch=2)
    generator = torch.Generator().manual_seed(0)
    for _ in range(2):
        trainer.step(
            ClipBatch(
                frames=torch.randint(0, 256, (2, 6, 64, 96), dtype=torch.uint8, generator=generator),
                targets=torch.tensor([[0.0, 1.0], [1.0, 0.0]]),
                video_ids=torch.zeros(2, dtype=torch.int64),
                centers=torch.zeros(2, dtype=torch.int64),
                forms=("limited", "limited"),
                seeds=torch.tensor([1, 2]),
            )
        )

    for after in (model.state_dict(), trainer.averaged.module.state_dict()):
        changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
        assert not {name for name in changed if name.startswith("encoder.")}
        assert {"classifier.weight", "stack_projection.norm.running_mean"} <= changed
