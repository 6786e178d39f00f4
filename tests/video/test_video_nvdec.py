"""NVDEC's backend, on a GPU or over the emulated driver."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import emulated_driver
import numpy as np
import pytest
import torch
from video_samples import make_video, numbers_in, read_luma, stream_past_damage

from bvas import DecodeError, open_video
from bvas.system import nvdec_caps
from bvas.system.doctor import gpu
from bvas.video.decode import nvdec_backend as nvdec
from bvas.video.decode import pynvvideocodec as nvidia
from bvas.video.decode.pynvvideocodec import DecoderPool, luma_of_surface
from bvas.video.index.video_index import build_index

# Height and width from which on NVDEC decodes all codecs.
SIZE = (144, 160)


def make(path, **settings):
    return make_video(path, **{"size": SIZE} | settings)


@pytest.mark.gpu
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
def test_frames_equal_those_of_the_reference_though_the_decoder_overwrites_its_pictures(
    tmp_path, name, settings
):
    path = make(tmp_path / name, **settings)
    order = [59, 0, 31, 31, 12, 11, 13, 40, 58, 5]
    with open_video(path, "nvdec", device="cuda") as gpu, open_video(path) as cpu:
        assert gpu.backend == "nvdec"
        assert np.array_equal(read_luma(gpu, order), read_luma(cpu, order))
        assert np.array_equal(read_luma(gpu, range(60)), read_luma(cpu, range(60)))


@pytest.mark.gpu
def test_frames_passed_over_by_one_read_are_there_for_the_next(tmp_path):
    with open_video(make(tmp_path / "a.mp4"), "nvdec", device="cuda") as reader:
        assert numbers_in(read_luma(reader, [3, 20])) == [3, 20]
        for index in (21, 22, 24, 23, 19):
            assert numbers_in(read_luma(reader, [index])) == [index]


@pytest.mark.gpu
def test_frames_may_go_to_tensors_of_the_caller_and_are_counted(tmp_path):
    frames = torch.empty((3, *SIZE), dtype=torch.uint8, device="cuda")
    with open_video(make(tmp_path / "a.mp4"), "nvdec", device="cuda") as reader:
        reader.read_to([20, 5, 20], [frames[2], frames[0], frames[1]])
        assert reader.num_decoded >= 21
    assert numbers_in(frames.cpu().numpy()) == [5, 20, 20]


@pytest.mark.gpu
def test_a_picture_that_the_decoder_does_not_output_is_reported_lost_and_never_replaced(tmp_path, driver):
    path = make(tmp_path / "a.mp4")
    driver.lost = set(build_index(path)[0].pts[[20, 21]].tolist())
    with open_video(path, "nvdec", device="cuda") as reader:
        with pytest.raises(DecodeError, match=r"frame 20 .*2 frame"):
            read_luma(reader, [20])
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


@pytest.mark.parametrize(
    ("version", "is_taken"),
    [
        *((version, False) for version in ("2.0.5", "2.2.3", "2.2", "1.10.9", "")),
        *((version, True) for version in ("2.2.4", "2.2.10", "2.3.0", "3.0")),
    ],
)
def test_versions_that_get_10_bits_wrong_are_refused_with_the_remedy(monkeypatch, version, is_taken):
    module = SimpleNamespace(__version__=version)
    monkeypatch.setattr(nvidia, "import_module", lambda name: module)
    monkeypatch.setattr(nvidia, "print_to_stderr", lambda: None)
    info = SimpleNamespace(path=Path("a.mp4"))
    if is_taken:
        assert nvidia.load_pynvvideocodec(info) is module
        return
    with pytest.raises(DecodeError, match=r"pip install --upgrade 'PyNvVideoCodec>=2\.2\.4'") as caught:
        nvidia.load_pynvvideocodec(info)
    assert 'backend="pyav"' in str(caught.value)


def test_the_package_asks_for_no_older_version_than_it_takes():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'"PyNvVideoCodec>={nvdec_caps.OLDEST_PYNVVIDEOCODEC};' in project


def test_no_driver_is_emulated_where_a_real_one_is(monkeypatch):
    monkeypatch.setattr(emulated_driver, "_running", None)
    monkeypatch.setattr(emulated_driver.ctypes, "CDLL", lambda name: None)
    assert emulated_driver.why_not() == "a real driver is here, which is used"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_without_a_cuda_device_nvdec_is_refused(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=3)
    with pytest.raises(DecodeError, match="no CUDA device"):
        open_video(path, "nvdec", device="cuda")
    with pytest.raises(DecodeError, match='needs device="cuda"'):
        open_video(path, "nvdec")


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"is_supported": 0}, "does not decode"),
        ({"min_width": 176}, "width of 160; this GPU decodes 176 to 8192"),
        ({"max_height": 96}, "height of 144; this GPU decodes 16 to 96"),
        ({"max_macroblocks": 89}, "90 macroblocks; this GPU decodes up to 89"),
    ],
)
def test_what_the_gpu_does_not_decode_is_refused_by_its_own_answer(tmp_path, driver, answer, reason):
    path = make(tmp_path / "a.mp4", num_frames=3)
    for name, value in answer.items():
        setattr(driver.chip, name, value)
    with pytest.raises(DecodeError, match=reason):
        open_video(path, "nvdec", device="cuda")


@pytest.mark.gpu
@pytest.mark.parametrize(("told", "num"), [(0, 1), (1, 1), (7, 7)])
def test_a_gpu_tells_how_many_decoders_it_has(tmp_path, driver, told, num):
    driver.chip.num_engines = told
    with open_video(make(tmp_path / "a.mp4", num_frames=2), "nvdec", device="cuda") as reader:
        assert reader.num_engines == num


@pytest.mark.gpu
def test_what_a_gpu_decodes_is_asked_once_and_in_the_context_that_is_there(driver):
    before = driver.counts()
    first = list(gpu._capabilities())
    assert first[0].text == (
        "decodes h264 8 and 10 bits, hevc 8 and 10 bits, av1 8 and 10 bits, vp9 8 and 10 bits (4:2:0)"
    )
    driver.chip.is_supported = 0
    assert list(gpu._capabilities()) == first
    assert driver.counts() == before


def test_interlaced_video_is_refused(tmp_path):
    path = make_video(tmp_path / "a.mp4", options={"x264-params": "tff=1"})
    with pytest.raises(DecodeError, match="interlaced"):
        open_video(path, "nvdec", device="cuda")


def test_the_luma_of_a_surface_is_its_upper_two_thirds_as_a_copy():
    surface = torch.arange(6 * 4, dtype=torch.uint8).reshape(6, 4)
    copy = luma_of_surface(surface, (4, 4))
    surface.fill_(99)
    assert copy.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]


def test_of_sixteen_bits_the_upper_eight_are_taken():
    surface = torch.tensor([[940 << 6, 64 << 6], [513 << 6, 3 << 6], [0, 0]], dtype=torch.int32).to(
        torch.uint16
    )
    assert luma_of_surface(surface, (2, 2)).tolist() == [[235, 16], [128, 0]]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16])
@pytest.mark.parametrize("rows", [4, 5])
def test_a_surface_is_wider_than_an_odd_picture_and_its_chroma_may_be_counted_up_or_down(rows, dtype):
    top = 256 if dtype == torch.uint16 else 1
    surface = (torch.arange(rows * 4, dtype=torch.int32).reshape(rows, 4) * top).to(dtype)
    assert luma_of_surface(surface, (3, 3)).tolist() == [[0, 1, 2], [4, 5, 6], [8, 9, 10]]


@pytest.mark.parametrize("size", [(144, 158), (144, 162), (142, 160), (146, 160), (72, 80)])
def test_a_surface_of_another_size_is_an_error(size):
    with pytest.raises(ValueError, match="216 rows of 160"):
        luma_of_surface(torch.zeros((216, 160), dtype=torch.uint8), size)


@pytest.mark.gpu
@pytest.mark.parametrize("size", [(147, 161), (147, 160), (146, 161)])
@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "12"}),
        ("libsvtav1", {"preset": "12", "g": "12"}),
    ],
)
def test_pictures_of_odd_size_are_whole(tmp_path, size, codec, options):
    path = make(tmp_path / "odd.mkv", size=size, num_frames=8, codec=codec, options=options)
    with open_video(path, "nvdec", device="cuda") as gpu, open_video(path) as cpu:
        assert gpu.size == size
        assert np.array_equal(read_luma(gpu, range(8)), read_luma(cpu, range(8)))


@pytest.mark.gpu
def test_a_kept_decoder_that_fails_with_another_file_is_replaced_by_a_new_one(tmp_path, driver, caplog):
    path = make(tmp_path / "a.mp4", num_frames=5)
    pool = DecoderPool()
    with open_video(path, "nvdec", device="cuda", pool=pool) as reader:
        read_luma(reader, [0])
    made = driver.counts()["decoders_made"]
    driver.fail_after(1)
    with caplog.at_level("INFO"), open_video(path, "nvdec", device="cuda", pool=pool) as reader:
        assert numbers_in(read_luma(reader, [3])) == [3]
    assert "gets a decoder of its own" in caplog.text
    assert driver.counts()["decoders_made"] == made + 1
    assert driver.held()["decoders"] == 1
    pool.close()


@pytest.mark.gpu
def test_a_decoder_that_fails_is_an_error_and_the_next_read_has_another(tmp_path, driver):
    with open_video(make(tmp_path / "a.mp4"), "nvdec", device="cuda") as reader:
        assert numbers_in(read_luma(reader, [3])) == [3]
        driver.fail_after(5)
        with pytest.raises(DecodeError, match=r'before frame 30 of .*a\.mp4.*backend="pyav"'):
            read_luma(reader, [30])
        assert numbers_in(read_luma(reader, [30, 4])) == [30, 4]


@pytest.mark.gpu
def test_without_a_pool_a_decoder_ends_with_its_reader(tmp_path, driver):
    with open_video(make(tmp_path / "a.mp4", num_frames=5), "nvdec", device="cuda") as reader:
        read_luma(reader, [0])
        assert driver.held()["decoders"] == 1
    assert driver.held()["decoders"] == 0


@pytest.mark.gpu
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_frame_comes_out_with_its_own_packet_where_none_are_reordered(tmp_path, driver, codec):
    options = {"bf": "0"} if codec == "libx264" else {"x265-params": "bframes=0"}
    path = make(tmp_path / "a.mp4", codec=codec, options=options)
    with open_video(path, "nvdec", device="cuda") as reader:
        before = driver.counts()["packets"]
        assert numbers_in(read_luma(reader, [2])) == [2]
        assert driver.counts()["packets"] - before == 3


@pytest.mark.gpu
def test_a_decoder_has_none_of_the_streams_that_cuda_graphs_are_captured_on(tmp_path):
    with open_video(make(tmp_path / "a.mp4", num_frames=3), "nvdec", device="cuda") as reader:
        read_luma(reader, [0])
        own = reader._opened._session._decoder._stream.cuda_stream
        # torch hands out 32 in turn.
        assert own not in {torch.cuda.Stream().cuda_stream for _ in range(33)}


READS_A_DAMAGED_PICTURE = """
import sys

import emulated_driver

driver = emulated_driver.start()
from bvas import open_video

with open_video(sys.argv[1], "nvdec", device="cuda") as reader:
    driver.damaged = {int(reader.index.pts[3])}
    reader.read(range(6))
print("result", flush=True)
"""


@pytest.mark.gpu
def test_damage_that_nvdec_reports_is_printed_beside_the_results_and_not_among_them(tmp_path, driver):
    path = make(tmp_path / "a.mp4", num_frames=6)
    done = subprocess.run(
        [sys.executable, "-c", READS_A_DAMAGED_PICTURE, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    assert done.stdout == "result\n"
    assert "Decode Error occurred for picture" in done.stderr


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
        assert np.array_equal(read_luma(gpu, order), read_luma(cpu, order))
