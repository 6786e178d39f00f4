import numpy as np
import pytest
from loading_videos import labelled

from bvas.errors import ConfigError
from bvas.experiment.sampling_config import TargetConfig
from bvas.loading.targets import targets_at


def test_an_annotation_counts_seven_frames_away_and_not_eight():
    video = labelled(100, [(50, 1)])
    hits = [center for center in range(100) if targets_at(center, video, TargetConfig())[1] == 1]
    assert hits == list(range(43, 58))


def test_each_label_has_its_own_column():
    video = labelled(100, [(20, 0), (25, 2), (60, 1)], num_labels=3)
    assert targets_at(22, video, TargetConfig()).tolist() == [1, 0, 1]
    assert targets_at(40, video, TargetConfig()).tolist() == [0, 0, 0]
    assert targets_at(22, video, TargetConfig()).dtype == np.float32


def test_two_annotations_of_one_label_still_make_a_one():
    video = labelled(100, [(20, 0), (22, 0)])
    assert targets_at(21, video, TargetConfig()).tolist() == [1, 0]


def test_a_window_of_one_frame_is_the_frame_itself():
    video = labelled(100, [(20, 0)])
    config = TargetConfig(window_frames=1)
    assert [targets_at(center, video, config)[0] for center in (19, 20, 21)] == [0, 1, 0]


def test_an_even_window_is_refused():
    with pytest.raises(ConfigError, match="must be odd"):
        TargetConfig(window_frames=14)
