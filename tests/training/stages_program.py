"""What torchrun starts in the tests: trains stages that begin to learn late, left alone and resumed.

torchrun --nproc-per-node 2 stages_program.py DATA RUNS START
"""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_tiny import StoppedError, stop_before_step, train

from bvas.experiment.checkpoint import load_checkpoint
from bvas.training.distributed import join_world
from bvas.training.loop import FoldRun


def main(data: Path, runs: Path, start: Path) -> None:
    experiment = load_checkpoint(start).experiment
    with join_world(torch.device("cpu")) as world:
        end_epoch = FoldRun._end_epoch

        def noting(self):
            end_epoch(self)
            name = self.trainer.experiment.name
            torch.save(self.trainer.model.state_dict(), runs / f"{name}-{self.state.epoch}-{world.rank}.pt")

        FoldRun._end_epoch = noting
        for steps in (None, 8, 9):
            one = replace(experiment, name=f"stopped-{steps}")
            if steps is not None:
                with pytest.MonkeyPatch.context() as patch, pytest.raises(StoppedError):
                    stop_before_step(patch, steps)
                    train(one, data, runs, world=world)
            train(one, data, runs, world=world)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
