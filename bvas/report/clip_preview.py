"""Preview of training clips: draws, frames as read, targets and augmentation."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bvas.augment.augmenter import ClipAugmenter
from bvas.augment.describe import describe
from bvas.augment.draws import Draws
from bvas.errors import DecodeError
from bvas.experiment.experiment import Experiment
from bvas.loading.clip_requests import ClipRequest, TrainingClips
from bvas.loading.skip_policy import OnError
from bvas.report.contact_sheet import SheetClip, shown_frames
from bvas.values.luma import to_unit
from bvas.values.plural import count_text
from bvas.video.decode.open_video import open_video


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingSummary:
    """Summary of the draws of an epoch."""

    num_clips: int
    clips_per_label: dict[str, int]
    """Clips whose target is 1 for the label; a clip may count for several."""
    num_without_action: int
    """Clips whose targets are all 0."""
    num_at_actions: int
    """Clips centered within the action window of an annotation."""
    num_shaken: int
    """Clips with a frame that was moved."""
    clips_per_video: tuple[int, ...]
    """For each video, in order."""

    def lines(self) -> tuple[str, ...]:
        """Return it in words."""

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


def summarize_sampling(clips: TrainingClips, experiment: Experiment) -> SamplingSummary:
    """Count what the first epoch of a run draws."""
    requests = clips.requests(0, seed=experiment.seed)
    targets = np.stack([request.targets for request in requests]) > 0
    reach = clips.sampling.action_window_frames // 2
    at_actions = shaken = 0
    for request in requests:
        video = clips.videos[request.video_id]
        near = np.searchsorted(video.annotation_frames, (request.center - reach, request.center + reach + 1))
        at_actions += bool(near[1] > near[0])
        shaken += bool(_shifts(clips, request).any())
    per_video = np.bincount([request.video_id for request in requests], minlength=len(clips.videos))
    return SamplingSummary(
        num_clips=len(requests),
        clips_per_label=dict(zip(experiment.task.labels, targets.sum(axis=0).tolist(), strict=True)),
        num_without_action=int((~targets.any(axis=1)).sum()),
        num_at_actions=at_actions,
        num_shaken=shaken,
        clips_per_video=tuple(per_video.tolist()),
    )


def preview_clips(
    clips: TrainingClips,
    experiment: Experiment,
    *,
    num_clips: int,
    device: torch.device,
    on_error: OnError = "raise",
) -> list[SheetClip]:
    """Read the first clips of a run's first epoch, in this process, and change them as training does.

    Args:
        clips: What the run trains on.
        experiment: Its size, scaling, augmentation and seed.
        num_clips: How many; fewer if an epoch has fewer.
        device: Where they are changed.
        on_error: Whether a clip that cannot be decoded is an error, or left out.

    Raises:
        DecodeError: a clip cannot be decoded.
    """
    augment = ClipAugmenter(experiment.augment)
    found = []
    for sample in range(min(num_clips, clips.num_clips)):
        request = clips.request(sample, epoch=0, seed=experiment.seed)
        video = clips.videos[request.video_id]
        try:
            with open_video(video.path, "pyav", size=experiment.input.size) as reader:
                frames = reader.read(request.indices.tolist())
        except DecodeError:
            if on_error == "raise":
                raise
            continue
        unit = to_unit(frames[None].to(device), [video.color_range], experiment.input.luma_scaling)
        changed = augment(unit, torch.tensor([request.seed]))
        found.append(_sheet_clip(clips, experiment, request, unit, changed))
    return found


def _sheet_clip(
    clips: TrainingClips,
    experiment: Experiment,
    request: ClipRequest,
    read: torch.Tensor,
    augmented: torch.Tensor,
) -> SheetClip:
    video = clips.videos[request.video_id]
    seconds = float(video.grid.seconds[request.center])
    shown = shown_frames(clips.clip.num_frames)
    names = [f"source frame {request.indices[number]}" for number in shown]
    center = shown.index(clips.clip.num_frames // 2)
    names[center] += ", center"
    changes = describe(experiment.augment, Draws(torch.tensor([request.seed])))[0]
    shifts = _shifts(clips, request)
    if shifts.any():
        changes = (
            f"frames shaken: {' '.join(f'{shift:+d}' if shift else '0' for shift in shifts)}",
            *changes,
        )
    return SheetClip(
        title=f"{video.path.parent.name}/{video.path.name}, {seconds:.2f} s, grid frame {request.center}",
        targets=tuple(zip(experiment.task.labels, request.targets.tolist(), strict=True)),
        read=_bytes(read[0, shown]),
        augmented=_bytes(augmented[0, shown]),
        frame_names=tuple(names),
        center=center,
        changes=changes,
    )


def _bytes(frames: torch.Tensor) -> NDArray[np.uint8]:
    pictures: NDArray[np.uint8] = (frames * 255).round().byte().cpu().numpy()
    return pictures


def _shifts(clips: TrainingClips, request: ClipRequest) -> NDArray[np.int64]:
    """Return by how many source frames each frame of a clip lies beside its place [T]."""
    video = clips.videos[request.video_id]
    in_place = video.grid.indices[clips.clip.indices(request.center, video.num_frames)]
    shifts: NDArray[np.int64] = request.indices - in_place
    return shifts
