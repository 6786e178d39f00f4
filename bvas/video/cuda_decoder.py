"""A decoder of PyNvVideoCodec on its GPU: its CUDA stream, and copies out of the pictures that it owns."""

from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


class CudaDecoder:
    """One decoder session and the CUDA stream that it works on. It knows nothing of files."""

    def __init__(self, nvc: Any, *, gpu: int, codec: str, size: tuple[int, int]) -> None:
        """Make a decoder.

        Args:
            nvc: The module PyNvVideoCodec.
            gpu: Number of the GPU.
            codec: PyNvVideoCodec's name of the codec.
            size: (h, w) of the largest picture that it can be reconfigured to.
        """
        self.size = size
        torch = self._torch = import_module("torch")
        self._gpu = gpu
        # PyNvVideoCodec takes the primary context, which torch has to have made current on this thread.
        with torch.cuda.device(gpu):
            torch.cuda.current_stream().synchronize()
            self._stream = torch.cuda.Stream(device=gpu)
        with self._current():
            self._decoder = nvc.CreateDecoder(
                gpuid=gpu,
                codec=getattr(nvc.cudaVideoCodec, codec),
                cudacontext=0,
                cudastream=self._stream.cuda_stream,
                usedevicememory=True,
                # Coded pictures are whole blocks, of up to 64 x 64 samples.
                maxwidth=_whole_blocks(size[1]),
                maxheight=_whole_blocks(size[0]),
                outputColorType=nvc.OutputColorType.NATIVE,
            )

    def decode(self, packet: Any) -> list[Any]:
        """Feed one `PacketData`, an empty one at the end of a stream; its pictures live until the next call."""
        with self._current():
            return list(self._decoder.Decode(packet))

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

    def close(self) -> None:
        """End the session. Its memory goes with the last picture of it that is still held."""
        self._stream.synchronize()
        self._decoder = None

    def _current(self) -> AbstractContextManager[Any]:
        context: AbstractContextManager[Any] = self._torch.cuda.stream(self._stream)
        return context


def _whole_blocks(pixels: int) -> int:
    return (pixels + 63) // 64 * 64


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
