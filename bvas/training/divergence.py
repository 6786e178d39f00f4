"""Detection of NaN and infinite losses and gradients, without a GPU sync per step."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bvas.errors import TrainingError
from bvas.loading.clip_batch import ClipBatch
from bvas.loading.labelled_video import LabelledVideo
from bvas.training.step import StepResult

_MOST_PENDING = 50
"""Steps whose values may be in transfer; then the oldest is waited for."""
_CLIPS_NAMED = 8


@dataclass(frozen=True, slots=True, eq=False)
class _Pending:
    step: int
    values: Tensor
    """Loss and gradient norm, on the CPU once `copied` has passed."""
    copied: torch.cuda.Event | None
    video_ids: Tensor
    centers: Tensor


class LossWatch:
    """Checks each step's loss and gradient norm as soon as the device has computed them."""

    def __init__(self, videos: Sequence[LabelledVideo], kept: str) -> None:
        """Begin without a step.

        Args:
            videos: Videos that the batches' video ids index.
            kept: For messages: which state of the run was saved.
        """
        self.loss = float("nan")
        """The last loss that was checked."""
        self._videos = videos
        self._kept = kept
        self._pending: deque[_Pending] = deque()

    def add(self, step: int, result: StepResult, batch: ClipBatch) -> None:
        """Add a step, and check those whose values have arrived.

        Raises:
            TrainingError: a value is NaN or infinite.
        """
        values = torch.stack([result.loss, result.gradient_norm])
        copied = None
        if values.is_cuda:
            values = values.to("cpu", non_blocking=True)
            copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            # On the stream of the loss's device, which need not be the current device.
            copied.record(torch.cuda.current_stream(result.loss.device))
        self._pending.append(_Pending(step, values, copied, batch.video_ids, batch.centers))
        while self._pending and (
            len(self._pending) > _MOST_PENDING or (event := self._pending[0].copied) is None or event.query()  # type: ignore[no-untyped-call]
        ):
            self._look(self._pending.popleft())

    def settle(self) -> None:
        """Check all steps, and wait for their values.

        Raises:
            TrainingError: a value is NaN or infinite.
        """
        while self._pending:
            self._look(self._pending.popleft())

    def _look(self, pending: _Pending) -> None:
        if pending.copied is not None:
            pending.copied.synchronize()
        loss, norm = pending.values.tolist()
        if not pending.values.isfinite().all():
            what = f"the loss is {loss}" if loss - loss != 0 else f"the gradients' norm is {norm}"
            raise TrainingError(
                f"{what} in step {pending.step}, with the clips at {self._clips(pending)}; {self._kept}; look at these "
                "clips, or lower the learning rate, set max_gradient_norm, or precision='float32', and start over "
                "with --overwrite"
            )
        self.loss = loss

    def _clips(self, pending: _Pending) -> str:
        frames: dict[str, list[int]] = {}
        places = list(zip(pending.video_ids.tolist(), pending.centers.tolist(), strict=True))
        for video_id, center in places[:_CLIPS_NAMED]:
            frames.setdefault(str(self._videos[video_id].path), []).append(center)
        named = "; ".join(f"{path} frames {', '.join(map(str, at))}" for path, at in frames.items())
        return named + (f" and {len(places) - _CLIPS_NAMED} more" if len(places) > _CLIPS_NAMED else "")
