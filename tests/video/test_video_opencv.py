import numpy as np
import pytest
from video_samples import damage, make_video, read_luma, stream_past_damage

from bvas import DecodeError, open_video
from bvas.video.decode import opencv_backend as opencv


def test_a_file_of_which_it_gives_other_pixels_is_refused(tmp_path, monkeypatch):
    path = make_video(tmp_path / "a.mp4", num_frames=20)
    original = opencv.OpencvBackend._picture

    def black(self, index, *, may_seek=True):
        return np.zeros_like(original(self, index, may_seek=may_seek))

    monkeypatch.setattr(opencv.OpencvBackend, "_picture", black)
    with pytest.raises(DecodeError, match="other pixels"):
        open_video(path, "opencv")


def test_a_video_of_flat_pictures_only_is_refused(tmp_path, monkeypatch):
    path = make_video(tmp_path / "a.mp4", num_frames=5)
    monkeypatch.setattr(opencv, "_FLAT", 256)
    with pytest.raises(DecodeError, match="flat pictures"):
        open_video(path, "opencv")


def test_its_warning_for_every_frame_is_held_back(tmp_path, capfd):
    with open_video(make_video(tmp_path / "a.mp4", num_frames=20), "opencv") as reader:
        read_luma(reader, range(20))
    assert capfd.readouterr().err == ""


def test_a_damaged_file_is_not_counted_through_again_for_each_frame_behind_the_damage(tmp_path, monkeypatch):
    path = make_video(tmp_path / "a.mp4", num_frames=180, options={"bf": "0", "g": "60", "sc_threshold": "0"})
    damage(path, [95, 96, 97])
    with open_video(path, "opencv", cache=False) as reader:
        from_start = []
        original = opencv.OpencvBackend._picture

        def picture(self, index, *, may_seek=True):
            if not may_seek:
                from_start.append(index)
            return original(self, index, may_seek=may_seek)

        monkeypatch.setattr(opencv.OpencvBackend, "_picture", picture)
        numbers, lost = stream_past_damage(reader)
    assert numbers[:95] == list(range(95))
    assert len(lost) > 3
    assert len(from_start) <= 1
