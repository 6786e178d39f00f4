"""The tests' side of the emulated driver: decoding, what a test may set, and what it can count."""

import atexit
import ctypes
import gc
from ctypes import POINTER, c_int, c_long, c_longlong, c_size_t, c_ulong, c_void_p
from typing import Any

from . import torch_cuda
from .decoding import LibavDecoder

_PACKET = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_void_p, c_size_t, c_ulong, c_longlong)
_END = ctypes.CFUNCTYPE(None, c_void_p)
_END_OF_STREAM, _END_OF_PICTURE = 1, 8


class Counts(ctypes.Structure):
    """`struct emulation_counts`."""

    _fields_ = [
        (name, c_long)
        for name in (
            "contexts_made contexts retained memory events streams parsers decoders decoders_made mapped "
            "sequences reconfigured packets waits"
        ).split()
    ]


class Picture(ctypes.Structure):
    """`struct emulation_picture`."""

    _fields_ = [
        *((name, c_int) for name in ("height", "width", "coded_height", "coded_width", "top", "left")),
        *((name, c_int) for name in ("bit_depth", "num_surfaces", "is_shown", "is_damaged")),
        ("time", c_longlong),
        ("planes", ctypes.c_char_p),
    ]


class Chip(ctypes.Structure):
    """`struct emulation_chip`."""

    _fields_ = [
        (name, c_int)
        for name in (
            "is_supported num_engines min_width min_height max_width max_height max_macroblocks"
        ).split()
    ]


class Driver:
    """The driver of this process. Tests set its chip and what goes wrong, and read its counts."""

    def __init__(self, cuda: ctypes.CDLL, cuvid: ctypes.CDLL, _encode: ctypes.CDLL) -> None:
        self.library = cuda
        """libcuda."""
        self._cuvid = cuvid
        self._counts = Counts.in_dll(cuda, "emulation_counts")
        self.chip = Chip.in_dll(cuvid, "emulation_chip")
        self.lost: set[int] = set()
        """Times of pictures that are decoded and not output."""
        self.damaged: set[int] = set()
        """Times of pictures that are reported as damaged."""
        self._decoders: dict[int, LibavDecoder] = {}
        self._errors: list[str] = []
        cuvid.emulation_show.argtypes = [c_void_p, POINTER(Picture)]
        # Kept alive: C code calls them.
        self._packet, self._end = _PACKET(self._on_packet), _END(self._on_end)
        cuvid.emulation_decode_with(self._packet, self._end)
        atexit.register(cuvid.emulation_decode_with, None, None)
        torch_cuda.install(cuda.emulation_use_primary_context)
        self.reset()

    def reset(self) -> None:
        """Forget what a test has set, and the faults so far."""
        for name, value in (
            ("is_supported", 1),
            ("num_engines", 7),
            ("min_width", 48),
            ("min_height", 16),
            ("max_width", 8192),
            ("max_height", 8192),
            ("max_macroblocks", 8192 * 8192 // 256),
        ):
            setattr(self.chip, name, value)
        self.lost, self.damaged = set(), set()
        self.fail_after(0)
        self.faults()

    def fail_after(self, num_pictures: int) -> None:
        """Let the driver fail at a picture from now on, once; 0: never."""
        self._may_fail = num_pictures > 0
        c_int.in_dll(self._cuvid, "emulation_fail_after").value = num_pictures

    def counts(self) -> dict[str, int]:
        """Return all counts; see emulation.h."""
        return {name: getattr(self._counts, name) for name, _ in Counts._fields_}

    def faults(self) -> list[str]:
        """Return what went wrong since it was last asked, and forget it."""
        text = ctypes.create_string_buffer(1 << 16)
        self.library.emulation_take_faults(text, c_size_t(len(text)))
        found, self._errors = self._errors + text.value.decode().splitlines(), []
        return list(dict.fromkeys(found))

    def held(self) -> dict[str, int]:
        """Return how much of each kind is alive, and the depth of this thread's stack of contexts."""
        kinds = ("contexts", "retained", "memory", "events", "streams", "parsers", "decoders", "mapped")
        # The first use of a device leaves its primary context on the stack.
        depth = max(self.library.emulation_depth(), 1)
        return {kind: self.counts()[kind] for kind in kinds} | {"depth": depth}

    def leaks(self, before: dict[str, int]) -> dict[str, int]:
        """Return what is alive beyond what was."""
        if self.held() != before:
            gc.collect()
        held = self.held()
        if self._may_fail:
            # Where PyNvVideoCodec raises, it leaves its context on the stack.
            held["depth"] = before["depth"]
        return {kind: count - before[kind] for kind, count in held.items() if count != before[kind]}

    def _on_packet(self, parser: int, codec: int, data: int, size: int, flags: int, time: int) -> None:
        # An exception cannot pass through C: it is a fault, and so fails the test.
        try:
            decoder = self._decoders.get(parser)
            if decoder is None:
                decoder = self._decoders[parser] = LibavDecoder(codec)
            coded = ctypes.string_at(data, size) if size else b""
            for picture in decoder.decode(
                coded,
                time,
                is_whole=bool(flags & _END_OF_PICTURE),
                is_end=bool(flags & _END_OF_STREAM),
            ):
                self._show(parser, picture)
        except BaseException as error:  # noqa: BLE001
            self._errors.append(f"the emulation failed: {error!r}")

    def _show(self, parser: int, picture: Any) -> None:
        about = Picture(
            **{name: getattr(picture, name) for name, _ in Picture._fields_ if hasattr(picture, name)},
            is_shown=picture.time not in self.lost,
            is_damaged=picture.time in self.damaged,
        )
        self._cuvid.emulation_show(parser, ctypes.byref(about))

    def _on_end(self, parser: int) -> None:
        self._decoders.pop(parser, None)
