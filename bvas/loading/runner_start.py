"""Start of a loader's job runner, with a cache folder for video indices that its workers can write."""

import logging
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bvas.loading.device_slots import AttachedFrames
from bvas.loading.in_process_runner import InProcessRunner
from bvas.loading.shared_slots import SharedFrames
from bvas.loading.worker import WorkerSettings
from bvas.loading.worker_pool import WorkerPool
from bvas.system.cache_folder import cache_folder, fault_of_writing
from bvas.values.input_format import InputFormat

logger = logging.getLogger(__name__)

JobRunner = WorkerPool | InProcessRunner
"""Does read jobs in any order: in worker processes, or in this process."""


def start_runner(
    workers: Mapping[str, int],
    frames: SharedFrames,
    device_frames: AttachedFrames | None,
    stack: ExitStack,
    *,
    form: InputFormat,
    gpu: str,
    timeout_seconds: float,
) -> JobRunner:
    """Return a pool of workers, or an in-process runner if `workers` is empty.

    Args:
        workers: Processes of each backend.
        frames: Slots in host memory.
        device_frames: Slots on the GPU, if any.
        stack: Receives the callbacks that close it.
        form: Form that frames are brought to.
        gpu: Device that `nvdec` decodes on.
        timeout_seconds: Longest time for one read of a worker.
    """
    runner: JobRunner
    if workers:
        settings = WorkerSettings(
            frames=frames, form=form, device_frames=device_frames, gpu=gpu, cache_home=_index_cache(stack)
        )
        runner = WorkerPool(workers, settings, timeout_seconds=timeout_seconds)
    else:
        runner = InProcessRunner(frames, form)
    stack.callback(runner.close)
    return runner


def _index_cache(stack: ExitStack) -> Path | None:
    """Return a folder that lives as long as the stack, or None where the user's own cache is writable.

    Without a cache each worker would scan each video whenever it opens it.
    """
    folder = cache_folder()
    if folder is not None and fault_of_writing(folder / "index") is None:
        return None
    made = tempfile.TemporaryDirectory(prefix="bvas-index-", ignore_cleanup_errors=True)
    logger.info("the cache folder %s is not writable; workers use %s", folder, made.name)
    return Path(stack.enter_context(made))
