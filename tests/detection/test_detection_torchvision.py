import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_model

from bvas.detection.detector_choice import load_detector
from bvas.detection.torchvision_detectors import TORCHVISION_DETECTORS, TorchvisionDetector
from bvas.errors import CheckpointError, ConfigError

NAME = "ssdlite320_mobilenet_v3_large"
PERSON, DOG = 1, 18


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights with which the network finds persons and dogs at random places."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = get_model(NAME, weights=None, weights_backbone=None, num_classes=91)
    state = network.state_dict()
    for name, value in state.items():
        level = re.fullmatch(r"head\.classification_head\.module_list\.(\d)\.1\.bias", name)
        if level:
            # Larger boxes are more probable.
            anchors = value.view(-1, 91)
            anchors[:, PERSON] += torch.linspace(1, 4, len(anchors)) + 0.5 * int(level[1])
            anchors[0, DOG] += 5
    path = tmp_path_factory.mktemp("weights") / "w.pth"
    torch.save(state, path)
    return path


def frames(count=3):
    return np.random.default_rng(0).integers(0, 255, (count, 120, 160, 3), dtype=np.uint8)


def test_only_persons_are_found_best_first_within_the_picture(weights):
    detector = load_detector(NAME, weights=weights, device="cpu", threshold=0.1)
    assert detector.name == NAME
    boxes, scores = detector.detect(frames(1))[0]
    answer = detector._network(list(torch.from_numpy(frames(1)).permute(0, 3, 1, 2).float() / 255))[0]
    is_person = answer["labels"] == PERSON
    assert 0 < int(is_person.sum()) < len(is_person)
    assert len(boxes) == int((is_person & (answer["scores"] >= 0.1)).sum()) > 0
    assert boxes.dtype == np.float64
    assert scores.dtype == np.float32
    assert (np.diff(scores) <= 0).all()
    x0, y0, x1, y1 = answer["boxes"][is_person][0].tolist()
    assert boxes[0].tolist() == pytest.approx([x0, y0, x1 - x0, y1 - y0], abs=1e-4)
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= [160.001, 120.001]).all()


def test_boxes_do_not_depend_on_the_batch(weights):
    detector = load_detector(NAME, weights=weights, device="cpu", threshold=0.1)
    together = detector.detect(frames())
    for frame, (boxes, scores) in zip(frames(), together, strict=True):
        alone, scores_alone = detector.detect(frame[None])[0]
        assert len(alone) == len(boxes) > 0
        assert np.abs(alone - boxes).max() < 1e-3
        assert np.abs(scores_alone - scores).max() < 1e-5


def test_a_higher_threshold_keeps_the_best_of_the_same_boxes(weights):
    low = load_detector(NAME, weights=weights, device="cpu", threshold=0.1).detect(frames(1))[0]
    limit = float(low[1].max() + low[1].min()) / 2
    high = load_detector(NAME, weights=weights, device="cpu", threshold=limit).detect(frames(1))[0]
    kept = low[1] >= limit
    assert 0 < kept.sum() < len(kept)
    # Equal scores are in any order.
    assert sorted(high[0].round(1).tolist()) == sorted(low[0][kept].round(1).tolist())


def test_the_same_weights_as_safetensors_give_the_same_boxes(weights, tmp_path):
    path = tmp_path / "w.safetensors"
    save_file(torch.load(weights, weights_only=True), path)
    first, second = (
        load_detector(NAME, weights=file, device="cpu", threshold=0.1).detect(frames(1))[0]
        for file in (weights, path)
    )
    assert np.array_equal(first[0], second[0])


def test_weights_of_another_network_are_refused_by_name(weights):
    with pytest.raises(
        CheckpointError, match=r"does not fit fasterrcnn_mobilenet_v3_large_fpn.*as published: https"
    ):
        load_detector("fasterrcnn_mobilenet_v3_large_fpn", weights=weights, device="cpu")


def test_damaged_and_missing_weights_are_named(tmp_path):
    for name in ("damaged.pth", "damaged.safetensors"):
        (tmp_path / name).write_bytes(b"not weights")
        with pytest.raises(CheckpointError, match=rf"cannot read the weights .*{name}"):
            load_detector(NAME, weights=tmp_path / name, device="cpu")
    with pytest.raises(CheckpointError, match=r"cannot read the weights .*none\.pth"):
        load_detector(NAME, weights=tmp_path / "none.pth", device="cpu")


def test_counts_of_frozen_layers_in_old_files_are_passed_over(weights, tmp_path):
    state = torch.load(weights, weights_only=True)
    state["backbone.old.num_batches_tracked"] = torch.tensor(7)
    torch.save(state, tmp_path / "old.pth")
    picture = np.full((1, 64, 64, 3), 90, np.uint8)
    old, new = (
        load_detector(NAME, weights=file, device="cpu", threshold=0.0)
        for file in (tmp_path / "old.pth", weights)
    )
    ((boxes, scores),), ((wanted, confidences),) = old.detect(picture), new.detect(picture)
    assert np.array_equal(boxes, wanted)
    assert np.array_equal(scores, confidences)


def test_an_unknown_network_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=f"named 'resnet'; known: {', '.join(TORCHVISION_DETECTORS)}"):
        TorchvisionDetector("resnet", device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TORCHVISION_DETECTORS if name != NAME])
def test_every_network_is_built_and_loads_its_own_weights(name, tmp_path):
    torch.save(get_model(name, weights=None, weights_backbone=None).state_dict(), tmp_path / "w.pth")
    detector = load_detector(name, weights=tmp_path / "w.pth", device="cpu")
    assert [len(boxes) for boxes, _ in detector.detect(frames(1))] == [0]
