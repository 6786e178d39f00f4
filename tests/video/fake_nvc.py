"""A stand-in for PyNvVideoCodec on a machine without a GPU, with its real manners.

Packets are read through their pointer, without a container. Pictures live in a pool that the next call
overwrites (poisoned here), carry the time of their packet, and come in display order with a delay.
"""

import ctypes
from contextlib import nullcontext
from types import SimpleNamespace
from typing import ClassVar

import av
import numpy as np
import torch

from bvas.video.cuda_decoder import CudaDecoder


class PyNvVCException(Exception):  # noqa: N818, as PyNvVideoCodec names it
    pass


class PyNvVCExceptionUnsupported(Exception):  # noqa: N818
    pass


class PacketData:
    def __init__(self):
        self.bsl_data = self.bsl = self.pts = self.dts = 0


class DecodedFrame:
    def __init__(self, surface, pts):
        self._surface, self._pts = surface, pts

    def getPTS(self):  # noqa: N802, as PyNvVideoCodec names it
        return self._pts

    def __dlpack__(self, stream=0):
        return self._surface.__dlpack__()

    def __dlpack_device__(self):
        return self._surface.__dlpack_device__()


class Decoder:
    def __init__(self, codec, lost_pts):
        self._codec, self._lost_pts = codec, lost_pts
        self._decoder = av.CodecContext.create(codec, "r")
        self._pool = []

    def Decode(self, packet):  # noqa: N802
        for surface in self._pool:
            surface.fill_(77)
        if packet.bsl:
            coded = av.Packet(ctypes.string_at(packet.bsl_data, packet.bsl))
            coded.pts = packet.pts
            frames = self._decoder.decode(coded)
        else:
            frames = self._decoder.decode(None)
            self._decoder = av.CodecContext.create(self._codec, "r")
        self._pool = [as_surface(frame) for frame in frames]
        return [
            DecodedFrame(surface, frame.pts)
            for surface, frame in zip(self._pool, frames, strict=True)
            if frame.pts not in self._lost_pts
        ]


def as_surface(frame):
    """NV12 or P016 of a libav frame, as NVDEC lays it out: luma rows, then half as many chroma rows."""
    wide = frame.format.name.endswith("10le")
    plane = np.frombuffer(frame.planes[0], np.uint16 if wide else np.uint8).reshape(frame.height, -1)
    luma = plane[:, : frame.width].astype(np.int32) << (6 if wide else 0)
    surface = np.full((frame.height * 3 // 2, frame.width), 128, np.uint16 if wide else np.uint8)
    surface[: frame.height] = luma
    return torch.from_numpy(surface)


class FakeModule(SimpleNamespace):
    __hash__ = object.__hash__


def make_fake(*, caps=None, lost_pts=()):
    """The module, with the given answer of GetDecoderCaps, losing pictures of the given times."""
    return FakeModule(
        PyNvVCException=PyNvVCException,
        PyNvVCExceptionUnsupported=PyNvVCExceptionUnsupported,
        PacketData=PacketData,
        cudaVideoCodec=SimpleNamespace(H264="h264", HEVC="hevc", VP9="vp9", AV1="libdav1d"),
        cudaVideoChromaFormat=SimpleNamespace(**{"420": 1}),
        OutputColorType=SimpleNamespace(NATIVE=0),
        GetDecoderCaps=lambda **asked: caps or {"supported": 1, "width_max": 4096, "height_max": 4096},
        CreateDecoder=lambda codec: Decoder(codec, set(lost_pts)),
    )


class HostDecoder(CudaDecoder):
    """`CudaDecoder` where there is no CUDA: the same but for the stream."""

    made: ClassVar[list] = []

    def __init__(self, nvc, *, gpu, codec, size):
        self.size = size
        self.is_open = True
        self._torch = torch
        self._decoder = nvc.CreateDecoder(getattr(nvc.cudaVideoCodec, codec))
        self.made.append(self)

    def _current(self):
        return nullcontext()

    def hand_over(self, luma):
        pass

    def close(self):
        self.is_open = False
