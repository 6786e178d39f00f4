"""Counts of what an epoch of training clips draws, as text."""

import numpy as np
from numpy.typing import NDArray

from bvas.experiment.experiment import Experiment
from bvas.loading.clip_requests import ClipRequest, Clips
from bvas.loading.sampling import frames_near
from bvas.values.plural import count_text


def draw_summary(clips: Clips, experiment: Experiment) -> tuple[str, ...]:
    """Return lines of text about what the first epoch of a run draws.

    They count the clips centered within the action window of an annotation or range, those whose targets are all 0,
    those with a shaken frame, those of each video, and those whose target is 1 for a label; a clip may count for
    several labels.
    """
    requests = clips.requests(0, seed=experiment.seed)

    def share(number: int) -> str:
        return f"{number} ({100 * number / len(requests):.0f} %)"

    targets = np.stack([request.targets for request in requests]) > 0
    near = [frames_near(video, experiment.sampling.action_window_frames) for video in clips.videos]
    at_actions = shaken = 0
    for request in requests:
        frames = near[request.video_id]
        place = int(np.searchsorted(frames, request.center))
        at_actions += place < len(frames) and int(frames[place]) == request.center
        shaken += bool(frame_shifts(clips, request).any())
    per_video = np.bincount([request.video_id for request in requests], minlength=len(clips.videos))
    per_label = zip(experiment.task.labels, targets.sum(axis=0).tolist(), strict=True)
    return (
        f"{count_text(len(requests), 'clip')} in an epoch: {share(at_actions)} centered at an action, "
        f"{share(int((~targets.any(axis=1)).sum()))} without an action in the target window, "
        f"{share(shaken)} with shaken frames; "
        f"{count_text(len(per_video), 'video')}, {per_video.min()} to {per_video.max()} clips from each",
        f"clips per label: {', '.join(f'{label} {share(number)}' for label, number in per_label)}",
    )


def frame_shifts(clips: Clips, request: ClipRequest) -> NDArray[np.int64]:
    """Return how many source frames each frame of a clip was shaken by, int64 [T]."""
    video = clips.videos[request.video_id]
    in_place = video.grid.indices[clips.frames_at(request.video_id, request.center)]
    shifts: NDArray[np.int64] = request.indices - in_place
    return shifts
