"""Label Studio: tasks with predictions on a video's timeline, and the labeling config of their project.

Frames count from 1, and a range holds its last frame. See https://labelstud.io/tags/timelinelabels and
https://labelstud.io/guide/predictions.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from bvas.report.formats.frame_ranges import FrameRange, frame_ranges
from bvas.results.video_result import VideoResult
from bvas.system.atomic_files import json_text

_CONTROL, _OBJECT = "timeline", "video"
_LOCAL_FILES = "/data/local-files/?d="


def label_studio_text(name: str, parts: Sequence[VideoResult]) -> str:
    """Return the tasks to import, one a video; addresses are those of local files below the root of the file system.

    Args:
        name: Of the match whose parts the videos are.
        parts: The videos.

    Raises:
        ConfigError: a video is unknown.
    """
    return json_text([_task(name, part) for part in parts])


def labeling_config(labels: Iterable[str]) -> str:
    """Return the labeling config, in XML; it takes the frame rate from the task, as 24 would be assumed."""
    view = ElementTree.Element("View")
    video = {"name": _OBJECT, "value": "$video", "frameRate": "$fps", "timelineHeight": "120"}
    ElementTree.SubElement(view, "Video", video)
    control = ElementTree.SubElement(view, "TimelineLabels", {"name": _CONTROL, "toName": _OBJECT})
    for label in labels:
        ElementTree.SubElement(control, "Label", {"value": label})
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _task(name: str, part: VideoResult) -> dict[str, Any]:
    ranges = frame_ranges(part)
    video = part.video
    assert video.path is not None
    assert video.frames is not None
    path = video.path.absolute()
    address = _LOCAL_FILES + quote(path.relative_to(path.anchor).as_posix(), errors="surrogateescape")
    results = [_result(number, one) for number, one in enumerate(ranges, 1)]
    return {
        "data": {"video": address, "fps": float(video.frames.rate), "match": name, "part": video.number},
        "predictions": [{"model_version": "bvas", "result": results}],
    }


def _result(number: int, one: FrameRange) -> dict[str, Any]:
    return {
        "id": f"bvas_{number}",
        "from_name": _CONTROL,
        "to_name": _OBJECT,
        "type": "timelinelabels",
        "score": round(one.confidence, 6),
        "value": {"ranges": [{"start": one.first + 1, "end": one.last + 1}], "timelinelabels": [one.label]},
    }
