"""Make halves in parallel processes that never outlive their parent."""

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from bvas.errors import BvasError, WorkerError
from bvas.synthetic.events import PlayEvent
from bvas.synthetic.half import HalfTask, write_half
from bvas.system.child_processes import interrupts_held, start_quietly

Finished = Callable[[int, tuple[PlayEvent, ...]], None]

_STOP_SECONDS = 5.0


def write_halves(
    tasks: Sequence[HalfTask], *, jobs: int, progress: Callable[[int], None], finished: Finished
) -> None:
    """Write the videos of `tasks`, `jobs` at a time.

    Args:
        tasks: What to make, in the order in which it is begun.
        jobs: Processes at a time; 1 makes all of it in this process.
        progress: Called with the number of frames written since the last call.
        finished: Called with the rank of a task and its events when its video is complete.

    Raises:
        DataError: the disk is full or a folder not writable.
        WorkerError: a process died.

    After an exception, Ctrl-C included, no process runs any more; what they left half-made is the caller's.
    """
    if jobs == 1:
        for number, task in enumerate(tasks):
            finished(number, write_half(task, progress))
        return
    running: dict[Connection, tuple[int, BaseProcess]] = {}
    waiting = list(enumerate(tasks))
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                number, task = waiting.pop(0)
                with interrupts_held():
                    inbox, process = _start(task)
                    running[inbox] = (number, process)
            ready = wait(list(running))
            for inbox in [inbox for inbox in running if inbox in ready]:
                number, process = running[inbox]
                message = _receive(inbox, process, tasks[number])
                if isinstance(message, int):
                    progress(message)
                    continue
                del running[inbox]
                inbox.close()
                process.join()
                if isinstance(message, BaseException):
                    message.add_note(f"while writing {tasks[number].path.name}")
                    raise message
                finished(number, message)
    finally:
        with interrupts_held():
            _stop(running)


def _stop(running: dict[Connection, tuple[int, BaseProcess]]) -> None:
    for _, process in running.values():
        process.terminate()
    for inbox, (_, process) in running.items():
        process.join(_STOP_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        inbox.close()


def _start(task: HalfTask) -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("spawn")
    inbox, outbox = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(task, outbox), daemon=True)
    start_quietly(process)
    # Only the child holds the other end now: its death is an end of file here.
    outbox.close()
    return inbox, process


def _receive(
    inbox: Connection, process: BaseProcess, task: HalfTask
) -> int | tuple[PlayEvent, ...] | BaseException:
    try:
        message: int | tuple[PlayEvent, ...] | BaseException = inbox.recv()
    except EOFError:
        process.join()
        raise WorkerError(
            f"the process that wrote {task.path} died with exit code {process.exitcode}; "
            "if memory ran out, use fewer jobs or a smaller size"
        ) from None
    return message


def _work(task: HalfTask, outbox: Connection) -> None:
    """Run in the child. If the parent is gone, `send` raises, and the video is dropped."""
    # Ctrl-C reaches the whole group of processes; the parent decides what becomes of us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        events = write_half(task, outbox.send)
    except BrokenPipeError:
        return
    except BvasError as error:
        outbox.send(error)
        return
    outbox.send(events)
