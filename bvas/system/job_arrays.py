"""Share of this process in a job array, from the variables of Slurm and Kubernetes."""

from collections.abc import Mapping

from bvas.errors import ConfigError

_ARRAY = "SLURM_ARRAY_TASK_"


def share_of_job(variables: Mapping[str, str], count: int | None = None) -> tuple[int, int]:
    """Return (I, N), I from 1: this process is the I-th of N.

    Within `srun` it is the task of the step (`SLURM_PROCID`, `SLURM_STEP_NUM_TASKS`), in a job array the element of the
    array (`SLURM_ARRAY_TASK_ID`), with both the task of the element. In an Indexed Job of Kubernetes it is the pod
    (`JOB_COMPLETION_INDEX`), of a number that Kubernetes does not tell.

    Args:
        variables: The environment.
        count: N; None where the variables tell it.

    Raises:
        ConfigError: a variable is missing or not a number, the array has gaps, or N differs.
    """
    if "SLURM_JOB_ID" in variables or f"{_ARRAY}ID" in variables:
        number, found = _slurm(variables)
        if count not in (None, found):
            raise ConfigError(f"--shard auto/{count}: Slurm runs {found} shares; write --shard auto")
        return number + 1, found
    if "JOB_COMPLETION_INDEX" in variables:
        if count is None:
            raise ConfigError(
                "--shard auto: Kubernetes does not tell a pod how many there are; write --shard auto/N with the Job's "
                "completions"
            )
        number = _value(variables, "JOB_COMPLETION_INDEX")
        if number >= count:
            raise ConfigError(
                f"--shard auto/{count}: JOB_COMPLETION_INDEX is {number}, which is not below {count}"
            )
        return number + 1, count
    raise ConfigError(
        "--shard auto: this is neither a job of Slurm (SLURM_JOB_ID) nor a pod of an Indexed Job "
        "(JOB_COMPLETION_INDEX); write --shard I/N"
    )


def _slurm(variables: Mapping[str, str]) -> tuple[int, int]:
    """Return number and count of this process, from 0."""
    number, count = 0, 1
    if f"{_ARRAY}ID" in variables:
        identity, first, last, count, step = (
            _value(variables, _ARRAY + name) for name in ("ID", "MIN", "MAX", "COUNT", "STEP")
        )
        number, rest = divmod(identity - first, max(1, step))
        if rest or last != first + step * (count - 1):
            raise ConfigError(
                f"--shard auto: the job array has {count} elements from {first} to {last} that are not evenly spaced; "
                "write --array=0-N, or --shard I/N"
            )
    # In a batch script outside of srun there is a SLURM_NTASKS too, of tasks that do not run.
    if "SLURM_STEP_NUM_TASKS" in variables:
        tasks = _value(variables, "SLURM_STEP_NUM_TASKS")
        number, count = number * tasks + _value(variables, "SLURM_PROCID"), count * tasks
    return number, count


def _value(variables: Mapping[str, str], name: str) -> int:
    text = variables.get(name, "")
    if not text.isdecimal():
        raise ConfigError(f"--shard auto: {name} must be a number from 0 on, got {text!r}; write --shard I/N")
    return int(text)
