"""Counts of what an epoch of training clips draws, as text."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.experiment.experiment import Experiment
from bvas.loading.clip_requests import ClipRequest, Clips
from bvas.values.plural import count_text


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawSummary:
    """Counts over the clips of an epoch."""

    num_clips: int
    clips_per_label: dict[str, int]
    """Clips whose target is 1 for the label; a clip may count for several."""
    num_without_action: int
    """Clips whose targets are all 0."""
    num_at_actions: int
    """Clips centered within the action window of an annotation."""
    num_shaken: int
    """Clips with a shaken frame."""
    clips_per_video: tuple[int, ...]
    """For each video, in order."""

    def lines(self) -> tuple[str, ...]:
        """Return the counts as text."""

        def share(number: int) -> str:
            return f"{number} ({100 * number / self.num_clips:.0f} %)"

        labels = ", ".join(f"{name} {share(number)}" for name, number in self.clips_per_label.items())
        fewest, most = min(self.clips_per_video), max(self.clips_per_video)
        return (
            f"{count_text(self.num_clips, 'clip')} in an epoch: {share(self.num_at_actions)} centered at an action, "
            f"{share(self.num_without_action)} without an action in the target window, "
            f"{share(self.num_shaken)} with shaken frames; "
            f"{count_text(len(self.clips_per_video), 'video')}, {fewest} to {most} clips from each",
            f"clips per label: {labels}",
        )


def summarize_draws(clips: Clips, experiment: Experiment) -> DrawSummary:
    """Count what the first epoch of a run draws."""
    requests = clips.requests(0, seed=experiment.seed)
    targets = np.stack([request.targets for request in requests]) > 0
    reach = experiment.sampling.action_window_frames // 2
    at_actions = shaken = 0
    for request in requests:
        video = clips.videos[request.video_id]
        near = np.searchsorted(video.annotation_frames, (request.center - reach, request.center + reach + 1))
        at_actions += bool(near[1] > near[0])
        shaken += bool(frame_shifts(clips, request).any())
    per_video = np.bincount([request.video_id for request in requests], minlength=len(clips.videos))
    return DrawSummary(
        num_clips=len(requests),
        clips_per_label=dict(zip(experiment.task.labels, targets.sum(axis=0).tolist(), strict=True)),
        num_without_action=int((~targets.any(axis=1)).sum()),
        num_at_actions=at_actions,
        num_shaken=shaken,
        clips_per_video=tuple(per_video.tolist()),
    )


def frame_shifts(clips: Clips, request: ClipRequest) -> NDArray[np.int64]:
    """Return how many source frames each frame of a clip was shaken by, int64 [T]."""
    video = clips.videos[request.video_id]
    in_place = video.grid.indices[clips.clip.indices(request.center, video.num_frames)]
    shifts: NDArray[np.int64] = request.indices - in_place
    return shifts
