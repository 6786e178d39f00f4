import json

import bench_augment
import bench_train
import pytest
import torch
from step_floor import Peaks, Work, count_step, layer_operations, scaled
from torch import nn

TINY = ["--experiment", "demo", "--size", "64x96", "--batch", "2", "--rounds", "2"]


def test_operations_of_layers_by_hand():
    # 2 for each of 3 x 3 weights and 4 input channels, for 2 x 8 x 5 x 5 values; with 4 groups for one channel.
    image = torch.zeros(2, 4, 5, 5)
    plain, grouped = (nn.Conv2d(4, 8, 3, padding=1, groups=groups) for groups in (1, 4))
    assert layer_operations(plain, plain(image)) == 2 * 9 * 4 * (2 * 8 * 5 * 5)
    assert layer_operations(grouped, grouped(image)) == 2 * 9 * 1 * (2 * 8 * 5 * 5)
    line = nn.Linear(7, 3)
    assert layer_operations(line, line(torch.zeros(2, 7))) == 2 * 7 * (2 * 3)


def test_the_work_of_a_step_by_hand():
    model = nn.Sequential(nn.Linear(10, 20, bias=False), nn.ReLU(), nn.Linear(20, 5, bias=False))

    work = count_step(model, torch.zeros(3, 10), 2)

    forward = 2 * 3 * (10 * 20 + 20 * 5)
    assert work["forward"] == Work(operations=forward, num_bytes=2 * 3 * (10 + 20 + 20 + 5))
    # The first layer has no gradient of its input to find, nor to write.
    backward = 2 * 3 * (10 * 20 + 2 * 20 * 5)
    assert work["backward"] == Work(operations=backward, num_bytes=2 * 3 * (10 + 20 + 20 + 5 + 20))
    assert work["optimizer"].num_bytes == 40 * 300
    assert scaled(work, 2.0)["forward"].operations == 2 * forward
    assert scaled(work, 2.0)["optimizer"] == work["optimizer"]


def test_the_floor_is_the_larger_of_two_times():
    peaks = Peaks(operations=100.0, num_bytes=10.0)
    assert Work(operations=200.0, num_bytes=5.0).seconds(peaks) == 2.0
    assert Work(operations=200.0, num_bytes=50.0).seconds(peaks) == 5.0


@pytest.mark.slow
def test_the_parts_of_a_step_are_measured_and_stay_above_their_floor(tmp_path):
    results = tmp_path / "train.json"
    loading = ["--loading", "--loading-frames", "60", "--loading-steps", "1", "--workers", "0"]
    before = torch.backends.cuda.matmul.allow_tf32
    bench_train.main([*TINY, "--steps", "1", *loading, "--json", str(results)])
    assert torch.backends.cuda.matmul.allow_tf32 == before

    content = json.loads(results.read_text())
    eager, trainer, waiting = content["rows"]
    assert [eager["case"], trainer["case"]] == ["eager float32", "Trainer.step"]
    assert eager["wall_ratio"]["median"] == 1.0
    shares = [part["share"]["median"] for part in eager["parts"].values()]
    assert sum(shares) == pytest.approx(1.0, abs=0.1)
    assert list(eager["parts"]) == ["loading", "augmentation", "forward", "backward", "optimizer"]
    assert eager["floor_milliseconds"] > 0
    assert 0 <= waiting["waiting_share"]["median"] <= 1


@pytest.mark.slow
def test_augmentation_is_set_against_a_step_and_a_copy(tmp_path):
    results = tmp_path / "augment.json"
    bench_augment.main([*TINY, "--json", str(results)])

    table = {row["case"]: row for row in json.loads(results.read_text())["rows"]}
    assert table["training step"]["wall_ratio"]["median"] == 1.0
    assert table["copy"]["times_copy"]["median"] == 1.0
    changes = ["camera move", "rotation", "translation", "crop", "flip", "sharpness", "motion blur"]
    changes += ["brightness", "contrast", "posterize", "noise"]
    assert list(table) == ["training step", "copy", "as configured", "all at once", *changes]
