"""What a decoder does on its GPU: its CUDA stream, and copies out of the pictures that it owns."""

from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


class CudaSide:
    """The CUDA stream of one decoder, and what happens on it."""

    def __init__(self, gpu: int) -> None:
        torch = self._torch = import_module("torch")
        self._gpu = gpu
        # PyNvVideoCodec takes the primary context, which torch has to have made current on this thread.
        with torch.cuda.device(gpu):
            torch.cuda.current_stream().synchronize()
            self._stream = torch.cuda.Stream(device=gpu)

    def create_decoder(self, nvc: Any, codec: str) -> Any:
        """Make a decoder that works on this stream."""
        return nvc.CreateDecoder(
            gpuid=self._gpu,
            codec=getattr(nvc.cudaVideoCodec, codec),
            cudacontext=0,
            cudastream=self._stream.cuda_stream,
            usedevicememory=True,
            outputColorType=nvc.OutputColorType.NATIVE,
        )

    def run(self, function: Any, *arguments: Any) -> Any:
        """Call something of the decoder's with its device and stream current."""
        with self._current():
            return function(*arguments)

    def luma_of(self, frame: Any) -> "Tensor":
        """Copy the luma out of a decoder's picture, uint8 [h, w]."""
        with self._current():
            # The surface is the decoder's own memory, which its next call overwrites.
            return luma_of_surface(self._torch.from_dlpack(frame))

    def hand_over(self, luma: "Tensor") -> None:
        """Wait until a copied luma is complete; the stream that is current may then use it."""
        self._stream.synchronize()
        # Else the allocator could give its memory to the next copy while the receiver still reads.
        luma.record_stream(self._torch.cuda.current_stream(self._gpu))

    def _current(self) -> AbstractContextManager[Any]:
        context: AbstractContextManager[Any] = self._torch.cuda.stream(self._stream)
        return context


def luma_of_surface(surface: "Tensor") -> "Tensor":
    """Return a copy of the luma of a decoder's surface, uint8 [h, w].

    Args:
        surface: NV12 as uint8 [h * 3 / 2, w], or P016 (bits at the top of 16) of the same shape.
    """
    import torch

    luma = surface[: surface.shape[0] * 2 // 3]
    if luma.dtype == torch.uint8:
        return luma.clone()
    # Little-endian: the second byte of each pair holds the upper 8 bits.
    pairs = luma.contiguous().view(torch.uint8)
    return pairs[:, 1::2].contiguous()
