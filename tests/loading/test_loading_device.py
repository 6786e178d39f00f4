"""The way of frames that a GPU has decoded, with tensors on the CPU in place of GPU memory."""

import numpy as np
import pytest
import torch
from fake_device import SlotsOfTensors
from loading_videos import labelled, read_job

from bvas.errors import DataError
from bvas.loading import open_videos as readers
from bvas.loading.clip_batch import BatchMaker
from bvas.loading.clip_requests import ClipRequest
from bvas.loading.open_videos import OpenVideos
from bvas.loading.shared_slots import SharedFrames
from bvas.loading.worker import WorkerSettings, do_job

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
    monkeypatch.setattr(readers, "open_video", lambda *_, **__: DeviceDecoder())
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
