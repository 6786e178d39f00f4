"""Workers that die, hang or are interrupted: every clip comes all the same, and nothing stays behind."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from loading_videos import SIZE, labelled, read_job

from bvas.errors import DataError, WorkerError
from bvas.loading import job_queue as dispatch
from bvas.loading import shared_slots as shared
from bvas.loading.clip_requests import FixedClips
from bvas.loading.loader import ClipLoader
from bvas.loading.worker import WorkerSettings
from bvas.loading.worker_pool import WorkerPool
from bvas.values.clip_config import ClipConfig

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
DEV_SHM = Path("/dev/shm")
needs_dev_shm = pytest.mark.skipif(not DEV_SHM.is_dir(), reason="no /dev/shm")


def alive(process_id):
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(process_ids, seconds=5.0):
    deadline = time.monotonic() + seconds
    while any(alive(process_id) for process_id in process_ids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(alive(process_id) for process_id in process_ids)


def num_read(loader):
    return sum(worker.clips for worker in loader.stats.workers.values())


@pytest.fixture
def disturb():
    """Return a function that sends signals to random workers at random moments, from a thread."""
    stops = []

    def start(loader, signals, *, every_seconds=0.15, seed=0):
        done = []
        stop = threading.Event()

        def run():
            random = np.random.default_rng(seed)
            for number in signals:
                # However slow the machine is: workers that are hit before they did anything prove nothing.
                before = num_read(loader)
                while not stop.wait(random.uniform(0.2, 1.8) * every_seconds) and num_read(loader) == before:
                    pass
                if stop.is_set():
                    return
                process_ids = list(loader.process_ids.values())
                if process_ids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process_ids[random.integers(len(process_ids))], number)
                        done.append(number)

        thread = threading.Thread(target=run)
        thread.start()
        stops.append((stop, thread))
        return thread, done

    yield start
    for stop, thread in stops:
        stop.set()
        thread.join()


def seeds_of(batch):
    return batch.seeds.tolist()


def content(batch):
    return seeds_of(batch), batch.frames.numpy().tobytes()


@needs_signals
@pytest.mark.parametrize(
    ("signals", "every_seconds", "timeout"),
    [
        ([signal.SIGKILL] * 5, 0.15, 60.0),
        ([signal.SIGSTOP], 1.5, 1.0),
        pytest.param([signal.SIGKILL] * 20, 0.15, 60.0, marks=pytest.mark.slow),
        pytest.param([signal.SIGSTOP] * 3, 1.5, 1.0, marks=pytest.mark.slow),
    ],
    ids=["5 kills", "1 hang", "20 kills", "3 hangs"],
)
def test_clips_come_once_and_in_order_although_workers_end_at_random_moments(
    make_clips, open_loader, disturb, monkeypatch, signals, every_seconds, timeout
):
    # Here it is never the clips' fault.
    monkeypatch.setattr(dispatch, "MAX_STRIKES", len(signals) + 1)
    clips = make_clips("first.mp4", "second.mkv", num_clips=200)
    quiet = open_loader(clips, workers={})
    expected = [[content(batch) for batch in quiet.epoch(epoch)] for epoch in range(2)]
    loader = open_loader(clips, workers={"pyav": 2}, timeout_seconds=timeout)
    first = loader.process_ids
    next(loader.epoch(0))
    thread, done = disturb(loader, signals, every_seconds=every_seconds)
    epoch = 0
    while thread.is_alive() or epoch < 2:
        assert [content(batch) for batch in loader.epoch(epoch % 2)] == expected[epoch % 2]
        epoch += 1
    assert len(done) >= len(signals) - 2
    # One that was hit twice is replaced once.
    assert loader.stats.restarts >= len(done) // 2
    last = loader.process_ids
    loader.close()
    assert wait_until_gone([*first.values(), *last.values()])


@needs_signals
def test_a_replacement_is_at_work_soon(make_clips, open_loader):
    loader = open_loader(make_clips("first.mp4", num_clips=5000), workers={"pyav": 1})
    epoch = loader.epoch(0)
    next(epoch)
    before = loader.process_ids["pyav-0"]
    started = time.monotonic()
    os.kill(before, signal.SIGKILL)
    clips_then = loader.stats.workers["pyav-0"].clips
    while loader.process_ids.get("pyav-0", before) == before or (
        loader.stats.workers["pyav-0"].clips <= clips_then + 200
    ):
        next(epoch)
    # 2 s on an idle machine with two cores; the rest is for busy ones.
    assert time.monotonic() - started < 10.0
    assert loader.stats.restarts == 1


class HangingFrames:
    """Slots that take forever to be found, as a disk that does not respond."""

    clip_shape, frame_size = (5, 32, 128), (32, 128)

    def slot(self, number):
        time.sleep(100)


@pytest.mark.slow
@needs_signals
def test_clips_that_three_workers_hang_at_are_an_error_that_names_them():
    settings = WorkerSettings(frames=HangingFrames())
    # A worker may take seconds to start; a hanging read has half a second.
    pool = WorkerPool({"pyav": 1}, settings, timeout_seconds=0.5, start_seconds=60.0)
    try:
        pool.submit([read_job(1, [3, 4], range(10), path="slow.mp4")])
        error = pool.next_result().failure.error
        assert isinstance(error, WorkerError)
        assert "3 workers ended while loading clips at frames 30 to 40 of slow.mp4" in str(error)
        assert "slow.mp4: gave no result for 0.5 s" in str(error)
        # The pool starts the third replacement after it has given the result.
        deadline = time.monotonic() + 10.0
        while pool.num_restarts < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert pool.num_restarts == 3
    finally:
        pool.close()


class Fatal:
    """What ends the process that it is sent to, or keeps it from ever being ready."""

    clip_shape = (5, 32, 128)

    def __init__(self, call, argument):
        self.call, self.argument = call, argument

    def __reduce__(self):
        return self.call, (self.argument,)


@pytest.mark.parametrize(
    ("fatal", "seconds", "reason"),
    [
        (Fatal(os._exit, 3), 60.0, "died, exit code 3"),
        (Fatal(time.sleep, 100), 0.5, r"was not ready after 0\.5 s"),
    ],
)
def test_workers_that_never_start_are_an_error_and_not_started_for_ever(fatal, seconds, reason):
    settings = WorkerSettings(frames=fatal)
    pool = WorkerPool({"pyav": 1}, settings, timeout_seconds=60.0, start_seconds=seconds)
    try:
        with pytest.raises(WorkerError, match=f"workers end before they can work; worker pyav-0 .*{reason}"):
            pool.next_result()
        assert pool.num_restarts == 2
    finally:
        pool.close()


def test_an_unknown_fault_keeps_its_type_and_says_where_it_was(open_loader, barcode_folder):
    # A grid that is longer than its video, as after a file was replaced.
    video = labelled(1000, path=barcode_folder / "first.mp4")
    loader = open_loader(FixedClips([video], ClipConfig(), [[900]]), workers={"pyav": 1})
    with pytest.raises(IndexError) as caught:
        list(loader.epoch(0))
    notes = "\n".join(caught.value.__notes__)
    assert "while loading clip at frame" in notes
    assert "read_into" in notes


@needs_signals
def test_closing_ends_the_workers_even_in_the_middle_of_an_epoch(make_clips, open_loader):
    loader = open_loader(make_clips("first.mp4", num_clips=5000), workers={"pyav": 2})
    next(loader.epoch(0))
    process_ids = loader.process_ids
    loader.close()
    loader.close()
    assert wait_until_gone(process_ids.values())
    with pytest.raises(WorkerError, match="the loader is closed"):
        next(loader.epoch(0))


@needs_signals
@pytest.mark.parametrize("ending", ["an exception", "a break", "garbage collection"])
def test_no_process_is_left_when_a_loop_ends(make_clips, ending):
    clips = make_clips("first.mp4", num_clips=5000)
    process_ids = []

    def load():
        loader = ClipLoader(clips, 4, size=SIZE, workers={"pyav": 2})
        process_ids.extend(loader.process_ids.values())
        if ending == "garbage collection":
            next(loader.epoch(0))
            return
        with loader:
            for _ in loader.epoch(0):
                if ending == "a break":
                    break
                raise KeyError("the training step's own fault")

    if ending == "an exception":
        with pytest.raises(KeyError):
            load()
    else:
        load()
    gc.collect()
    assert len(process_ids) == 2
    assert wait_until_gone(process_ids)


SCRIPT = """
import sys
import time
from bvas.values.clip_config import ClipConfig
from bvas.loading.labelled_video import label_video
from bvas.loading.loader import ClipLoader
from bvas.loading.clip_requests import TrainingClips
from bvas.values.annotations import LabelSet

print("main", flush=True)
video = label_video(sys.argv[1], [], LabelSet(("PASS",)), 25)
clips = TrainingClips([video], ClipConfig())
loader = ClipLoader(clips, 4, size=(32, 128), workers={"pyav": 2})
for number, batch in enumerate(loader.epoch(0)):
    if number == 0:
        print(*loader.process_ids.values(), flush=True)
    time.sleep(0.01)
"""


@pytest.fixture
def running_script(barcode_folder, tmp_path):
    """A program without `if __name__ == "__main__"` that loads clips, and the process ids of its workers."""
    script = tmp_path / "program.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script), str(barcode_folder / "first.mp4")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "main\n"
    yield process, [int(word) for word in process.stdout.readline().split()]
    process.kill()
    process.communicate()


@needs_signals
@needs_dev_shm
@pytest.mark.parametrize("to", ["the terminal", "the parent", "the parent of a stopped worker"])
def test_nothing_is_left_of_a_program_that_is_ended(running_script, to):
    before = set(DEV_SHM.iterdir())
    process, process_ids = running_script
    assert len(process_ids) == 2
    if to == "the terminal":
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=10)
        assert output == ""  # the workers did not run the program again
        assert errors.count("KeyboardInterrupt") == 1  # the parent's, and no worker's
    else:
        if to == "the parent of a stopped worker":
            os.kill(process_ids[0], signal.SIGSTOP)
        process.kill()
    assert wait_until_gone(process_ids, seconds=5.0)
    left = {path.name for path in set(DEV_SHM.iterdir()) - before}
    assert not {name for name in left if name.startswith(("bvas", "pym-"))}


def test_a_worker_imports_no_torch(barcode_folder):
    program = f"""
import sys
import numpy as np
import bvas.loading.worker
from bvas.loading.open_videos import OpenVideos
from loading_videos import read_job
for backend in ("pyav", "opencv"):
    videos = OpenVideos(backend, {SIZE})
    job = read_job(0, [0], range(5), path={str(barcode_folder / "first.mp4")!r})
    assert videos.read(job, np.empty((1, 5, *{SIZE}), np.uint8)).failure is None
    videos.close()
packages = {{name.split(".")[0] for name in sys.modules}}
print(sorted(packages & {{"torch", "timm", "kornia", "scipy", "matplotlib"}}))
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (result.stdout, result.stderr) == ("[]\n", "")


def test_too_little_shared_memory_says_how_to_go_on(monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(DataError, match=r"221 MB of shared memory for 16 clips.*--shm-size"):
        shared.SharedFrames(16, (15, 720, 1280))


def test_slots_are_views_of_one_memory():
    frames = shared.SharedFrames(3, (2, 4, 6))
    frames.slot(1)[...] = 7
    assert [int(frames.slot(number).sum()) for number in range(3)] == [0, 7 * 48, 0]
