import sys
from types import SimpleNamespace

import pytest

from bvas.system import nvdec_caps
from bvas.system.doctor import gpu

ALL_LIBRARIES = {"libcuda.so.1", "libnvcuvid.so.1", "libnvidia-encode.so.1"}
NO_NVENC = RuntimeError(
    "Failed to load NVENC library: libnvidia-encode.so.1: cannot open shared object file\n\n=== STEPS ==="
)


def fake_nvc(error=None, version="2.2.4"):
    """PyNvVideoCodec beside a chip that decodes everything but AV1 and 10-bit H.264."""

    def decoder_caps(gpu, codec, bit_depth):
        if error is not None:
            raise error
        return nvdec_caps.DecoderCaps(is_supported=codec != "av1" and (codec, bit_depth) != ("h264", 10))

    return SimpleNamespace(__version__=version, decoder_caps=decoder_caps)


def fake_torch(*, cuda="13.2", devices=1):
    properties = SimpleNamespace(name="NVIDIA H100", total_memory=80 * 2**30)
    return SimpleNamespace(
        version=SimpleNamespace(cuda=cuda),
        cuda=SimpleNamespace(
            is_available=lambda: devices > 0,
            device_count=lambda: devices,
            get_device_properties=lambda number: properties,
        ),
    )


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Look at a machine that is made up."""

    def look(*, libraries=(), kernel=False, torch=None, nvc=None):
        if hasattr(nvc, "decoder_caps"):
            monkeypatch.setattr(nvdec_caps, "decoder_caps", nvc.decoder_caps)
        if kernel:
            (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
            (tmp_path / "proc/driver/nvidia/version").write_text(
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n"
                "GCC version:  gcc version 12.2.0\n"
            )
        monkeypatch.setattr(gpu, "can_load", lambda name: name in libraries)
        modules = {"torch": torch or fake_torch(devices=0), "PyNvVideoCodec": nvc or NO_NVENC}

        def load(name):
            found = modules[name]
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr("bvas.system.doctor.finding.import_module", load)
        return {item.topic: item for item in gpu.inspect_gpu(tmp_path)}

    return look


def test_without_a_driver_nothing_is_a_problem(machine):
    found = machine()
    assert list(found) == ["GPU", "PyNvVideoCodec"]
    assert {item.state for item in found.values()} == {"note"}
    assert found["GPU"].text == "no NVIDIA driver: everything runs on the CPU"
    assert found["PyNvVideoCodec"].text == (
        "cannot be imported (RuntimeError: Failed to load NVENC library: libnvidia-encode.so.1: "
        "cannot open shared object file)"
    )


def test_a_whole_machine_says_what_it_decodes(machine):
    found = machine(libraries=ALL_LIBRARIES, kernel=True, torch=fake_torch(), nvc=fake_nvc())
    assert {item.state for item in found.values()} == {"ok"}
    assert found["driver"].text == "NVIDIA 580.95.05"
    assert found["cuda:0"].text == "NVIDIA H100, 80 GiB"
    assert found["PyNvVideoCodec"].text == "2.2.4"
    assert (
        found["NVDEC 0"].text == "decodes h264 8 bits, hevc 8 and 10 bits, no av1, vp9 8 and 10 bits (4:2:0)"
    )


def test_a_pynvvideocodec_that_gets_10_bits_wrong_is_a_problem(machine):
    found = machine(libraries=ALL_LIBRARIES, kernel=True, torch=fake_torch(), nvc=fake_nvc(version="2.2.3"))
    assert (found["PyNvVideoCodec"].state, found["PyNvVideoCodec"].remedy) == (
        "problem",
        "pip install --upgrade 'PyNvVideoCodec>=2.2.4'",
    )


def test_every_gpu_is_asked(machine):
    found = machine(libraries=ALL_LIBRARIES, kernel=True, torch=fake_torch(devices=2), nvc=fake_nvc())
    assert {"cuda:0", "cuda:1", "NVDEC 0", "NVDEC 1"} <= set(found)


def test_a_container_without_the_video_capability_is_told_to_set_it(machine, monkeypatch):
    monkeypatch.setenv("NVIDIA_DRIVER_CAPABILITIES", "compute,utility")
    found = machine(libraries={"libcuda.so.1"}, kernel=True, torch=fake_torch())
    assert found["NVDEC"].state == "problem"
    assert "libnvcuvid.so.1, libnvidia-encode.so.1 cannot be loaded" in found["NVDEC"].text
    assert (
        "NVIDIA_DRIVER_CAPABILITIES=compute,utility,video (it is 'compute,utility' here)"
        in found["NVDEC"].remedy
    )
    assert found["PyNvVideoCodec"].state == "problem"
    assert found["PyNvVideoCodec"].remedy == "fix the driver as described above"


def test_a_kernel_driver_without_its_libraries_is_a_container_without_gpus(machine):
    found = machine(kernel=True)
    assert found["driver"].text == "NVIDIA 580.95.05 in the kernel, but libcuda.so.1 cannot be loaded"
    assert "--gpus all" in found["driver"].remedy
    assert "NVDEC" not in found


def test_a_driver_of_unknown_version_is_still_one(machine):
    found = machine(libraries=ALL_LIBRARIES, torch=fake_torch(), nvc=fake_nvc())
    assert (found["driver"].state, found["driver"].text) == ("ok", "NVIDIA of unknown version")


def test_pynvvideocodec_that_is_not_installed_is_to_be_installed_where_a_driver_is(machine):
    missing = ModuleNotFoundError("No module named 'PyNvVideoCodec'")
    found = machine(libraries=ALL_LIBRARIES, kernel=True, torch=fake_torch(), nvc=missing)["PyNvVideoCodec"]
    assert (found.state, found.remedy) == ("problem", "pip install 'bvas[train]' (Linux on x86-64)")


def test_pynvvideocodec_is_not_missed_where_no_driver_is(machine):
    found = machine(nvc=ModuleNotFoundError("No module named 'PyNvVideoCodec'"))["PyNvVideoCodec"]
    assert (found.state, found.remedy) == ("note", None)


def test_a_torch_without_cuda_on_a_gpu_machine_is_a_problem(machine):
    found = machine(libraries=ALL_LIBRARIES, kernel=True, torch=fake_torch(cuda=None), nvc=fake_nvc())
    assert found["CUDA"].text == "there is a driver, and this build of torch cannot use it"


def test_a_driver_too_old_for_torch_is_a_problem(machine):
    found = machine(libraries=ALL_LIBRARIES, kernel=True, torch=fake_torch(devices=0), nvc=fake_nvc())
    assert found["CUDA"].text == "torch, built for CUDA 13.2, finds no usable device with driver 580.95.05"
    assert "update the driver" in found["CUDA"].remedy
    assert "NVDEC 0" not in found


def test_a_torch_that_cannot_be_imported_leaves_the_rest_to_be_said(machine):
    broken = OSError("libnvrtc.so.13: cannot open shared object file")
    found = machine(libraries=ALL_LIBRARIES, kernel=True, torch=broken, nvc=fake_nvc())
    assert list(found) == ["driver", "PyNvVideoCodec"]


def test_a_decoder_that_cannot_be_asked_is_a_problem(machine):
    nvc = fake_nvc(RuntimeError("cuInit failed\nat line 12"))
    found = machine(libraries=ALL_LIBRARIES, kernel=True, torch=fake_torch(), nvc=nvc)["NVDEC 0"]
    assert (found.state, found.text) == (
        "problem",
        "the decoder does not report its capabilities: cuInit failed",
    )


def test_the_loader_says_which_libraries_are_there():
    assert not gpu.can_load("libof-nobody-anywhere.so.1")
    if sys.platform == "linux":
        assert gpu.can_load("libc.so.6")
