import sys
from types import SimpleNamespace

import pytest

from bvas.system.doctor import finding, software


def by_topic(found):
    return {item.topic: item for item in found}


@pytest.fixture
def without(monkeypatch):
    """Let imports fail: `without(av=ImportError("no"))`."""

    def fail(**errors):
        def load(name):
            if name in errors:
                raise errors[name]
            return sys.modules.get(name) or pytest.importorskip(name)

        monkeypatch.setattr(finding, "import_module", load)

    return fail


def test_everything_is_well_where_the_tests_run():
    found = by_topic(software.inspect_software())
    assert {item.state for item in found.values()} == {"ok"}
    assert found["decoders"].text == "h264, hevc, vp9, av1 on the CPU"
    assert "libavcodec" in found["PyAV"].text
    assert "libavcodec" in found["OpenCV"].text
    assert "built" in found["torch"].text


@pytest.mark.parametrize(
    ("module", "topic", "error", "remedy"),
    [
        ("torch", "torch", OSError("libnvrtc.so.13: cannot open shared object file\nmore"), "pytorch.org"),
        ("av", "PyAV", ImportError("DLL load failed"), "pip install --force-reinstall av"),
        (
            "cv2",
            "OpenCV",
            ImportError("libGL.so.1: cannot open shared object file"),
            "opencv-python-headless",
        ),
        ("torch", "torch", RuntimeError("built against another NumPy"), "pytorch.org"),
    ],
)
def test_what_cannot_be_imported_is_said_with_the_reason_and_the_remedy(
    without, module, topic, error, remedy
):
    without(**{module: error})
    found = by_topic(software.inspect_software())[topic]
    assert (found.state, found.is_needed) == ("problem", True)
    assert found.text == f"cannot be imported ({type(error).__name__}: {str(error).splitlines()[0]})"
    assert remedy in found.remedy


def test_a_failure_of_our_own_is_not_taken_for_a_missing_library(without):
    without(av=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        list(software.inspect_software())


def test_decoders_and_encoders_that_this_libav_lacks_are_named(monkeypatch):
    def codec(name, mode):
        if name in ("libdav1d", "libaom-av1", "libx265"):
            raise ValueError(name)

    fake = SimpleNamespace(__version__="18.0", library_versions={"libavcodec": (62, 1, 2)}, Codec=codec)
    monkeypatch.setitem(sys.modules, "av", fake)
    found = by_topic(software.inspect_software())
    assert found["PyAV"].text == "18.0 with FFmpeg of unknown version (libavcodec 62.1.2)"
    assert (found["decoders"].state, found["decoders"].text) == (
        "problem",
        "h264, hevc, vp9 on the CPU; not av1",
    )
    assert found["encoders"].text.startswith("no libx265:")


def test_an_opencv_without_ffmpeg_is_noted(monkeypatch):
    fake = SimpleNamespace(__version__="5.0", getBuildInformation=lambda: "  FFMPEG:    NO\n")
    monkeypatch.setitem(sys.modules, "cv2", fake)
    found = by_topic(software.inspect_software())["OpenCV"]
    assert (found.state, found.text) == ("note", "5.0 without FFmpeg: the opencv backend reads nothing")


def test_an_old_python_and_missing_packages_are_problems(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    monkeypatch.setattr(software, "find_spec", lambda name: None if name == "scipy" else name)
    found = by_topic(software.inspect_software())
    assert found["Python"].remedy == "install Python 3.11 or newer"
    assert found["packages"].text == "not installed: scipy"
    assert found["Python"].is_needed
    assert found["packages"].is_needed
