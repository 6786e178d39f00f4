"""Sources that are read once, fed from files that the tests made."""

import http.server
import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np
from video_samples import number_in

from bvas import DecodeError, open_stream, open_video
from bvas.video.container.read_options import source_of

# A packet of a transport stream that holds nothing.
_NOTHING = b"\x47\x1f\xff\x10" + b"\xff" * 184


def open_any(source, *, growing=False, **options):
    """Open a finished file for random access without the cache, and any other source as a stream."""
    if source_of(source, growing=growing).is_indexable:
        return open_video(source, cache=False, **options)
    return open_stream(source, growing=growing, **options)


@contextmanager
def piped(path: Path, *, hold_at: float = 1.0, release: threading.Event | None = None):
    """A named pipe into which a thread writes the file, all but the part behind `hold_at` without waiting."""
    pipe = path.with_name(f"pipe-{path.name}")
    os.mkfifo(pipe)
    data = path.read_bytes()
    held = int(len(data) * hold_at)

    def write():
        try:
            with pipe.open("wb", buffering=0) as file:
                file.write(data[:held])
                if release is not None:
                    release.wait(20)
                file.write(data[held:])
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield pipe
    finally:
        if release is not None:
            release.set()
        # A writer whom nobody reads from would wait for ever.
        rest = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        while writer.is_alive():
            try:
                os.read(rest, 1 << 16)
            except BlockingIOError:
                pass
            writer.join(0.01)
        os.close(rest)
        pipe.unlink()


@contextmanager
def written_slowly(path: Path, *, num_parts: int = 10, seconds: float = 0.5):
    """A file that a thread writes in parts."""
    target = path.with_name(f"growing-{path.name}")
    target.touch()
    data = path.read_bytes()

    def write():
        with target.open("ab", buffering=0) as file:
            for part in range(num_parts):
                file.write(data[len(data) * part // num_parts : len(data) * (part + 1) // num_parts])
                time.sleep(seconds / num_parts)

    writer = threading.Thread(target=write)
    writer.start()
    yield target
    writer.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def served(folder: Path):
    """The address of a local web server for the files of a folder."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def sent_by_udp(path: Path):
    """The address to which a thread sends a TS file, once somebody listens there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def is_heard(sender):
        # To bind the port for a try could take it from whoever is about to listen.
        try:
            sender.send(_NOTHING)
            time.sleep(0.02)
            sender.send(_NOTHING)
        except ConnectionRefusedError:
            return False
        return True

    def send():
        deadline = time.monotonic() + 10
        data = path.read_bytes()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", port))
            while not is_heard(sender) and time.monotonic() < deadline:
                time.sleep(0.02)
            for place in range(0, len(data), 7 * 188):
                # Whoever listened may have heard enough.
                with suppress(ConnectionRefusedError):
                    sender.send(data[place : place + 7 * 188])
                time.sleep(0.002)

    thread = threading.Thread(target=send)
    thread.start()
    yield f"udp://127.0.0.1:{port}"
    thread.join()


def frames_of(reader, batch_size: int = 7) -> tuple[list[tuple[int, int]], list[range]]:
    """(index, number in the picture) of all frames that can be had, and the lost ranges between them."""
    frames: list[tuple[int, int]] = []
    lost: list[range] = []
    start = 0
    while True:
        try:
            for first, batch in reader.stream(start, batch_size=batch_size):
                frames += [(first + i, number_in(luma)) for i, luma in enumerate(batch)]
        except DecodeError as error:
            if error.lost is None:
                raise
            lost.append(error.lost)
            start = error.lost.stop
        else:
            return frames, lost


def assert_same_index(found, whole) -> None:
    for name in ("pts", "keyframe_pts", "keyframe_dts"):
        assert np.array_equal(getattr(found, name), getattr(whole, name)), name
    for name in ("time_base", "last_duration", "decode_order", "gradual_refresh", "container"):
        assert getattr(found, name) == getattr(whole, name), name
    assert (found.rate, found.variable_rate) == (whole.rate, whole.variable_rate)
