import sys

import fake_nvc
import numpy as np
import pytest
import torch
from video_samples import make_video, numbers_in, stream_past_damage

from bvas import DecodeError, open_video
from bvas.video import nvdec
from bvas.video.cuda_side import luma_of_surface


@pytest.fixture
def fake(monkeypatch):
    """Make nvdec decode with the stand-in; call it to change the stand-in's behavior."""

    def install(**behavior):
        monkeypatch.setitem(sys.modules, "PyNvVideoCodec", fake_nvc.make_fake(**behavior))

    monkeypatch.setattr(nvdec, "CudaSide", fake_nvc.HostSide)
    monkeypatch.setattr(nvdec, "_gpu_of", lambda device, info: 0)
    install()
    return install


def luma(reader, indices):
    out = np.empty((len(indices), *reader.size), np.uint8)
    reader.read_into(indices, out)
    return out


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("a.mp4", {}),
        ("a.mkv", {"codec": "libx265"}),
        ("a.ts", {}),
        ("open.mp4", {"options": {"x264-params": "open-gop=1:keyint=12:b-adapt=0"}}),
        ("ten.mp4", {"codec": "libx265", "pixel_format": "yuv420p10le"}),
    ],
)
def test_frames_equal_those_of_the_reference_though_the_pool_is_overwritten(tmp_path, fake, name, settings):
    path = make_video(tmp_path / name, **settings)
    order = [59, 0, 31, 31, 12, 11, 13, 40, 58, 5]
    with open_video(path, "nvdec", device="cuda") as gpu, open_video(path) as cpu:
        assert gpu.backend == "nvdec"
        assert np.array_equal(luma(gpu, order), luma(cpu, order))
        assert np.array_equal(luma(gpu, range(60)), luma(cpu, range(60)))


def test_frames_passed_over_by_one_read_can_be_had_by_the_next(tmp_path, fake):
    with open_video(make_video(tmp_path / "a.mp4"), "nvdec", device="cuda") as reader:
        assert numbers_in(luma(reader, [3, 20])) == [3, 20]
        assert [numbers_in(luma(reader, [i])) for i in (21, 22, 24, 23, 19)] == [[21], [22], [24], [23], [19]]


def test_a_picture_that_the_decoder_does_not_output_is_reported_lost_and_never_replaced(tmp_path, fake):
    path = make_video(tmp_path / "a.mp4")
    with open_video(path) as reader:
        fake(lost_pts=reader.index.pts[[20, 21]].tolist())
    with open_video(path, "nvdec", device="cuda") as reader:
        with pytest.raises(DecodeError, match=r"frame 20 .*2 frame"):
            luma(reader, [20])
        numbers, lost = stream_past_damage(reader)
        assert numbers == [*range(20), *range(22, 60)]
        assert lost == [range(20, 22)]


def test_without_a_driver_nvdec_names_the_remedy_and_auto_takes_the_cpu(tmp_path, monkeypatch):
    path = make_video(tmp_path / "a.mp4", num_frames=3)
    monkeypatch.setattr(nvdec, "_gpu_of", lambda device, info: 0)

    def fail(name):
        raise RuntimeError("libnvidia-encode.so.1: cannot open shared object file\n\n=== TROUBLESHOOTING ===")

    monkeypatch.setattr(nvdec, "import_module", fail)
    with pytest.raises(DecodeError, match="NVIDIA_DRIVER_CAPABILITIES=compute,utility,video") as caught:
        open_video(path, "nvdec", device="cuda")
    assert "\n" not in str(caught.value)
    with open_video(path, device="cuda") as reader:
        assert reader.backend == "pyav"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_without_a_cuda_device_nvdec_is_refused(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=3)
    with pytest.raises(DecodeError, match="no CUDA device"):
        open_video(path, "nvdec", device="cuda")
    with pytest.raises(DecodeError, match='needs device="cuda"'):
        open_video(path, "nvdec")


def test_what_the_gpu_does_not_decode_is_refused_by_its_own_answer(tmp_path, fake):
    path = make_video(tmp_path / "a.mp4", num_frames=3)
    fake(caps={"supported": 0})
    with pytest.raises(DecodeError, match="does not decode"):
        open_video(path, "nvdec", device="cuda")
    fake(caps={"supported": 1, "width_min": 144, "width_max": 4096})
    with pytest.raises(DecodeError, match="width of 80; this GPU decodes 144 to 4096"):
        open_video(path, "nvdec", device="cuda")


def test_interlaced_video_is_refused(tmp_path, fake):
    path = make_video(tmp_path / "a.mp4", options={"x264-params": "tff=1"})
    with pytest.raises(DecodeError, match="interlaced"):
        open_video(path, "nvdec", device="cuda")


def test_the_luma_of_a_surface_is_its_upper_two_thirds_as_a_copy():
    surface = torch.arange(6 * 4, dtype=torch.uint8).reshape(6, 4)
    copy = luma_of_surface(surface)
    surface.fill_(99)
    assert copy.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]


def test_of_sixteen_bits_the_upper_eight_are_taken():
    surface = torch.tensor([[940 << 6, 64 << 6], [513 << 6, 3 << 6], [0, 0]], dtype=torch.int32).to(
        torch.uint16
    )
    assert luma_of_surface(surface).tolist() == [[235, 16], [128, 0]]


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["nasa_13013.mp4", "demo.mp4", "flipping_a_pancake.mkv", "h265_10bits.mp4"])
def test_a_gpu_gives_the_same_bytes_as_the_cpu(shared_data, name):
    path = shared_data / "videos" / name
    with open_video(path, "nvdec", device="cuda") as gpu, open_video(path) as cpu:
        last = gpu.info.num_frames - 1
        order = [last, 0, last // 2, 7, 7, last - 1, *range(20)]
        assert torch.equal(gpu.read(order).cpu(), cpu.read(order))
        assert np.array_equal(luma(gpu, order), luma(cpu, order))
