import copy
import json
import shutil

import numpy as np
import pytest
import torch

from bvas.errors import CheckpointError, DataError
from bvas.lromul.weights import (
    list_reference_folds,
    list_reference_scores,
    our_key,
    read_reference_checkpoint,
    read_reference_scores,
)
from bvas.models.spotting import build_model
from bvas.values.clip_config import ClipConfig


@pytest.fixture(scope="module")
def small(shared_data):
    return shared_data / "weights" / "seed_small.pth"


@pytest.fixture(scope="module")
def content(small):
    return torch.load(small, weights_only=True)


def test_the_checkpoints_params_become_our_configs(small):
    read = read_reference_checkpoint(small)

    assert read.clip == ClipConfig(num_frames=15, frame_step=2, stack_size=3)
    assert read.model.encoder == "mobilenetv3_small_050"
    assert (read.model.num_blocks_3d, read.model.num_features_3d, read.model.num_features_stack) == (
        2,
        48,
        16,
    )
    assert (read.model.feature_level, read.model.expansion_3d, read.model.se_reduction_3d) == (4, 3, 24)
    assert (read.model.drop_rate, read.model.drop_path_rate) == (0.2, 0.2)
    assert not read.model.pretrained
    assert (read.num_labels, read.size) == (2, (96, 160))
    assert read.params["frame_stack_size"] == 15


def test_the_moving_average_is_what_is_read_and_all_of_it(small, content):
    read = read_reference_checkpoint(small)
    model = build_model(read.model, read.clip, read.num_labels)

    model.load_state_dict(read.state_dict, strict=True)

    theirs = content["nn_state_dict"]
    assert len(read.state_dict) == len(theirs)
    assert all(torch.equal(read.state_dict[our_key(key)], theirs[key]) for key in theirs)


def test_no_two_of_the_published_networks_weights_get_one_name(shared_data):
    layout = json.loads((shared_data / "weights" / "seed_checkpoint_layout.json").read_text())
    keys = layout["33 frames"]["keys"]

    assert len({our_key(key) for key in keys}) == len(keys) == 515


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module."])
def test_prefixes_of_compiled_and_parallel_networks_are_dropped(tmp_path, small, content, prefix):
    wrapped = {prefix + key: value for key, value in content["nn_state_dict"].items()}
    torch.save({**content, "nn_state_dict": wrapped}, tmp_path / "wrapped.pth")

    state = read_reference_checkpoint(tmp_path / "wrapped.pth").state_dict

    assert state.keys() == read_reference_checkpoint(small).state_dict.keys()


def test_weights_that_are_missing_unknown_or_of_another_shape_are_named(tmp_path, content):
    state = dict(content["nn_state_dict"])
    del state["global_pool.p"]
    state["conv4d.weight"] = torch.zeros(1)
    state["classifier.bias"] = torch.zeros(3)
    torch.save({**content, "nn_state_dict": state}, tmp_path / "odd.pth")

    with pytest.raises(
        CheckpointError,
        match=r"1 missing \(pool\.p\); 1 unknown \(conv4d\.weight\); 1 of another shape \(classifier\.bias\)",
    ):
        read_reference_checkpoint(tmp_path / "odd.pth")


def broken(content, **changes):
    params = copy.deepcopy(content["params"])
    name, arguments = params["nn_module"]
    params.update(changes.pop("params", {}))
    params["nn_module"] = (changes.pop("name", name), {**arguments, **changes})
    return {**content, "params": params}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "multidim_overlapper"}, "multidim_overlapper"),
        ({"positional_encoding": True}, "positional_encoding"),
        ({"act_layer": "relu"}, "'relu'"),
        ({"params": {"frame_stack_size": 33}}, "33 frames"),
        ({"stack_size": 4}, "multiple of stack_size"),
        ({"params": {"image_size": None}}, "not those of the reference system"),
        ({"model_name": "no_such_net"}, "no_such_net"),
    ],
)
def test_networks_that_are_not_of_the_reference_system_are_refused(tmp_path, content, changes, message):
    torch.save(broken(content, **changes), tmp_path / "other.pth")

    with pytest.raises(CheckpointError, match=message):
        read_reference_checkpoint(tmp_path / "other.pth")


@pytest.mark.parametrize("key", ["params", "nn_state_dict"])
def test_files_without_params_or_weights_are_refused(tmp_path, content, key):
    torch.save({name: value for name, value in content.items() if name != key}, tmp_path / "part.pth")

    with pytest.raises(CheckpointError, match=f"no {key}"):
        read_reference_checkpoint(tmp_path / "part.pth")


class RunsCode:
    """A pickle of it would create a file when read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_code_in_a_file_is_refused_and_not_run(tmp_path):
    torch.save({"params": RunsCode(tmp_path / "ran"), "nn_state_dict": {}}, tmp_path / "evil.pth")

    with pytest.raises(CheckpointError, match="run code"):
        read_reference_checkpoint(tmp_path / "evil.pth")

    assert not (tmp_path / "ran").exists()


def test_damaged_and_absent_files_are_named(tmp_path, small):
    (tmp_path / "half.pth").write_bytes(small.read_bytes()[:100_000])

    with pytest.raises(CheckpointError, match=r"half\.pth"):
        read_reference_checkpoint(tmp_path / "half.pth")
    with pytest.raises(CheckpointError, match=r"no checkpoint .*absent\.pth"):
        read_reference_checkpoint(tmp_path / "absent.pth")


def test_each_fold_has_its_checkpoint_of_the_highest_value(tmp_path):
    for name in (
        "fold_0/model-036-0.791200.pth",
        "fold_0/model-009-0.800100.pth",
        "fold_0/model-100-0.79.pth",
        "fold_0/model-last.pth",
        "fold_10/model-001-0.5.pth",
        "fold_2/model-005-0.63.pth",
        "fold_3/log.txt",
        "notes/model-001-0.99.pth",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    folds = list_reference_folds(tmp_path)

    assert {fold: path.name for fold, path in folds.items()} == {
        0: "model-009-0.800100.pth",
        2: "model-005-0.63.pth",
        10: "model-001-0.5.pth",
    }


def test_a_folder_without_checkpoints_says_what_is_expected(tmp_path):
    with pytest.raises(CheckpointError, match="fold_K/model-EPOCH-VALUE"):
        list_reference_folds(tmp_path / "experiments" / "nothing")


def test_raw_scores_are_found_and_read(tmp_path):
    league = "england_efl/2019-2020"
    scores = np.random.default_rng(0).random((5, 2), dtype=np.float32)
    for place in (f"challenge/fold_0/{league}/B", f"cv/fold_1/{league}/A", f"cv/fold_0/{league}/C"):
        (tmp_path / place).mkdir(parents=True)
        np.savez(
            tmp_path / place / "1_raw_predictions.npz",
            frame_indexes=list(range(14, 19)),
            raw_predictions=scores,
        )
    shutil.copy(
        tmp_path / f"cv/fold_0/{league}/C/1_raw_predictions.npz",
        tmp_path / f"cv/fold_0/{league}/C/2_raw_predictions.npz",
    )

    found = list_reference_scores(tmp_path)

    assert [(one.split, one.fold, one.match, one.half) for one in found] == [
        ("challenge", 0, f"{league}/B", 1),
        ("cv", 0, f"{league}/C", 1),
        ("cv", 0, f"{league}/C", 2),
        ("cv", 1, f"{league}/A", 1),
    ]
    indices, read = read_reference_scores(found[0].path)
    assert indices.tolist() == [14, 15, 16, 17, 18]
    np.testing.assert_array_equal(read, scores)


def test_scores_that_are_none_are_refused(tmp_path):
    path = tmp_path / "1_raw_predictions.npz"
    with pytest.raises(DataError, match="cannot read"):
        read_reference_scores(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match="cannot read"):
        read_reference_scores(path)
    np.savez(path, frame_indexes=np.array([object()]), raw_predictions=np.zeros((1, 2)))
    with pytest.raises(DataError, match="cannot read"):
        read_reference_scores(path)
    np.savez(path, frame_indexes=np.arange(3), raw_predictions=np.zeros((4, 2)))
    with pytest.raises(DataError, match="do not go together"):
        read_reference_scores(path)
    np.savez(path, frame_indexes=np.array([1, 2, 4]), raw_predictions=np.zeros((3, 2)))
    with pytest.raises(DataError, match="in between"):
        read_reference_scores(path)
