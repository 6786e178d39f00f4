"""What `import bvas` gives, and what it costs."""

import subprocess
import sys

import pytest

import bvas


def test_every_public_name_loads():
    missing = [name for name in bvas.__all__ if not hasattr(bvas, name)]
    assert missing == []


def test_the_public_names_are_these():
    assert sorted(bvas.__all__) == sorted(
        """__version__ open_video open_stream read_video cut box_cuts to_rgb
        VideoIndex VideoInfo FrameReader FrameStream ClipConfig Annotation Spot Interval
        LabelSet SpottingTask
        ClipLoader SpottingModel build_model load_spotter load_onnx_spotter spot_video
        track_players track_boxes FrameBoxes TrackerConfig Roi
        load_classifier published_classifier load_onnx_classifier classify_clip classify_video
        LiveSpots StreamingPredictor TorchEngine
        find_spots find_intervals average_precision mean_average_precision Experiment load_experiment load_checkpoint
        BvasError
        ConfigError DataError DecodeError WorkerError CheckpointError ScoresError TrainingError""".split()
    )


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(bvas, "no_such" + "_name")


def test_a_name_of_an_earlier_version_says_its_present_one():
    with pytest.raises(AttributeError, match=r"bvas\.FrameDecoder is called bvas\.FrameReader now"):
        getattr(bvas, "Frame" + "Decoder")


def test_importing_bvas_loads_nothing_heavy():
    code = "import bvas, sys; print([m for m in ('torch', 'numpy', 'av', 'cv2') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
