"""PyTorch as the engine of the streaming algorithm."""

# Dimension letters in this file:
#   n frames, S frames per stack, N stacks per clip, M stacks or clips in a batch, R slots of a ring buffer,
#   V flips (2 with flip TTA: the picture and its mirror image), C E h w what is kept of a stack, K labels.

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvas.inference.flip_tta import check_models, mean_scores, with_flipped
from bvas.inference.model_parts import ModelParts, torch_parts
from bvas.inference.precision import check_dtype, default_batch, float32_convolutions
from bvas.inference.prepared_model import PreparedModel
from bvas.inference.repeats import repeated_frames
from bvas.loading.device_fit import DeviceFit
from bvas.models.spotting import SpottingModel
from bvas.system.compiled_function import CompiledCalls
from bvas.system.devices import to_device
from bvas.values.clip_config import ClipConfig
from bvas.values.color import FrameForm, to_unit_frames
from bvas.values.luma import LumaScaling


class TorchEngine:
    """Several models at once, and their mirror images; the scores are the mean."""

    def __init__(
        self,
        models: Sequence[SpottingModel],
        clip: ClipConfig,
        *,
        luma_scaling: LumaScaling = "range",
        fit: DeviceFit | None = None,
        flip_tta: bool = True,
        dtype: torch.dtype = torch.float32,
        compiled: bool = False,
        parts: Callable[[Sequence[PreparedModel]], Sequence[ModelParts]] = torch_parts,
    ) -> None:
        """Take models to predict with; their weights are copied.

        Args:
            models: At least one, of this clip, on one device; put in evaluation mode.
            clip: Frames that a clip holds.
            luma_scaling: How luma becomes [0, 1].
            fit: Scales frames of the source's size; None where they come in the model's.
            flip_tta: Average with the scores of the mirrored clip; twice the work.
            dtype: Type that is computed in: torch.float32, torch.bfloat16, or torch.float16 on CUDA.
            compiled: Compile what full batches run through; for CUDA and long videos.
            parts: Decides which engine computes each part of the models; PyTorch unless told otherwise.

        Raises:
            ConfigError: models that differ from each other or from the clip, or a type that does not suit the device.
        """
        self._device = check_models(models, clip)
        check_dtype(dtype, self._device)
        self.clip = clip
        self.num_labels = models[0].num_labels
        self.half = "" if dtype == torch.float32 else str(dtype).removeprefix("torch.")
        self._models = parts([PreparedModel(model, dtype) for model in models])
        self._luma_scaling: LumaScaling = luma_scaling
        self._fit = fit
        self._flip = flip_tta
        self._num_flips = 2 if flip_tta else 1
        self._dtype = dtype
        self._steady = CompiledCalls(compiled, graphs=True)
        self.reserve(1, 1)

    def reserve(self, num_frames: int, num_stacks: int) -> None:
        """Begin a video, with so many slots."""
        self._frames = _Ring(num_frames)
        """[1, R, H, W], of RGB [1, R, 3, H, W], in [0, 1]."""
        self._features: list[list[_Ring]] = [[] for _ in self._models]
        """Of each model what `PreparedModel.encode` gives, [V, R, h, w, C or E]; from the first stacks on."""
        self._num_stacks = num_stacks

    def default_batch(self, size: tuple[int, int]) -> int:
        """Return the batch size for this device and frames of (H, W)."""
        return default_batch(self._device, size if self._fit is None else self._fit.size, self._num_flips)

    def to_frames(self, frames: NDArray[np.uint8] | Tensor) -> Tensor:
        """Return frames as a tensor."""
        if isinstance(frames, Tensor):
            return frames
        # PyTorch warns of arrays that are read-only, as those of shared memory may be.
        return torch.from_numpy(np.require(frames, requirements=["C", "W"]))

    @torch.inference_mode()
    def repeats(self, frames: Tensor, before: Tensor | None) -> NDArray[np.bool_]:
        """Return whether each frame is byte-equal to the one before it, where the frames lie."""
        if frames.device.type == "cpu":
            return repeated_frames(frames.numpy(), None if before is None else before.numpy())
        first = frames.new_zeros(1, dtype=torch.bool) if before is None else _equal(frames[:1], before)
        is_repeat: NDArray[np.bool_] = torch.cat([first, _equal(frames[1:], frames[:-1])]).cpu().numpy()
        return is_repeat

    @torch.inference_mode()
    def put_frames(
        self, slots: NDArray[np.int64], frames: Tensor, form: FrameForm, sample_aspect: Fraction
    ) -> None:
        """Keep frames in [0, 1]."""
        frames = frames.to(self._device)
        if self._fit is None:
            unit = to_unit_frames(frames[None], [form], self._luma_scaling)
        else:
            unit = self._fit(frames, form, sample_aspect)[None]
        self._frames.put(self._index(slots), unit.to(self._dtype))

    @torch.inference_mode()
    def encode(
        self, frame_slots: NDArray[np.int64], stack_slots: NDArray[np.int64], *, is_full: bool
    ) -> None:
        """Encode stacks [M, S] and keep what each model makes of them."""
        frames = self._frames.take(self._index(frame_slots.ravel()))
        stacks_MSHW = frames.view(*frame_slots.shape, *frames.shape[2:]).flatten(1, -3)
        pictures = with_flipped(stacks_MSHW, self._flip)
        index = self._index(stack_slots)
        with float32_convolutions():
            for model, rings in zip(self._models, self._features, strict=True):
                features = self._steady.run(model.encode, pictures, is_steady=is_full)
                if not rings:
                    rings += [_Ring(self._num_stacks) for _ in features]
                for ring, rows in zip(rings, features, strict=True):
                    ring.put(index, rows.view(self._num_flips, -1, *rows.shape[1:]))

    @torch.inference_mode()
    def score(self, stack_slots: NDArray[np.int64], *, is_full: bool) -> Tensor:
        """Return the scores [M, K] of clips, float32."""
        index = self._index(stack_slots.ravel())
        num_stacks = stack_slots.shape[1]
        logits = []
        with float32_convolutions():
            for model, rings in zip(self._models, self._features, strict=True):
                stacks = [ring.take(index) for ring in rings]
                clips = [rows.view(-1, num_stacks, *rows.shape[2:]) for rows in stacks]
                # The next run of a compiled function overwrites its output.
                logits.append(self._steady.run(model.score, *clips, is_steady=is_full).clone())
        return mean_scores(logits, self._num_flips)

    def to_rows(self, scores: Tensor) -> NDArray[np.float32]:
        """Return scores in the CPU's memory."""
        rows: NDArray[np.float32] = scores.cpu().numpy()
        return rows

    def _index(self, slots: NDArray[np.int64]) -> Tensor:
        return to_device(torch.from_numpy(slots), self._device)


def _equal(frames: Tensor, others: Tensor) -> Tensor:
    """Return whether each frame equals the other one in its place, bool [n]."""
    return (frames == others).flatten(1).all(dim=1)


class _Ring:
    """Slots of a ring buffer on a device; memory is taken with the first rows."""

    def __init__(self, num_slots: int) -> None:
        self._num_slots = num_slots
        self.rows: Tensor | None = None

    def put(self, index: Tensor, rows: Tensor) -> None:
        """Keep rows [V, n, ...] in n slots."""
        if self.rows is None:
            self.rows = rows.new_empty((rows.shape[0], self._num_slots, *rows.shape[2:]))
        self.rows[:, index] = rows

    def take(self, index: Tensor) -> Tensor:
        """Return a copy [V, n, ...] of the rows in n slots; all were put."""
        assert self.rows is not None
        return self.rows.index_select(1, index)
