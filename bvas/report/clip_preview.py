"""Preview of training clips: draws, frames as read, targets and augmentation."""

import numpy as np
import torch
from numpy.typing import NDArray

from bvas.augment.augmenter import ClipAugmenter
from bvas.augment.describe import describe
from bvas.augment.draws import Draws
from bvas.errors import DecodeError
from bvas.experiment.experiment import Experiment
from bvas.loading.clip_requests import ClipRequest, Clips
from bvas.loading.device_fit import DeviceFit
from bvas.loading.skip_policy import OnError
from bvas.report.contact_sheet import SheetClip, shown_frames
from bvas.tasks.draw_summary import frame_shifts
from bvas.values.color import to_unit_frames
from bvas.video.decode.open_video import open_video


def preview_clips(
    clips: Clips, experiment: Experiment, *, num_clips: int, device: torch.device, on_error: OnError = "raise"
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
    form, scaling = experiment.input.form, experiment.input.luma_scaling
    fit = DeviceFit(form, scaling) if form.is_scaled_on_device else None
    found = []
    for sample in range(min(num_clips, clips.num_clips)):
        request = clips.request(sample, epoch=0, seed=experiment.seed)
        assert request is not None, "a first attempt always has a clip"
        video = clips.videos[request.video_id]
        try:
            with open_video(video.path, "pyav", **form.reading) as reader:
                frames = reader.read(request.indices.tolist(), request.cuts if fit is None else None)
        except DecodeError:
            if on_error == "raise":
                raise
            continue
        frames = frames.to(device)
        if fit is None:
            unit = to_unit_frames(frames[None], [video.form], scaling)
        else:
            unit = fit(frames, video.form, video.sample_aspect, request.cuts)[None]
        changed = augment(unit, torch.tensor([request.seed]))
        found.append(_sheet_clip(clips, experiment, request, unit, changed))
    return found


def _sheet_clip(
    clips: Clips, experiment: Experiment, request: ClipRequest, read: torch.Tensor, augmented: torch.Tensor
) -> SheetClip:
    video = clips.videos[request.video_id]
    seconds = float(video.grid.seconds[request.center])
    shown = shown_frames(clips.clip.num_frames)
    names = [f"source frame {request.indices[number]}" for number in shown]
    center = shown.index(clips.clip.num_frames // 2)
    names[center] += ", center"
    changes = describe(experiment.augment, Draws(torch.tensor([request.seed])))[0]
    shifts = frame_shifts(clips, request)
    if shifts.any():
        shaken = " ".join(f"{shift:+d}" if shift else "0" for shift in shifts)
        changes = (f"frames shaken: {shaken}", *changes)
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
    """Return [n, H, W] of luma, [n, H, W, 3] of RGB [n, 3, H, W]."""
    pictures: NDArray[np.uint8] = (frames * 255).round().byte().cpu().numpy()
    return pictures if pictures.ndim == 3 else np.moveaxis(pictures, 1, -1)
