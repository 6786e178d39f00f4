"""FiftyOne: the labels file of a `FiftyOneTemporalDetectionDataset`, which needs no database.

Frames count from 1, and `support` holds the last frame. Labels are numbers of `classes`. A key is the absolute path of
a video. See https://docs.voxel51.com/user_guide/import_datasets.html#fiftyonetemporaldetectiondataset.
"""

from collections.abc import Iterable, Sequence

from bvas.report.formats.frame_ranges import frame_ranges
from bvas.results.video_result import VideoResult
from bvas.system.atomic_files import json_text


def fiftyone_text(labels: Iterable[str], parts: Sequence[VideoResult]) -> str:
    """Return the file of labels.

    Args:
        labels: All classes, in order.
        parts: The videos.

    Raises:
        ConfigError: a video is unknown.
    """
    classes = list(labels)
    found = {}
    for part in parts:
        entries = [
            {
                "label": classes.index(one.label),
                "support": [one.first + 1, one.last + 1],
                "confidence": round(one.confidence, 6),
            }
            for one in frame_ranges(part)
        ]
        assert part.video.path is not None
        found[part.video.path.absolute().as_posix()] = entries
    return json_text({"classes": classes, "labels": found})
