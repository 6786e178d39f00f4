import pytest
from video_samples import make_video

from bvas import open_video
from bvas.values.input_format import InputFormat
from bvas.video.decode.orientation import adaptation


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, ""),
        ({"rate": 50}, "50 frames per second are put on a grid of 25 per second"),
        ({"size": (96, 160)}, "160x96 is scaled to 80x48 within 80x48"),
        # The tag counts counterclockwise. Upright it is 48 wide and 80 high: 29 x 48 within 80 x 48.
        ({"rotation": 90}, "turned by 270 degrees to be upright; 48x80 is scaled to 29x48 within 80x48"),
        ({"rotation": 180}, "turned by 180 degrees to be upright"),
        ({"times": [0, 1, 2, 7, 8, 11, 13, 14]}, "variable times are put on a grid of 25 per second"),
    ],
)
def test_what_becomes_of_a_video_unlike_those_in_training_is_said_in_words(tmp_path, settings, said):
    path = make_video(tmp_path / "a.mp4", num_frames=8, **settings)
    with open_video(path) as reader:
        found = adaptation(reader.info, InputFormat(size=(48, 80)), 25)
    assert found == said
