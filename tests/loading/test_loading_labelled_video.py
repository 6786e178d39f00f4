import pickle

import numpy as np
import pytest

from bvas.errors import ConfigError, DataError
from bvas.loading.labelled_video import label_video
from bvas.values.annotations import Annotation, LabelSet

LABELS = LabelSet(("PASS", "DRIVE"))


def test_annotations_go_to_the_nearest_grid_frame_in_time_order(barcode_folder):
    annotations = [Annotation("DRIVE", 2.021), Annotation("PASS", 0.5), Annotation("PASS", 0.019)]
    video = label_video(barcode_folder / "first.mp4", annotations, LABELS, 25)
    # 0.5 s lies midway between frames 12 and 13: the earlier.
    assert video.annotation_frames.tolist() == [0, 12, 51]
    assert video.label_ids.tolist() == [0, 0, 1]
    assert video.num_labels == 2
    assert video.num_frames == 100


def test_an_annotation_after_the_end_says_what_it_may_be(barcode_folder):
    with pytest.raises(
        DataError, match=r"at 1523\.0 s lies after the end of .*first\.mp4 \(4\.000 s\).*milliseconds"
    ):
        label_video(barcode_folder / "first.mp4", [Annotation("PASS", 1523.0)], LABELS, 25)


def test_an_annotation_at_the_very_end_goes_to_the_last_frame(barcode_folder):
    video = label_video(barcode_folder / "first.mp4", [Annotation("PASS", 4.0)], LABELS, 25)
    assert video.annotation_frames.tolist() == [99]


def test_an_annotation_before_the_start_is_refused(barcode_folder):
    with pytest.raises(DataError, match=r"at -0\.5 s lies before the start"):
        label_video(barcode_folder / "first.mp4", [Annotation("PASS", -0.5)], LABELS, 25)


def test_an_unknown_label_is_refused(barcode_folder):
    with pytest.raises(ConfigError, match="unknown label 'GOAL'"):
        label_video(barcode_folder / "first.mp4", [Annotation("GOAL", 1.0)], LABELS, 25)


def test_a_labelled_video_travels_as_plain_data(barcode_folder):
    video = label_video(barcode_folder / "first.mp4", [Annotation("PASS", 1.0)], LABELS, 12.5)
    copy = pickle.loads(pickle.dumps(video))
    assert copy.path == video.path
    assert np.array_equal(copy.grid.indices, np.arange(0, 100, 2))
    assert copy.annotation_frames.tolist() == [12]
