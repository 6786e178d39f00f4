from concurrent.futures import ThreadPoolExecutor

import fake_nvc
import numpy as np
import pytest
import torch
from fake_nvc import HostDecoder
from video_samples import HEIGHT, WIDTH, make_video, numbers_in, stream_past_damage

from bvas import DecodeError, open_video
from bvas.video import nvidia
from bvas.video.backends import nvdec
from bvas.video.cuda_decoder import luma_of_surface
from bvas.video.pool import DecoderPool
from bvas.video.writer import VideoWriter


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


def test_frames_may_go_to_tensors_of_the_caller_and_are_counted(tmp_path, fake):
    path = make_video(tmp_path / "a.mp4")
    frames = torch.zeros((3, HEIGHT, WIDTH), dtype=torch.uint8)
    with open_video(path, "nvdec", device="cuda") as reader:
        reader.read_to([20, 5, 20], [frames[2], frames[0], frames[1]])
        assert reader.num_decoded >= 21
    assert numbers_in(frames.numpy()) == [5, 20, 20]


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
    monkeypatch.setattr(nvdec, "gpu_of", lambda device, info: 0)

    def fail(name):
        raise RuntimeError("libnvidia-encode.so.1: cannot open shared object file\n\n=== TROUBLESHOOTING ===")

    monkeypatch.setattr(nvidia, "import_module", fail)
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


def test_a_decoder_goes_on_with_the_next_file_of_its_kind_that_is_no_larger(tmp_path, fake):
    large, small, deep = (
        make_video(tmp_path / "large.mp4", num_frames=20),
        make_video(tmp_path / "small.mkv", num_frames=20, size=(40, 72)),
        make_video(tmp_path / "deep.mp4", num_frames=20, pixel_format="yuv420p10le"),
    )
    pool = DecoderPool(max_idle=2)
    # Each needs: a new one; the first one's; one of another depth; the first one's again.
    for path, num_made in ((large, 1), (small, 1), (deep, 2), (large, 2)):
        with open_video(path, "nvdec", device="cuda", pool=pool) as gpu, open_video(path) as cpu:
            assert np.array_equal(luma(gpu, [19, 0, 7]), luma(cpu, [19, 0, 7]))
        assert len(HostDecoder.made) == num_made, path.name
    assert all(decoder.is_open for decoder in HostDecoder.made)
    pool.close()
    assert not any(decoder.is_open for decoder in HostDecoder.made)


def test_a_decoder_too_small_for_the_next_file_stays_for_others(tmp_path, fake):
    small = make_video(tmp_path / "small.mp4", num_frames=5, size=(40, 72))
    large = make_video(tmp_path / "large.mp4", num_frames=5)
    pool = DecoderPool()
    for path in (small, large, small):
        with open_video(path, "nvdec", device="cuda", pool=pool) as gpu, open_video(path) as cpu:
            assert np.array_equal(luma(gpu, [4]), luma(cpu, [4]))
    assert [decoder.size for decoder in HostDecoder.made] == [(40, 72), (48, 80)]


def test_a_kept_decoder_that_fails_with_another_file_is_replaced_by_a_new_one(tmp_path, fake, caplog):
    path = make_video(tmp_path / "a.mp4", num_frames=5)
    pool = DecoderPool()
    open_video(path, "nvdec", device="cuda", pool=pool).close()
    with open_video(path, "nvdec", device="cuda", pool=pool) as reader:
        reader.read_into([0], np.empty((1, *reader.size), np.uint8))

    def fail(packet):
        raise fake_nvc.PyNvVCException("Reconfigure Not supported when width/height > maxwidth/maxheight")

    HostDecoder.made[0]._decoder.Decode = fail
    with caplog.at_level("INFO"), open_video(path, "nvdec", device="cuda", pool=pool) as reader:
        assert numbers_in(luma(reader, [3])) == [3]
    assert "gets a decoder of its own" in caplog.text
    assert [decoder.is_open for decoder in HostDecoder.made] == [False, True]


def test_without_a_pool_a_decoder_ends_with_its_reader(tmp_path, fake):
    with open_video(make_video(tmp_path / "a.mp4", num_frames=5), "nvdec", device="cuda") as reader:
        luma(reader, [0])
    assert [decoder.is_open for decoder in HostDecoder.made] == [False]


@pytest.mark.gpu
def test_one_decoder_reads_720_then_718_then_1080_rows_on_a_gpu(tmp_path):
    pool = DecoderPool()
    for height, width in ((720, 1280), (718, 1280), (1080, 1920), (720, 1280)):
        path = tmp_path / f"{height}.mp4"
        if not path.exists():
            bars = np.arange(width) // 40 % 2 * 160 + 40
            with VideoWriter(path, size=(height, width), rate=25, keyframe_interval=8) as writer:
                for number in range(24):
                    row = np.roll(bars, 8 * number).astype(np.uint8)
                    writer.write(np.broadcast_to(row, (height, width)).copy())
        with open_video(path, "nvdec", device="cuda", pool=pool) as gpu, open_video(path) as cpu:
            assert torch.equal(gpu.read([23, 0, 11, 12]).cpu(), cpu.read([23, 0, 11, 12])), height
    pool.close()


@pytest.mark.gpu
def test_eight_readers_at_once_in_threads_of_one_process(shared_data):
    path = shared_data / "videos/nasa_13013.mp4"
    with open_video(path) as cpu:
        wanted = cpu.read(range(0, 320, 7))

    def read_all(start):
        order = list(range(start, 46)) + list(range(start))
        with open_video(path, "nvdec", device="cuda") as reader:
            return torch.equal(reader.read([7 * i for i in order]).cpu(), wanted[order])

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(read_all, range(8)))


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["nasa_13013.mp4", "demo.mp4", "flipping_a_pancake.mkv", "h265_10bits.mp4"])
def test_a_gpu_gives_the_same_bytes_as_the_cpu(shared_data, name):
    path = shared_data / "videos" / name
    with open_video(path, "nvdec", device="cuda") as gpu, open_video(path) as cpu:
        last = gpu.info.num_frames - 1
        order = [last, 0, last // 2, 7, 7, last - 1, *range(20)]
        assert torch.equal(gpu.read(order).cpu(), cpu.read(order))
        assert np.array_equal(luma(gpu, order), luma(cpu, order))


@pytest.mark.parametrize(("caps", "num"), [({}, 1), ({"num_decoder_engines": 7}, 7)])
def test_a_gpu_tells_how_many_decoders_it_has(fake, tmp_path, caps, num):
    fake(caps={"supported": 1, **caps})
    with open_video(make_video(tmp_path / "a.mp4", num_frames=2)) as reader:
        assert nvdec.num_engines(reader.info, "cuda") == num
