"""Shares of a job array, from the variables that Slurm and Kubernetes set."""

import pytest

from bvas.errors import ConfigError
from bvas.system.job_arrays import share_of_job


def array(identity, first, last, count, step=1):
    names = ("ID", "MIN", "MAX", "COUNT", "STEP")
    values = map(str, (identity, first, last, count, step))
    return {f"SLURM_ARRAY_TASK_{name}": value for name, value in zip(names, values, strict=True)}


@pytest.mark.parametrize(
    ("variables", "count", "share"),
    [
        ({"SLURM_JOB_ID": "7", "SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "3"}, None, (4, 8)),
        # A batch script without srun: its tasks do not run.
        ({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "8", "SLURM_PROCID": "0"}, None, (1, 1)),
        (array(5, 0, 15, 16), None, (6, 16)),
        (array(5, 0, 15, 16), 16, (6, 16)),
        # --array=10-30:10
        (array(30, 10, 30, 3, 10), None, (3, 3)),
        (array(7, 7, 7, 1), None, (1, 1)),
        # The second element of two, and the third of its four tasks: seventh of eight.
        (array(1, 0, 1, 2) | {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2"}, None, (7, 8)),
        ({"JOB_COMPLETION_INDEX": "0"}, 4, (1, 4)),
        ({"JOB_COMPLETION_INDEX": "3"}, 4, (4, 4)),
    ],
)
def test_the_share_is_that_of_this_task_or_pod(variables, count, share):
    assert share_of_job(variables, count) == share


@pytest.mark.parametrize(
    ("variables", "count", "message"),
    [
        ({}, None, "neither a job of Slurm .* write --shard I/N"),
        ({"JOB_COMPLETION_INDEX": "1"}, None, "write --shard auto/N with the Job's completions"),
        ({"JOB_COMPLETION_INDEX": "4"}, 4, "JOB_COMPLETION_INDEX is 4, which is not below 4"),
        ({"JOB_COMPLETION_INDEX": "x"}, 4, "must be a number from 0 on, got 'x'"),
        # --array=1,2,9
        (array(9, 1, 9, 3), None, "3 elements from 1 to 9 that are not evenly spaced"),
        (array(2, 1, 9, 3), None, "not evenly spaced"),
        (array(5, 0, 15, 16), 8, "Slurm runs 16 shares"),
        ({"SLURM_ARRAY_TASK_ID": "1"}, None, "SLURM_ARRAY_TASK_MIN must be a number"),
    ],
)
def test_what_does_not_tell_the_share_is_refused(variables, count, message):
    with pytest.raises(ConfigError, match=message):
        share_of_job(variables, count)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("step", [1, 3])
def test_the_shares_of_an_array_are_all_of_them(first, step):
    identities = range(first, first + 5 * step, step)
    shares = [share_of_job(array(identity, first, identities[-1], 5, step)) for identity in identities]
    assert shares == [(number, 5) for number in range(1, 6)]
