import gc

import pytest
import torch

from bvas.loading.device_slots import DeviceFrames

pytestmark = pytest.mark.gpu


def test_batches_on_the_gpu_hold_what_those_on_the_cpu_hold(clips, open_loader):
    on_cpu = open_loader(clips, workers={}).epoch(0)
    on_gpu = open_loader(clips, workers={"pyav": 1}, device="cuda").epoch(0)
    for expected, batch in zip(on_cpu, on_gpu, strict=True):
        assert batch.frames.device.type == batch.targets.device.type == "cuda"
        assert torch.equal(batch.frames.cpu(), expected.frames)
        assert torch.equal(batch.targets.cpu(), expected.targets)


@pytest.mark.parametrize(
    "workers", [{"nvdec": 2}, {"nvdec": 2, "opencv": 2}, {"nvdec": 1, "pyav": 1}], ids=str
)
@pytest.mark.parametrize("buffer", [64, 0])
def test_gpu_decoders_beside_cpu_decoders_give_the_same_batches(clips, open_loader, workers, buffer):
    expected = list(open_loader(clips, workers={}, shuffle_buffer_clips=buffer).epoch(0))
    mixed = open_loader(clips, workers=workers, device="cuda", shuffle_buffer_clips=buffer)
    for want, got in zip(expected, mixed.epoch(0), strict=True):
        assert torch.equal(got.frames.cpu(), want.frames)
    assert mixed.stats.moved == 0
    assert sum(worker.clips for name, worker in mixed.stats.workers.items() if name.startswith("nvdec")) > 0


def test_frames_of_gpu_decoders_come_through_device_memory(clips, open_loader):
    loader = open_loader(clips, workers={"nvdec": 1}, device="cuda")
    for number in range(loader._frames.num_slots):
        loader._frames.slot(number)[...] = 0
    assert all(batch.frames.float().mean() > 10 for batch in loader.epoch(0))
    assert not any(loader._frames.slot(number).any() for number in range(loader._frames.num_slots))


def test_a_closed_loader_gives_its_gpu_memory_back(clips, open_loader):
    torch.cuda.synchronize()
    gc.collect()
    free_before = torch.cuda.mem_get_info()[0]
    frames = DeviceFrames(64, (16, 1024, 1024), 0)  # 1 GB
    assert free_before - torch.cuda.mem_get_info()[0] > 900e6
    frames.slot(63).fill_(7)
    frames.complete()
    assert int(frames.slot(63).max()) == 7
    frames.close()
    assert free_before - torch.cuda.mem_get_info()[0] < 100e6
