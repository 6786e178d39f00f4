"""A league and an experiment small enough for tests: seconds to make, seconds to train."""

from dataclasses import replace
from pathlib import Path

import torch

from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.experiment.experiment import Experiment, InputConfig, TrainConfig, load_experiment
from bvas.models.config import ModelConfig
from bvas.models.spotting import build_model
from bvas.synthetic.config import SyntheticConfig

SHIPPED_CONFIGS = sorted(
    path.stem for path in Path(__file__).resolve().parents[1].joinpath("configs").glob("*.py")
)

TINY_MODEL = ModelConfig(
    encoder="mobilenetv3_small_050",
    pretrained=False,
    num_blocks_3d=1,
    num_features_3d=24,
    num_features_stack=16,
    drop_path_rate=0.0,
    encoder_drop_path_rate=0.0,
)

TINY_LEAGUE = SyntheticConfig(matches=2, challenge_matches=1, minutes=0.4, size=(64, 96), seed=3, color=False)

# As a config file that a user would write.
TINY_CONFIG = '''
"""The demo, smaller."""

from dataclasses import replace

from bvas.experiment.experiment import InputConfig, load_experiment


def experiment():
    demo = load_experiment("demo")
    return replace(
        demo,
        input=InputConfig(size=(64, 96)),
        clip=replace(demo.clip, num_frames=6, stack_size=2),
        model=replace(
            demo.model, encoder="mobilenetv3_small_050", num_blocks_3d=1, num_features_3d=24, num_features_stack=16
        ),
        sampling=replace(demo.sampling, clips_per_epoch=8),
        train=replace(demo.train, batch_size=4, warmup_epochs=0, epochs=2, validation_clips=8),
    )
'''


def tiny_experiment(**changes) -> Experiment:
    demo = load_experiment("demo")
    return replace(
        demo,
        name="tiny",
        input=InputConfig(size=(64, 96)),
        clip=replace(demo.clip, num_frames=6, stack_size=2),
        model=TINY_MODEL,
        sampling=replace(demo.sampling, clips_per_epoch=8),
        train=TrainConfig(batch_size=4, warmup_epochs=0, epochs=2, validation_clips=8),
        **changes,
    )


def save_tiny_runs(runs: Path) -> Path:
    """Write an experiment file and one untrained fold of it to a runs folder; return the file."""
    path = runs / "tiny.py"
    path.write_text(TINY_CONFIG)
    experiment = load_experiment(str(path))
    torch.manual_seed(1)
    model = build_model(experiment.model, experiment.clip, len(experiment.task.labels))
    save_checkpoint(fold_folder(runs, "tiny", 0) / FILE_NAME, model.state_dict(), experiment, {})
    return path
