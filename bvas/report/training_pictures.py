"""Pictures for TensorBoard: the first training clips, and score curves of a held-out stretch."""

import logging
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch

from bvas.errors import DecodeError, ScoresError
from bvas.inference.spot_video import spot_video
from bvas.inference.spotter import Spotter
from bvas.loading.clip_requests import Clips
from bvas.loading.labelled_video import LabelledVideo
from bvas.models.clip_model import ClipModel
from bvas.models.spotting import SpottingModel
from bvas.report.clip_preview import preview_clips
from bvas.report.contact_sheet import contact_sheet
from bvas.report.content import video_report
from bvas.report.timeline import timeline_png
from bvas.results.video_result import VideoFile, VideoResult
from bvas.system.devices import Precision
from bvas.tasks.kind_choice import kind_of
from bvas.training.observer import RunView
from bvas.values.annotations import Annotation, LabelSet

logger = logging.getLogger(__name__)

NUM_CLIPS = 8
SECONDS = 6.0
"""Length of the stretch: a few actions, and a second of work on a CPU with a model that is made for one."""
_NAME_LETTERS = 40
"""Of the file; more would run into the legend."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stretch:
    """A part of a held-out video."""

    video: LabelledVideo
    start: int
    """First grid frame."""
    stop: int
    """Grid frame after the last."""


class RunPictures:
    """An observer of runs that draws."""

    def __init__(self) -> None:
        self._stretch: Stretch | None = None

    def begin(self, run: RunView, epoch: int) -> None:
        """Draw the contact sheet, unless the run was resumed and has one."""
        num_frames = round(SECONDS * run.experiment.input.rate)
        self._stretch = None if run.held_out is None else busiest_stretch(run.held_out, num_frames)
        if epoch:
            return
        # A clip that cannot be read is for the run to fail on, or to skip, by its own rule.
        clips = preview_clips(
            run.clips, run.experiment, num_clips=NUM_CLIPS, device=run.device, on_error="skip"
        )
        sheet = contact_sheet(
            clips,
            heading=f"{run.experiment.name}, fold {run.fold} held out, seed {run.experiment.seed}",
            notes=kind_of(run.experiment).draw_summary(run.clips),
        )
        run.board.add_image("training clips", sheet, 0, dataformats="HWC")

    def epoch_done(
        self, run: RunView, epoch: int, model: ClipModel, autocast_dtype: torch.dtype | None
    ) -> None:
        """Draw the curves of the stretch, smoothed as they are for peaks."""
        if self._stretch is None or not isinstance(model, SpottingModel):
            return
        # Mirrored clips would take twice the time.
        experiment = replace(run.experiment, flip_tta=False)
        spotter = Spotter(experiment, (model,), run.device, _precision(autocast_dtype, run.device))
        seconds = self._stretch.video.grid.seconds
        start, last = float(seconds[self._stretch.start]), float(seconds[self._stretch.stop - 1])
        path = self._stretch.video.path
        end = last + 0.5 / run.experiment.input.rate
        try:
            found = spot_video(path, spotter, backend="pyav", from_seconds=start, to_seconds=end)
        except (DecodeError, ScoresError) as error:
            logger.warning("no score curves are drawn: %s", error)
            return
        labels = run.experiment.task.labels
        result = VideoResult(
            video=VideoFile(name=path.name),
            curve=replace(found.curve, seconds=found.curve.seconds - start),
            spots=tuple(replace(spot, seconds=spot.seconds - start) for spot in found.spots),
            annotations=tuple(annotations_in(self._stretch, labels)),
            peaks=run.experiment.peaks,
        )
        name = f"epoch {epoch + 1}: {path.name[-_NAME_LETTERS:]} from {start:.2f} s"
        length = float(result.required_curve.seconds[-1])
        png = timeline_png(video_report(result, labels, name=name, duration_seconds=length), labels)
        picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        run.board.add_image("score curves", picture[..., ::-1].copy(), epoch, dataformats="HWC")
        run.board.flush()


def _precision(autocast_dtype: torch.dtype | None, device: torch.device) -> Precision:
    """Return the run's own precision: features may leave the range of one that it was not trained in."""
    if autocast_dtype == torch.bfloat16:
        return "bfloat16"
    # Prediction knows float16 on CUDA only.
    return "float16" if autocast_dtype == torch.float16 and device.type == "cuda" else "float32"


def busiest_stretch(clips: Clips, num_frames: int) -> Stretch:
    """Return the stretch of the videos with the most annotations; the first of equals, cut to a shorter video."""
    found: list[tuple[int, Stretch]] = []
    for video in clips.videos:
        frames = video.annotation_frames
        length = min(num_frames, video.num_frames)
        # It begins a tenth of its length before an annotation: what leads to it is seen.
        starts = (
            np.clip(frames - length // 10, 0, video.num_frames - length) if len(frames) else np.array([0])
        )
        counts = np.searchsorted(frames, starts + length) - np.searchsorted(frames, starts)
        best = int(np.argmax(counts))
        start = int(starts[best])
        found.append((int(counts[best]), Stretch(video=video, start=start, stop=start + length)))
    return max(found, key=lambda one: one[0])[1]


def annotations_in(stretch: Stretch, labels: LabelSet) -> list[Annotation]:
    """Return the annotations of a stretch, in seconds from its start."""
    video = stretch.video
    start = float(video.grid.seconds[stretch.start])
    return [
        Annotation(labels.names[label_id], float(video.grid.seconds[frame]) - start)
        for frame, label_id in zip(video.annotation_frames, video.label_ids, strict=True)
        if stretch.start <= frame < stretch.stop
    ]
