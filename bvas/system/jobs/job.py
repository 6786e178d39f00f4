"""Jobs as values, the worker that runs them, their ends, and the protocol of an executor."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from bvas.errors import BvasError
from bvas.system.log_lines import users_line
from bvas.values.progress import Progress

JobError = BvasError | OSError | MemoryError
"""A job that raises one of these fails alone. Any other exception is a defect of the program."""
USER_ERRORS = (BvasError, OSError, MemoryError)


@dataclass(frozen=True, slots=True)
class Job:
    """A call that some worker makes; plain data, so that it travels to another process or machine."""

    name: str
    """Prefix of its log lines; unique among the jobs of a run."""
    call: Callable[..., Any]
    """A function of a module. It is called with the arguments and, last, the `Worker` that runs it."""
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Surroundings of a running job: its device, and what it shares with the jobs before and after."""

    device: str
    """`cpu`, `cuda:1`, ...; empty where the jobs need none."""
    num_workers: int
    """Workers that share the cores of this machine, this one included."""
    kept: dict[str, Any]
    """Values that a job leaves for the next ones of the same worker, such as loaded models."""
    progress: Progress


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a job: a value or an error."""

    job: Job
    value: Any = None
    """Return value of the call."""
    error: JobError | None = None
    is_lost: bool = False
    """Whether its worker was killed; another worker may succeed."""


Watch = Callable[[Job, int, int, str], None]
"""Takes the progress of a running job: units done, their total, a remark."""


class Executor(Protocol):
    """Runs jobs in its workers, each of which runs one job at a time."""

    num_workers: int

    def num_idle(self) -> int:
        """Return how many jobs can be submitted now: workers that are known to be ready, without a job.

        Raises:
            WorkerError: no worker is left.
        """
        ...

    def submit(self, job: Job) -> None:
        """Give a job to an idle worker."""
        ...

    def wait(self, seconds: float | None, watch: Watch) -> list[Ended]:
        """Return the jobs that ended, after the first one did, a message came, or the time has passed.

        Args:
            seconds: Longest wait; None where a job is running and nothing else matters.
            watch: Receives the progress of running jobs meanwhile.
        """
        ...

    def close(self) -> None:
        """End all workers, also in the middle of a job; a second call does nothing."""
        ...


MakeExecutor = Callable[[], Executor]
"""Makes the executor of a run once it is known that there is work."""


def reason_of(error: JobError) -> str:
    """Return the line about the error that a job failed with."""
    if isinstance(error, MemoryError):
        return str(error) or "memory ran out; end other programs, or use fewer processes"
    return users_line(error) or str(error)


def run_job(job: Job, worker: Worker) -> Ended:
    """Make the call of a job; return its end, with a value or the error that it failed with."""
    try:
        return Ended(job, job.call(*job.arguments, worker))
    except USER_ERRORS as error:
        return Ended(job, error=error)


def use_cores(device: str, num_workers: int) -> None:
    """Set up PyTorch in a worker: its share of the cores, and its GPU as the current one."""
    import torch

    from bvas.system.cpu_cores import num_cpus
    from bvas.system.devices import use_device

    if num_workers > 1:
        # OMP_NUM_THREADS may allow fewer.
        torch.set_num_threads(max(1, min(torch.get_num_threads(), num_cpus() // num_workers)))
    use_device(torch.device(device))
