"""Executor with an actor of a Ray cluster for each worker."""

import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas import __version__
from bvas.errors import BvasError, ConfigError, WorkerError
from bvas.system.jobs.job import Ended, Job, Watch
from bvas.system.jobs.ray_actor import Hello, JobActor, versions
from bvas.system.jobs.ray_cluster import RayCalls, RaySettings, connect
from bvas.system.log_lines import first_line
from bvas.system.shared_folder import proved_locks

logger = logging.getLogger(__name__)

_LONGEST_WAIT = 1.0
_MOST_LOST_AT_START = 3


class RayExecutor:
    """The `Executor` of a Ray cluster: an actor for each worker, a job for each call.

    Only actors that have answered get jobs. A lost one costs its job, and a replacement is asked for; the others go
    on meanwhile. Log lines of jobs appear in this process, behind the name of the job. The actors end with this
    process. Paths in jobs must be absolute.
    """

    def __init__(
        self,
        ray: RayCalls,
        num_workers: int,
        *,
        device: str,
        num_gpus: float = 0.0,
        folders: Sequence[Path] = (),
        expected: dict[str, str] | None = None,
        patience: float = 600.0,
    ) -> None:
        """Ask for the actors.

        Args:
            ray: The module, connected; `close` disconnects it.
            num_workers: Actors.
            device: Device of the jobs: `cpu`, `cuda`, or empty where they need none.
            num_gpus: GPUs of each actor.
            folders: Folders that jobs write; each actor proves that they are this machine's before it gets work.
            expected: Versions that all machines must have (default: those here).
            patience: Seconds without any worker after which the run ends.
        """
        self.num_workers = num_workers
        self._ray = ray
        self._device = device
        self._num_gpus = num_gpus
        self._expected = versions() if expected is None else expected
        self._patience = patience
        self._seen_at = time.monotonic()
        self._slots: list[_Slot] = []
        self._lost_by = ""
        """Reason of the last loss at a start."""
        with ExitStack() as stack:
            stack.callback(ray.shutdown)
            self._probes = [stack.enter_context(proved_locks(folder.absolute())) for folder in folders]
            stack.callback(self._kill_all)
            self._slots = [_Slot() for _ in range(num_workers)]
            for slot in self._slots:
                self._start(slot)
            self._stack = stack.pop_all()

    def num_idle(self) -> int:
        """Return how many jobs can be submitted now: actors that have answered, without a job.

        Raises:
            WorkerError: there has been no worker for `patience` seconds, or each died several times at its start.
        """
        ready = [slot for slot in self._slots if slot.hello is not None]
        if ready:
            self._seen_at = time.monotonic()
            return sum(slot.job is None for slot in ready)
        if all(slot.actor is None for slot in self._slots):
            raise WorkerError(
                f"no worker is left: all actors were lost {_MOST_LOST_AT_START} times in a row at their start "
                f"({self._lost_by}); look at 'ray status' and Ray's log files"
            )
        if time.monotonic() - self._seen_at > self._patience:
            raise WorkerError(
                f"the Ray cluster has given no worker for {self._patience:g} seconds; look at 'ray status', and start "
                "the same command again to resume"
            )
        return 0

    def submit(self, job: Job) -> None:
        """Send a job to an idle actor."""
        slot = next(one for one in self._slots if one.hello is not None and one.job is None)
        assert slot.hello is not None
        hosts = [one.hello.host for one in self._slots if one.hello is not None]
        slot.job = job
        slot.answer = slot.actor.begin.remote(job, hosts.count(slot.hello.host))

    def wait(self, seconds: float | None, watch: Watch) -> list[Ended]:
        """Return the job that ended, after an answer of any actor or the time has passed, a second at most."""
        waiting = {slot.answer: slot for slot in self._slots if slot.answer is not None}
        longest = _LONGEST_WAIT if seconds is None else min(seconds, _LONGEST_WAIT)
        if not waiting:
            time.sleep(longest)
            return []
        ready, _ = self._ray.wait(list(waiting), timeout=longest)
        ends = [self._receive(waiting[answer], watch) for answer in ready]
        return [ended for ended in ends if ended is not None]

    def close(self) -> None:
        """End all actors, also in the middle of a job, and disconnect."""
        self._stack.close()

    def _start(self, slot: "_Slot") -> None:
        """Ask for an actor, which is alive when it answers."""
        # Ray's own retries would hide losses, and run a job beside ours.
        make = self._ray.remote(num_cpus=1, num_gpus=self._num_gpus, max_restarts=0, max_task_retries=0)
        slot.actor = make(JobActor).remote(self._device, logging.getLogger().getEffectiveLevel(), Path.cwd())
        slot.answer = slot.actor.hello.remote(self._probes)

    def _receive(self, slot: "_Slot", watch: Watch) -> Ended | None:
        """Handle an answer; return the end of a job if it is that."""
        answer, slot.answer = slot.answer, None
        job = slot.job
        try:
            said = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            if job is None:
                raise self._unfit(cause) from error
            logger.error("%s: %s", job.name, error)
            slot.job = None
            return Ended(job, error=WorkerError(f"{first_line(cause)}; its traceback is above"))
        except self._ray.exceptions.RayError as error:
            return self._lose(slot, error)
        if job is None:
            self._greet(slot, said)
            return None
        for message in said:
            match message:
                case Ended():
                    slot.job = None
                    return Ended(job, message.value, message.error)
                case logging.LogRecord():
                    message.msg = f"{job.name}: {message.msg}"
                    logging.getLogger(message.name).handle(message)
                case (done, total, note):
                    watch(job, done, total, note)
        slot.answer = slot.actor.messages.remote()
        return None

    def _greet(self, slot: "_Slot", hello: Hello) -> None:
        """Take the first answer of an actor.

        Raises:
            ConfigError: its versions are others.
        """
        for name, ours in self._expected.items():
            if hello.versions[name] != ours:
                raise ConfigError(
                    f"{hello.host} has {name} {hello.versions[name]}, this machine {ours}; install the same on all"
                )
        slot.hello, slot.num_lost_at_start = hello, 0
        logger.debug("Ray worker on %s", hello.host)

    def _lose(self, slot: "_Slot", error: Exception) -> Ended | None:
        """Replace a lost actor; return the end of its job."""
        job, hello = slot.job, slot.hello
        if hello is None:
            self._lost_by = first_line(error)
            logger.warning("a Ray actor was lost at its start: %s", self._lost_by)
        self._kill(slot)
        slot.num_lost_at_start += hello is None
        if slot.num_lost_at_start < _MOST_LOST_AT_START:
            self._start(slot)
        else:
            logger.error("a Ray actor was lost %d times at its start; it is given up", _MOST_LOST_AT_START)
        if hello is not None:
            # Idle actors of the same machine may be lost too: they get jobs once they have answered again.
            for other in self._slots:
                if other.hello is not None and other.job is None and other.hello.host == hello.host:
                    other.hello, other.answer = None, other.actor.hello.remote(self._probes)
        if job is None or hello is None:
            return None
        text = f"its worker on {hello.host} was lost ({first_line(error)})"
        return Ended(job, error=WorkerError(text), is_lost=True)

    def _kill(self, slot: "_Slot") -> None:
        # One that cannot be reached may be alive.
        with suppress(self._ray.exceptions.RayError):
            if slot.actor is not None:
                self._ray.kill(slot.actor)
        slot.actor = slot.answer = slot.hello = slot.job = None

    def _kill_all(self) -> None:
        for slot in self._slots:
            self._kill(slot)

    def _unfit(self, cause: BaseException) -> BvasError:
        """Return the error of an actor that answered that it cannot work."""
        if isinstance(cause, BvasError):
            return cause
        return ConfigError(
            f"a worker of the Ray cluster cannot start ({first_line(cause)}); install bvas {__version__} "
            "on every machine"
        )


@dataclass(slots=True, eq=False)
class _Slot:
    """A worker: its actor, and the answer that is awaited."""

    actor: Any = None
    answer: Any = None
    hello: Hello | None = None
    """None until it has answered."""
    job: Job | None = None
    num_lost_at_start: int = 0
    """In a row."""


def join_ray(settings: RaySettings, *, device: str, folders: Sequence[Path]) -> RayExecutor:
    """Connect to a cluster, and ask for workers.

    Args:
        settings: The cluster.
        device: As `RayExecutor` takes it.
        folders: Folders that jobs write.

    Raises:
        ConfigError: as `connect`.
        DataError: a folder cannot be written, or has no locks.
    """
    ray, num_workers = connect(settings)
    return RayExecutor(ray, num_workers, device=device, num_gpus=settings.num_gpus, folders=folders)
