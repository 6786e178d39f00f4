"""Workers that die, hang or are interrupted: the loader says so in time, and nothing stays behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from loading_videos import SIZE, labelled

from bvas.clips import ClipConfig
from bvas.errors import DataError, WorkerError
from bvas.loading import shared
from bvas.loading.requests import FixedClips

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


@needs_signals
def test_a_killed_worker_is_an_error_in_time_and_takes_the_others_along(make_clips, open_loader):
    loader = open_loader(make_clips("first.mp4", num_clips=5000), workers={"pyav": 2})
    epoch = loader.epoch(0)
    next(epoch)
    process_ids = loader.process_ids
    os.kill(process_ids["pyav-1"], signal.SIGKILL)
    started = time.monotonic()
    with pytest.raises(WorkerError, match=r"worker pyav-1 \(backend pyav\) died .*SIGKILL"):
        for _ in epoch:
            pass
    assert time.monotonic() - started < 5.0
    assert wait_until_gone(process_ids.values())
    with pytest.raises(WorkerError, match="pyav-1"):
        next(loader.epoch(1))


@needs_signals
def test_a_worker_that_gives_no_answer_is_an_error_after_the_timeout(make_clips, open_loader):
    loader = open_loader(make_clips("first.mp4", num_clips=5000), workers={"pyav": 1}, timeout_seconds=3.0)
    epoch = loader.epoch(0)
    next(epoch)
    process_ids = loader.process_ids
    os.kill(process_ids["pyav-0"], signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(WorkerError, match=r"pyav-0 .* gave no answer for 3 s while loading clip at frame"):
        for _ in epoch:
            pass
    assert 2.0 < time.monotonic() - started < 10.0
    assert wait_until_gone(process_ids.values())


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


SCRIPT = """
import sys
import time
from bvas.clips import ClipConfig
from bvas.loading.dataset import label_video
from bvas.loading.loader import ClipLoader
from bvas.loading.requests import TrainingClips
from bvas.spots import LabelSet

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
@pytest.mark.parametrize("to", ["the terminal", "the parent"])
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
        process.kill()
    assert wait_until_gone(process_ids)
    left = {path.name for path in set(DEV_SHM.iterdir()) - before}
    assert not {name for name in left if name.startswith(("bvas", "pym-"))}


def test_a_worker_imports_no_torch(barcode_folder):
    program = f"""
import sys
import numpy as np
import bvas.loading.worker
from bvas.loading.jobs import ReadJob
from bvas.loading.readers import Readers
from pathlib import Path
for backend in ("pyav", "opencv"):
    readers = Readers(backend, {SIZE})
    job = ReadJob(0, Path({str(barcode_folder / "first.mp4")!r}), 0, (5,), np.arange(5))
    assert readers.read(job, np.empty((1, 5, *{SIZE}), np.uint8)).failure is None
    readers.close()
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

    monkeypatch.setattr(shared.os, "posix_fallocate", refuse)
    with pytest.raises(DataError, match=r"221 MB of shared memory for 16 clips.*--shm-size"):
        shared.SharedFrames(16, (15, 720, 1280))


def test_slots_are_views_of_one_memory():
    frames = shared.SharedFrames(3, (2, 4, 6))
    frames.slots(1, 1)[...] = 7
    assert frames.slots(0, 3).reshape(3, -1).sum(axis=1).tolist() == [0, 7 * 48, 0]
