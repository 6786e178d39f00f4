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
        ("av", "PyAV", ImportError("DLL load failed"), "pip install --force-reinstall av"),
        (
            "cv2",
            "OpenCV",
            ImportError("libGL.so.1: cannot open shared object file"),
            "opencv-python-headless",
        ),
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


@pytest.mark.parametrize(
    "error",
    [
        OSError("libnvrtc.so.13: cannot open shared object file\nmore"),
        RuntimeError("built against another NumPy"),
    ],
)
def test_a_torch_that_cannot_be_imported_is_to_be_fixed_and_stops_no_other_check(without, error):
    without(torch=error)
    found = by_topic(software.inspect_software())["torch"]
    assert (found.state, found.is_needed) == ("problem", False)
    assert found.text == f"cannot be imported ({type(error).__name__}: {str(error).splitlines()[0]})"
    assert "pytorch.org" in found.remedy


@pytest.mark.parametrize(
    ("hidden", "topic", "state", "text"),
    [
        (
            {"torch", "timm"},
            "torch",
            "note",
            "not installed: exported models run, others do not, nothing is trained",
        ),
        ({"timm", "kornia"}, "training", "problem", "not installed: kornia, timm"),
    ],
)
def test_an_install_without_training_says_how_to_add_it(monkeypatch, hidden, topic, state, text):
    monkeypatch.setattr(software, "find_spec", lambda name: None if name in hidden else name)
    found = by_topic(software.inspect_software())
    assert (found[topic].state, found[topic].text, found[topic].is_needed) == (state, text, False)
    assert found[topic].remedy == "pip install 'bvas[train]'"
    # Of an extra that is absent as a whole one line is enough.
    assert sorted({"torch", "training"} & set(found)) == sorted({"torch", topic})


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
