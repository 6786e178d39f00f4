"""The way of frames that a GPU has decoded, with tensors on the CPU in place of GPU memory."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from fake_device import SlotsOfTensors
from loading_videos import labelled, read_job

from bvas.errors import DataError
from bvas.loading import open_videos
from bvas.loading.clip_batch import BatchMaker
from bvas.loading.clip_requests import ClipRequest
from bvas.loading.open_videos import OpenVideos
from bvas.loading.shared_slots import SharedFrames
from bvas.loading.worker import WorkerSettings, do_job
from bvas.system import cuda_driver

SHAPE = (2, 4, 6)


class DeviceDecoder:
    """Writes the number of each frame into tensors; has no other way."""

    num_decoded = 0

    def read_to(self, indices, outs):
        for index, out in zip(indices, outs, strict=True):
            out.fill_(index)

    def close(self):
        pass


@pytest.fixture
def nvdec(monkeypatch):
    monkeypatch.setattr(open_videos, "open_video", lambda *_, **__: DeviceDecoder())
    return OpenVideos("nvdec", SHAPE[1:])


def job_for(slots, indices, **options):
    return read_job(1, slots, indices, **options)


def test_a_gpu_worker_writes_into_device_slots_and_waits_before_it_results(nvdec):
    slots = SlotsOfTensors(4, SHAPE)
    settings = WorkerSettings(frames=SharedFrames(4, SHAPE), device_frames=slots)
    result = do_job(job_for((3, 1), [7, 8, 9, 10]), nvdec, settings)
    assert result.failure is None
    assert result.on_device
    assert slots.num_waits == 1
    assert slots.frames[:, :, 0, 0].tolist() == [[0, 0], [9, 10], [0, 0], [7, 8]]
    assert not settings.frames.slot(1).any()


def test_frames_kept_for_a_chain_stay_on_the_device(nvdec):
    slots = SlotsOfTensors(2, SHAPE)
    settings = WorkerSettings(frames=SharedFrames(2, SHAPE), device_frames=slots)
    do_job(job_for((0,), [1, 3], chain=4, keep=np.array([2])), nvdec, settings)
    slots.frames.zero_()
    do_job(job_for((1,), [2, 4], chain=4), nvdec, settings)
    assert slots.frames[1, :, 0, 0].tolist() == [2, 4]


def test_device_memory_that_cannot_be_opened_leaves_the_job_to_others(nvdec):
    class Gone:
        def slot(self, number):
            raise DataError("the CUDA driver refuses cuIpcOpenMemHandle: CUDA_ERROR_INVALID_CONTEXT")

    settings = WorkerSettings(frames=SharedFrames(2, SHAPE), device_frames=Gone())
    result = do_job(job_for((0,), [1, 3]), nvdec, settings)
    assert result.failure.kind == "unread"
    assert not result.on_device


def test_only_gpu_workers_are_given_device_memory():
    settings = WorkerSettings(frames=SharedFrames(1, SHAPE), device_frames=SlotsOfTensors(1, SHAPE))
    assert settings.of("nvdec").device_frames is settings.device_frames
    assert settings.of("pyav").device_frames is None


def test_a_batch_is_gathered_from_host_and_device_slots_and_owns_its_frames():
    device_slots, host_slots = SlotsOfTensors(2, SHAPE), SharedFrames(2, SHAPE)
    device_slots.frames[1] = 5
    host_slots.slot(0)[...] = 9
    request = ClipRequest(0, 3, np.arange(2), np.zeros(2, np.float32), 11)
    sources = [device_slots.slot(1), host_slots.slot(0), device_slots.slot(1)]
    batch = BatchMaker(torch.device("cpu")).make(sources, [request] * 3, [labelled(10)])
    device_slots.frames.zero_()
    host_slots.slot(0)[...] = 0
    assert batch.frames.shape == (3, *SHAPE)
    assert batch.frames[:, 1, 2, 3].tolist() == [5, 9, 5]
    assert batch.seeds.tolist() == [11, 11, 11]


class FakeRuntime:
    """`torch.cuda.cudart()` that locks up to a number of bytes."""

    def __init__(self, limit):
        self.limit = limit
        self.locked = {}

    def cudaHostRegister(self, address, num_bytes, flags):  # noqa: N802
        if num_bytes > self.limit:
            return 2
        self.locked[address] = (num_bytes, flags)
        return 0

    def cudaHostUnregister(self, address):  # noqa: N802
        del self.locked[address]
        return 0

    def cudaGetErrorString(self, code):  # noqa: N802
        return "out of memory"


@pytest.fixture
def runtime(monkeypatch):
    runtime = FakeRuntime(limit=100)
    monkeypatch.setattr(torch.cuda, "cudart", lambda: runtime)
    monkeypatch.setattr(cuda_driver, "current_context", lambda gpu: nullcontext())
    return runtime


def test_host_slots_are_locked_through_torch_and_unlocked(runtime):
    frames = SharedFrames(2, SHAPE)
    unlock = frames.lock_pages(0)
    # 2 clips of 2 x 4 x 6 bytes, locked for all contexts.
    assert list(runtime.locked.values()) == [(96, 1)]
    assert list(runtime.locked) == [frames.slot(0).ctypes.data]
    unlock()
    assert runtime.locked == {}


def test_memory_that_cannot_be_locked_is_an_error_that_clears_the_runtimes_own(runtime, monkeypatch):
    def next_launch(*_, **__):
        launches.append(1)
        raise RuntimeError("CUDA error: out of memory")

    launches = []
    monkeypatch.setattr(torch, "zeros", next_launch)
    with pytest.raises(DataError, match="cannot lock 0 MB of host memory: out of memory"):
        SharedFrames(3, SHAPE).lock_pages(0)
    assert launches == [1]
