"""Input of the annotated video: the part of the results, and annotations from a label file."""

import logging
from dataclasses import replace
from pathlib import Path

from bvas.data.soccernet_entries import label_entries
from bvas.errors import ConfigError
from bvas.report.content import VideoReport, video_report
from bvas.results.video_result import Results, VideoResult
from bvas.system.file_names import output_stem
from bvas.system.text_files import read_json
from bvas.values.annotations import Annotation, LabelSet
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)


def part_of_video(source: Results, video: Path, number: int | None) -> VideoResult:
    """Return the part of a source that is about a video.

    Args:
        source: The spots.
        video: The video.
        number: Which part it is; None: the one whose file is called so, or the only one.

    Raises:
        ConfigError: no part is of this video, or several may be.
    """
    numbers = ", ".join(str(result.video.number) for result in source.videos)
    if number is not None:
        for result in source.videos:
            if result.video.number == number:
                return result
        raise ConfigError(f"{source.folder} holds no part {number}; there are {numbers}")
    if len(source.videos) == 1:
        return source.videos[0]
    stem = output_stem(video.stem)
    named = [one for one in source.videos if one.video.name in (stem, f"{one.video.number}_{stem}")]
    if len(named) != 1:
        raise ConfigError(
            f"{source.folder} is about {count_text(len(source.videos), 'video')}; say with --part which one {video} is"
        )
    return named[0]


def read_annotations(path: Path, half: int, source: Results) -> tuple[list[Annotation], LabelSet]:
    """Return the annotations of one half from a label file of SoccerNet's, and the labels to draw.

    Labels that the model does not know are left out and counted in the source's notices; where nothing says what it
    knows, those of the label file are drawn too.

    Raises:
        DataError: the file is missing or wrong, or its times are in another unit.
    """
    content = read_json(path)
    labels = source.labels
    if (
        not source.labels_are_known
        and isinstance(content, dict)
        and isinstance(content.get("annotations"), list)
    ):
        found = [str(entry.get("label")) for entry in content["annotations"] if isinstance(entry, dict)]
        labels = LabelSet(tuple(dict.fromkeys([*labels.names, *found])), labels.merged)
    by_half = label_entries(content, str(path), labels, source.notices)
    annotations = by_half.get(half, [])
    if not annotations and any(by_half.values()):
        logger.warning("%s has no annotation of half %d", path, half)
    return annotations, labels


def drawn_report(result: VideoResult, labels: LabelSet, *, tolerance_seconds: float) -> VideoReport:
    """Return the content of an annotated video.

    Raises:
        DecodeError: its file is not a video.
        DataError: its score curve is of other labels.
    """
    video = result.video.indexed()
    assert video.frames is not None
    end = video.frames.duration_seconds
    late = sum(annotation.seconds > end for annotation in result.annotations or ())
    if late:
        logger.warning("%s after the end of %s (%.2f s)", count_text(late, "annotation"), video.path, end)
    return video_report(replace(result, video=video), labels, tolerance_seconds=tolerance_seconds)
