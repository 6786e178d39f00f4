import pytest
import torch

pytestmark = pytest.mark.gpu


def test_batches_on_the_gpu_hold_what_those_on_the_cpu_hold(clips, open_loader):
    on_cpu = open_loader(clips, workers={}).epoch(0)
    on_gpu = open_loader(clips, workers={"pyav": 1}, device="cuda").epoch(0)
    for expected, batch in zip(on_cpu, on_gpu, strict=True):
        assert batch.frames.device.type == batch.targets.device.type == "cuda"
        assert torch.equal(batch.frames.cpu(), expected.frames)
        assert torch.equal(batch.targets.cpu(), expected.targets)


def test_gpu_decoders_beside_cpu_decoders_give_the_same_batches(clips, open_loader):
    expected = list(open_loader(clips, workers={}).epoch(0))
    mixed = open_loader(clips, workers={"nvdec": 1, "pyav": 1}, device="cuda")
    for want, got in zip(expected, mixed.epoch(0), strict=True):
        assert torch.equal(got.frames.cpu(), want.frames)
