"""PyNvVideoCodec: import, choice of the GPU, decoder sessions with copies of their pictures, and a pool of sessions."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.system.c_output import print_to_stderr
from bvas.system.log_lines import first_line
from bvas.system.nvdec_caps import decoder_caps, fault_of_version
from bvas.video.index.frame_table import VideoInfo

if TYPE_CHECKING:
    from torch import Tensor

from collections.abc import Hashable


def load_pynvvideocodec(info: VideoInfo) -> Any:
    """Import PyNvVideoCodec.

    Raises:
        DecodeError: it does not load or is too old; the message names `info` and the remedy.
    """
    # It links the driver's libraries when it is imported. So only readers that decode with it import it, and the
    # import fails with any error of the loader.
    try:
        nvc = import_module("PyNvVideoCodec")
    except (ImportError, RuntimeError, OSError) as error:
        raise refusal(
            info,
            f"cannot be decoded by NVDEC here, PyNvVideoCodec does not load ({first_line(error)}): "
            "install the NVIDIA driver; in a container set NVIDIA_DRIVER_CAPABILITIES=compute,utility,video",
        ) from error
    if fault := fault_of_version(nvc):
        raise refusal(info, f"cannot be decoded by NVDEC here: {fault}")
    # It prints what NVDEC reports of damage, which would stand among the results of a command.
    print_to_stderr()
    return nvc


def gpu_of(device: str, info: VideoInfo) -> int:
    """Return the number of the GPU that `cuda` or `cuda:N` means. Initialises CUDA.

    Raises:
        DecodeError: the GPU does not exist, or torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise refusal(info, "cannot be decoded by NVDEC here, torch is not installed") from error
    if not torch.cuda.is_available():
        raise refusal(info, "cannot be decoded by NVDEC here, torch finds no CUDA device")
    gpu = torch.device(device).index
    gpu = torch.cuda.current_device() if gpu is None else gpu
    if gpu >= torch.cuda.device_count():
        raise refusal(
            info, f"is to be decoded on {device}, torch has {torch.cuda.device_count()} CUDA devices"
        )
    return gpu


def num_engines(info: VideoInfo, device: str) -> int:
    """Return how many decoders the GPU has, of which each reader keeps one busy; 1 if the driver states none.

    Args:
        info: A video that NVDEC decodes there.
        device: `cuda` or `cuda:N`.
    """
    caps = decoder_caps(gpu_of(device, info), info.codec, info.bit_depth)
    return max(1, int(caps.num_engines))


def errors_of(nvc: Any) -> tuple[type[Exception], ...]:
    """Return the exceptions that PyNvVideoCodec raises."""
    return (RuntimeError, ValueError, nvc.PyNvVCException, nvc.PyNvVCExceptionUnsupported)


def refusal(info: VideoInfo, reason: str) -> DecodeError:
    """Return the error for a file that NVDEC does not read here."""
    return DecodeError(f'{info.path} {reason}; backend="pyav" reads it on the CPU', path=info.path)


class CudaDecoder:
    """One decoder session and its CUDA stream. It knows packets and pictures, but no files.

    A session is made for the pictures of one sequence header. PyNvVideoCodec would reconfigure it for those of
    another: it then scales them to the size of the first ones, and keeps as many surfaces as those needed.
    """

    # The last table from HDR to SDR and its copy on the GPU: a decoder may serve files with different tables.
    _table: "tuple[NDArray[np.uint8], Tensor] | None" = None

    def __init__(self, nvc: Any, *, gpu: int, codec: str, size: tuple[int, int]) -> None:
        """Make a decoder.

        Args:
            nvc: The module PyNvVideoCodec.
            gpu: Number of the GPU.
            codec: PyNvVideoCodec's name of the codec.
            size: (h, w) of its pictures.
        """
        self._size = size
        torch = self._torch = import_module("torch")
        self._gpu = gpu
        # PyNvVideoCodec takes the primary context, which torch has to have made current on this thread.
        with torch.cuda.device(gpu):
            torch.cuda.current_stream().synchronize()
            # torch gives its 32 streams of each priority in turn. CUDA graphs are captured on one of the usual
            # priority, which must be idle otherwise, so the decoder takes one of a higher priority.
            self._stream = torch.cuda.Stream(device=gpu, priority=-1)
        with self._torch.cuda.stream(self._stream):
            self._decoder = nvc.CreateDecoder(
                gpuid=gpu,
                codec=getattr(nvc.cudaVideoCodec, codec),
                cudacontext=0,
                cudastream=self._stream.cuda_stream,
                usedevicememory=True,
                outputColorType=nvc.OutputColorType.NATIVE,
            )

    def decode(self, packet: Any) -> list[Any]:
        """Feed one `PacketData`, an empty one at the end of a stream; the pictures are valid until the next call."""
        with self._torch.cuda.stream(self._stream):
            return list(self._decoder.Decode(packet))

    def planes_of(
        self, frame: Any, tone: NDArray[np.uint8] | None = None, *, is_color: bool = False
    ) -> "tuple[Tensor, ...]":
        """Copy the luma out of a decoder's picture, uint8 [h, w], and of color the chroma planes.

        Args:
            frame: The picture.
            tone: SDR luma of each code of an HDR video, uint8 [2 ** bits]; None where codes are shifted to 8 bits.
            is_color: Copy chroma too.

        Raises:
            ValueError: the picture is not of this decoder's size.
        """
        with self._torch.cuda.stream(self._stream):
            # The surface is the decoder's own memory, which its next call overwrites.
            surface = self._torch.from_dlpack(frame)
            table = None if tone is None else self._on_device(tone, surface.device)
            luma = luma_of_surface(surface, self._size, table)
            return (luma, *chroma_of_surface(surface, self._size)) if is_color else (luma,)

    def _on_device(self, tone: NDArray[np.uint8], device: Any) -> "Tensor":
        if self._table is None or self._table[0] is not tone:
            # torch warns at read-only arrays, as those of `tone_table` are: the copy is writable.
            self._table = tone, self._torch.from_numpy(tone.copy()).to(device)
        return self._table[1]

    def hand_over(self, plane: "Tensor") -> None:
        """Wait until a copied plane is complete, for use on the current stream."""
        self._stream.synchronize()
        # Else torch's allocator could give its memory to the next copy while the receiver still reads it.
        plane.record_stream(self._torch.cuda.current_stream(self._gpu))

    def synchronize(self) -> None:
        """Wait until all that was copied out is complete."""
        self._stream.synchronize()

    def close(self) -> None:
        """End the session. Its memory goes with the last picture of it that is still held."""
        self._stream.synchronize()
        self._decoder = None


def luma_of_surface(surface: "Tensor", size: tuple[int, int], table: "Tensor | None" = None) -> "Tensor":
    """Return a copy of the luma of a decoder's surface, uint8 [h, w].

    Args:
        surface: NV12 as uint8, or P016 (bits at the top of 16): the luma, below it chroma of half as many rows. Rows
            are of even length, and those of an odd picture's chroma are counted up or down.
        size: (h, w) of the picture.
        table: SDR luma of each code of an HDR video, uint8 [2 ** bits] on the surface's device; None shifts to 8 bits.

    Raises:
        ValueError: the surface holds a picture of another size.
    """
    height, width = size
    rows, columns = surface.shape
    if columns not in (width, width + width % 2) or rows not in (height * 3 // 2, height + (height + 1) // 2):
        raise ValueError(f"a surface of {rows} rows of {columns} does not hold a picture of {width}x{height}")
    luma = surface[:height, :width]
    return _in_eight_bits(luma) if table is None else mapped_luma(luma, table)


def chroma_of_surface(surface: "Tensor", size: tuple[int, int]) -> "tuple[Tensor, Tensor]":
    """Return copies of blue and red difference of a decoder's surface, uint8 [ceil(h / 2), ceil(w / 2)] each.

    Where the rows of an odd picture's chroma are counted down, the last one is repeated.

    Args:
        surface: As that of `luma_of_surface`, which has checked it.
        size: (h, w) of the picture.
    """
    import torch

    height, width = size
    pairs = _in_eight_bits(surface[height:, : width + width % 2])
    if len(pairs) < (height + 1) // 2:
        pairs = torch.cat([pairs, pairs[-1:]])
    return pairs[:, 0::2].contiguous(), pairs[:, 1::2].contiguous()


def _in_eight_bits(luma: "Tensor") -> "Tensor":
    """Return a copy of luma in 8 bits; of 16, the upper 8 are taken."""
    import torch

    if luma.dtype == torch.uint8:
        return luma.clone(memory_format=torch.contiguous_format)
    # Little-endian: the second byte of each pair holds the upper 8 bits.
    pairs = luma.contiguous().view(torch.uint8)
    return pairs[:, 1::2].contiguous()


def mapped_luma(luma: "Tensor", table: "Tensor") -> "Tensor":
    """Return the SDR luma of a decoder's HDR luma, uint8 [h, w].

    Args:
        luma: uint8 [h, w], or uint16 with the bits at the top.
        table: SDR luma of each code, uint8 [2 ** bits] on the same device.
    """
    import torch

    bits = table.numel().bit_length() - 1
    if luma.dtype == torch.uint8:
        return table[luma.to(torch.int32) << (bits - 8)]
    # torch shifts no uint16: as int16 the upper half is negative, until it is masked.
    codes = luma.contiguous().view(torch.int16).to(torch.int32) >> (16 - bits) & (1 << bits) - 1
    return table[codes]


class DecoderPool:
    """Idle decoders of one process and one thread, by kind: one decoder serves all files of its kind."""

    def __init__(self, *, max_idle: int = 4) -> None:
        self._max_idle = max_idle
        self._idle: list[tuple[Hashable, CudaDecoder]] = []

    def take(self, kind: Hashable) -> CudaDecoder | None:
        """Return the most recently used idle decoder of this kind, or None."""
        for place in range(len(self._idle) - 1, -1, -1):
            other, decoder = self._idle[place]
            if other == kind:
                del self._idle[place]
                return decoder
        return None

    def give(self, kind: Hashable, decoder: CudaDecoder) -> None:
        """Leave a decoder for the next file; beyond `max_idle` the one unused for longest is closed."""
        self._idle.append((kind, decoder))
        while len(self._idle) > self._max_idle:
            self._idle.pop(0)[1].close()

    def close(self) -> None:
        """Close all idle decoders."""
        while self._idle:
            self._idle.pop()[1].close()
