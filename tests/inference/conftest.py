"""Models and videos of the tests of running sources."""

import numpy as np
import pytest
import torch
from live_sources import moving_frames, write_video
from tiny import tiny_experiment
from usable_models import usable_model

from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.inference.spotter import Spotter

NUM_FRAMES = 75


@pytest.fixture
def one_thread():
    # Pictures this small are only slowed down by threads that wait for each other.
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(num_threads)


@pytest.fixture(scope="module")
def spotter():
    experiment = tiny_experiment()
    clips = np.stack([moving_frames(experiment.clip.num_frames, seed) for seed in range(20)])
    model = usable_model(experiment.model, experiment.clip, clips, seed=1)
    # Its curve is noise: at a height of 0.01 all of its peaks count, in chains.
    return Spotter(experiment, (model,), torch.device("cpu"))


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "a.mkv", NUM_FRAMES)


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "a.ts", NUM_FRAMES)


@pytest.fixture(scope="module")
def runs(spotter, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    (runs / "tiny").mkdir()
    (runs / "tiny" / "experiment.json").write_text(spotter.experiment.to_json())
    weights = spotter.models[0].state_dict()
    save_checkpoint(fold_folder(runs, "tiny", 0) / FILE_NAME, weights, spotter.experiment, {})
    return runs
