import pytest

from bvas.detection import torchvision_detectors
from bvas.detection.detector_choice import load_detector
from bvas.detection.torchvision_detectors import TORCHVISION_DETECTORS
from bvas.errors import CheckpointError, ConfigError


def test_an_unknown_detector_is_refused_with_all_choices():
    with pytest.raises(ConfigError) as caught:
        load_detector("yolo11")
    text = str(caught.value)
    assert text.startswith("unknown detector 'yolo11'; known are auto, ")
    assert all(name in text for name in (*TORCHVISION_DETECTORS, ".onnx", ".safetensors"))


@pytest.mark.parametrize(
    ("what", "options", "message"),
    [
        ("a.onnx", {"weights": "w.pth"}, "weights w.pth are of a named network, and a.onnx is a file"),
        ("a.safetensors", {"weights": "w.pth"}, "weights w.pth are of a named network"),
        (
            "auto",
            {"description": "d.json"},
            "the description d.json is of an .onnx file, and auto is not one",
        ),
        ("auto", {"threshold": 1.5}, r"must lie in \[0, 1\], got 1.5"),
    ],
)
def test_options_of_another_detector_are_refused(what, options, message):
    with pytest.raises(ConfigError, match=message):
        load_detector(what, **options)


@pytest.mark.parametrize("name", ["none.onnx", "none.safetensors"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(CheckpointError, match=f"no detector at .*{name}"):
        load_detector(tmp_path / name)


def test_auto_is_a_faster_rcnn_that_suits_the_device(monkeypatch):
    built = []

    class Built:
        def __init__(self, name, weights, *, device, threshold):
            built.append((name, weights, device, threshold))

    monkeypatch.setattr(torchvision_detectors, "TorchvisionDetector", Built)
    load_detector("auto", device="cpu")
    load_detector("fcos_resnet50_fpn", device="cpu", threshold=0.25)
    assert built == [
        ("fasterrcnn_mobilenet_v3_large_fpn", None, "cpu", 0.5),
        ("fcos_resnet50_fpn", None, "cpu", 0.25),
    ]
