"""Content of a label page: videos without predictions, and the file that the page writes."""

from collections.abc import Sequence

from bvas.data.labels_file import LabelsFile
from bvas.report.content import Labelling, MatchReport, video_report
from bvas.results.frame_times import FrameTimes
from bvas.results.video_result import VideoFile, VideoResult
from bvas.system.file_names import output_stem, shown_name
from bvas.values.annotations import LabelSet
from bvas.video.index.frame_table import VideoIndex


def label_report(
    file: LabelsFile, indexes: Sequence[VideoIndex], *, begins_with_ranges: bool = False
) -> MatchReport:
    """Return the content of the page that completes a labels file.

    Args:
        file: The file, opened for these videos.
        indexes: The videos.
        begins_with_ranges: Keys of labels begin and end ranges at first.
    """
    labels = LabelSet(file.labels)
    videos = []
    for index, entry in zip(indexes, file.entries, strict=True):
        video = VideoFile(
            name=output_stem(index.path.stem),
            match=file.content["matches"][entry]["name"],
            path=index.path,
            frames=FrameTimes.of(index),
        )
        videos.append(video_report(VideoResult(video=video), labels))
    name = shown_name(indexes[0].path.name) if len(indexes) == 1 else f"{len(indexes)} videos"
    return MatchReport(
        title=f"Label {name}",
        labels=labels,
        videos=tuple(videos),
        operating_point=0.0,
        labelling=Labelling(
            path=file.path.absolute(),
            content=file.content,
            entries=file.entries,
            begins_with_ranges=begins_with_ranges,
        ),
    )
