"""What is drawn on a video: its spots from a source of them, and annotations from a label file."""

import logging
from collections.abc import Sequence
from pathlib import Path

from bvas.data.soccernet_entries import label_entries
from bvas.errors import ConfigError
from bvas.report.content import VideoReport, video_report
from bvas.report.spotted import SpotSource, SpottedPart
from bvas.system.file_names import output_stem
from bvas.system.text_files import read_json
from bvas.values.annotations import Annotation, LabelSet
from bvas.values.plural import count_text
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)


def part_of_video(source: SpotSource, video: Path, number: int | None) -> SpottedPart:
    """Return the part of a source that is about a video.

    Args:
        source: The spots.
        video: The video.
        number: Which part it is; None: the one whose file is called so, or the only one.

    Raises:
        ConfigError: there is no such part, or nobody says which one it is.
    """
    numbers = ", ".join(str(part.number) for part in source.parts)
    if number is not None:
        for part in source.parts:
            if part.number == number:
                return part
        raise ConfigError(f"{source.folder} holds no part {number}; there are {numbers}")
    if len(source.parts) == 1:
        return source.parts[0]
    stem = output_stem(video.stem)
    named = [part for part in source.parts if part.name in (stem, f"{part.number}_{stem}")]
    if len(named) != 1:
        raise ConfigError(
            f"{source.folder} is about {count_text(len(source.parts), 'video')}; say with --part which one {video} is"
        )
    return named[0]


def read_annotations(path: Path, half: int, source: SpotSource) -> tuple[list[Annotation], LabelSet]:
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
        filed = [str(entry.get("label")) for entry in content["annotations"] if isinstance(entry, dict)]
        labels = LabelSet(tuple(dict.fromkeys([*labels.names, *filed])), labels.merged)
    by_half = label_entries(content, str(path), labels, source.notices)
    annotations = by_half.get(half, [])
    if not annotations and any(by_half.values()):
        logger.warning("%s has no annotation of half %d", path, half)
    return annotations, labels


def drawn_report(
    part: SpottedPart,
    video: Path,
    labels: LabelSet,
    *,
    confidence: float | None,
    annotations: Sequence[Annotation] | None,
    tolerance_seconds: float,
    reading: ReadOptions = DEFAULT_READING,
) -> VideoReport:
    """Return what is drawn on a video.

    Raises:
        DecodeError: it is no video.
        DataError: its score curve cannot be read, or is of other labels.
    """
    index, _ = build_index(video, reading=reading)
    curve = part.curve(labels)
    if annotations is not None:
        late = sum(annotation.seconds > index.duration_seconds for annotation in annotations)
        if late:
            logger.warning(
                "%s after the end of %s (%.2f s)",
                count_text(late, "annotation"),
                video,
                index.duration_seconds,
            )
    return video_report(
        video.name,
        part.candidates,
        labels,
        duration_seconds=index.duration_seconds,
        operating_point=part.peaks.operating_points(labels) if confidence is None else confidence,
        annotations=annotations,
        tolerance_seconds=tolerance_seconds,
        curve=curve,
        gaps=() if curve is None else curve.holes(),
        clock=part.clock,
    )
