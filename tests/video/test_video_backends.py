import pytest
from video_samples import make_video

from bvas import ConfigError, DecodeError, open_video
from bvas.video.decode import opencv_backend as opencv
from bvas.video.decode.backends import BACKENDS


def test_three_backends_are_there(tmp_path):
    assert BACKENDS == ("nvdec", "opencv", "pyav")
    with pytest.raises(ConfigError, match="unknown backend 'ffmpeg'; known are auto, nvdec, opencv, pyav"):
        open_video(make_video(tmp_path / "a.mp4", num_frames=2), "ffmpeg")


@pytest.fixture
def probes(monkeypatch):
    """Counts how often OpenCV is tried on a file."""
    counted = []

    def probe(*arguments, original=opencv._probe):
        counted.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(opencv, "_probe", probe)
    return counted


def test_what_opencv_makes_of_a_file_is_found_out_once(tmp_path, probes):
    path = make_video(tmp_path / "a.mp4", num_frames=10)
    for _ in range(3):
        open_video(path, "opencv").close()
    assert len(probes) == 1
    open_video(path, "opencv", cache=False).close()
    assert len(probes) == 2


def test_a_refusal_is_kept_with_its_reason(tmp_path, monkeypatch, probes):
    path = make_video(tmp_path / "a.mp4", num_frames=10)
    monkeypatch.setattr(opencv, "_FLAT", 256)
    for _ in range(2):
        with pytest.raises(DecodeError, match=r"a\.mp4 shows only flat pictures .* backend=.pyav") as caught:
            open_video(path, "opencv")
        assert caught.value.path == path
    assert len(probes) == 1


@pytest.mark.parametrize("change", ["the file", "OpenCV"])
def test_a_verdict_does_not_outlive_what_it_depends_on(tmp_path, monkeypatch, probes, change):
    path = make_video(tmp_path / "a.mp4", num_frames=10)
    open_video(path, "opencv").close()
    if change == "the file":
        make_video(path, num_frames=12)
    else:
        monkeypatch.setattr(opencv.cv2, "__version__", "99.0")
    open_video(path, "opencv").close()
    assert len(probes) == 2


def test_a_broken_entry_and_a_folder_that_cannot_be_written_cost_a_probe_only(tmp_path, monkeypatch, probes):
    path = make_video(tmp_path / "a.mp4", num_frames=10)
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))
    open_video(path, "opencv").close()
    (entry,) = (tmp_path / "home").rglob("*.refusals.json")
    entry.write_text('{"key": 3')
    open_video(path, "opencv").close()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "file"))
    open_video(path, "opencv").close()
    assert len(probes) == 3
