import json
from dataclasses import replace

import bench_predict
import bench_spot_file
import numpy as np
import pytest
import torch
from bench_predict import Video, frame_by_frame, make_model, streaming, whole_clips
from harness import Cost, ratio
from predict_floor import count_row
from seed_streaming import SeedPredictor

from bvas.experiment.experiment import load_experiment
from bvas.inference.streaming import StreamingPredictor
from bvas.inference.torch_engine import TorchEngine
from bvas.models.spotting import build_model

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def same_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_work_of_a_row_at_full_size_is_that_of_the_issue():
    experiment = load_experiment("ball_base")
    with torch.device("meta"):
        model = build_model(replace(experiment.model, pretrained=False), experiment.clip, 2).eval()

    work = count_row(model, (736, 1280), num_flips=1, element_bytes=4)

    assert work["2D"].operations == pytest.approx(26.4e9, rel=0.01)
    # 8.7 in the blocks, and the projection behind them.
    assert work["3D"].operations == pytest.approx(8.7e9 + 2 * 192 * 256 * 5 * 23 * 40, rel=0.01)


def test_ratios_of_cases_of_unlike_length_are_those_of_a_unit():
    costs = {
        "ours": [Cost(wall_seconds=2.0, cpu_seconds=4.0)] * 2,
        "theirs": [Cost(wall_seconds=3.0, cpu_seconds=3.0)] * 2,
    }
    units = {"ours": 4, "theirs": 2}
    assert ratio(costs, "theirs", "ours", units).median == 3.0
    assert ratio(costs, "theirs", "ours", units, cpu=True).median == 1.5


def test_all_forms_go_through_the_same_video():
    experiment = load_experiment("demo")
    model, video, clip = make_model(experiment, CPU, (64, 96)), Video((64, 96)), experiment.clip

    ours = streaming(StreamingPredictor(TorchEngine([model], clip), batch=1), video)
    seed = frame_by_frame(SeedPredictor(model, clip), video)
    whole = whole_clips(model, experiment, video)
    # A clip is whole with frame 28 for the first time: row 14.
    found = [ours(32)[14:], seed(32), whole(4)]
    found = [
        np.concatenate([rows, more]) for rows, more in zip(found, [ours(3), seed(3), whole(3)], strict=True)
    ]

    assert [rows.shape for rows in found] == [(7, 2)] * 3
    np.testing.assert_allclose(found[0], found[2], atol=1e-5)
    np.testing.assert_allclose(found[1], found[2], atol=1e-5)
    assert found[2].std(axis=0).min() > 1e-3


@pytest.mark.slow
def test_the_benchmark_of_rows_says_how_much_faster_and_how_near_the_floor(tmp_path):
    results = tmp_path / "predict.json"
    tiny = ["--experiment", "demo", "--size", "64x96", "--rows", "2", "--whole-rows", "1", "--rounds", "2"]
    bench_predict.main([*tiny, "--json", str(results)])

    table = {row["case"]: row for row in json.loads(results.read_text())["rows"]}
    assert table["streaming, float32"]["wall_ratio"]["median"] == 1.0
    assert 0 < table["2D, float32"]["share_of_floor"] < 1
    assert table["streaming, bfloat16"]["largest_difference"] < 2e-2
    against = table["float32 against whole clips"]
    assert against["times_as_fast"]["median"] > 1
    assert against["goal_on_a_cpu"] == 4.0


@pytest.mark.slow
def test_the_benchmark_of_files_splits_the_time(tmp_path):
    results = tmp_path / "spot.json"
    tiny = ["--experiment", "demo", "--size", "64x96", "--video-size", "64x160", "--minutes", "0.3"]
    bench_spot_file.main([*tiny, "--seed-frames", "40", "--rounds", "2", "--json", str(results)])

    content = json.loads(results.read_text())
    table = {row["case"]: row for row in content["rows"]}
    assert content["settings"]["frames"] == 500
    parts = {name: row["share_of_ours"]["median"] for name, row in table.items() if name.startswith("part: ")}
    assert list(parts) == ["part: decode", "part: copy", "part: 2D", "part: 3D", "part: rest"]
    assert parts["part: 2D"] + parts["part: 3D"] + parts["part: rest"] == pytest.approx(1, abs=0.1)
    assert table["summary"]["times_real_time"]["median"] > 1
