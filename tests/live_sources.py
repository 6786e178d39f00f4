"""Sources that run at playing speed, and break off where a test wants them to."""

import http.server
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import av
import numpy as np

from bvas.video.encode.video_writer import VideoWriter

SIZE = (64, 96)
RATE = 25


def moving_frames(num_frames: int, seed: int = 0) -> np.ndarray:
    """A texture that changes its speed, so that a model sees something happen; uint8 [n, H, W]."""
    rng = np.random.default_rng(seed)
    texture = np.kron(rng.integers(16, 236, (8, 24)), np.ones((8, 8))).astype(np.uint8)
    shift = np.cumsum(rng.integers(0, 6, num_frames))
    frames = np.stack([np.roll(texture, int(s), axis=1)[:, : SIZE[1]] for s in shift])
    light = 0.5 + 0.5 * np.abs(np.sin(np.cumsum(rng.uniform(0, 1, num_frames))))
    return (frames * light[:, None, None]).astype(np.uint8)


def write_video(path: Path, num_frames: int, *, rate: int = RATE, seed: int = 0) -> Path:
    # An mp4 knows the decoding time of every packet, which a transport stream needs.
    written = path.with_suffix(".mp4") if path.suffix == ".ts" else path
    with VideoWriter(written, size=SIZE, rate=rate, keyframe_interval=10) as writer:
        for frame in moving_frames(num_frames, seed):
            writer.write(frame)
    if written != path:
        _copy(written, path)
    return path


def _copy(path: Path, target: Path, pace=None, **settings) -> None:
    with av.open(str(path)) as old, av.open(str(target), "w", **settings) as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        for packet in old.demux(stream):
            if packet.dts is None:
                continue
            if pace is not None:
                pace(float(packet.dts * packet.time_base))
            packet.stream = copy
            new.mux(packet)


class Paced:
    """A server that sends files at playing speed from its start on, whatever the connection, and breaks off.

    Args:
        answers: (file, seconds of it after which the connection is cut; None: never) of each connection in
            turn; the last one answers all that follow.
        seconds: How long each file plays.
    """

    def __init__(self, answers, seconds: float):
        self._answers = answers
        self._seconds = seconds
        self._start: float | None = None
        self.num_connections = 0

    def answer(self, handler) -> None:
        path, cut = self._answers[min(self.num_connections, len(self._answers) - 1)]
        self.num_connections += 1
        self._start = self._start or time.monotonic()
        data = path.read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        sent = 0
        stop = len(data) if cut is None else int(len(data) * cut / self._seconds)
        while sent < stop:
            due = min(stop, int(len(data) * (time.monotonic() - self._start + 0.2) / self._seconds))
            if due > sent:
                handler.wfile.write(data[sent:due])
                sent = due
            else:
                time.sleep(0.01)
        handler.wfile.flush()


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, paced, *args):
        self._paced = paced
        super().__init__(*args)

    def do_GET(self):
        try:
            self._paced.answer(self)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def log_message(self, *_):
        pass


@contextmanager
def broadcast(paced: Paced, name: str = "live.ts"):
    """The address of a paced server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, paced)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/{name}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def rolling_segments(path: Path, folder: Path):
    """A playlist of one-second segments of a video that a thread writes at playing speed; old ones go."""
    start = time.monotonic()

    def pace(seconds):
        time.sleep(max(0.0, start + seconds - time.monotonic()))

    settings = {
        "format": "hls",
        "options": {"hls_time": "1", "hls_list_size": "3", "hls_flags": "delete_segments"},
    }
    thread = threading.Thread(target=_copy, args=(path, folder / "live.m3u8", pace), kwargs=settings)
    thread.start()
    while not (folder / "live.m3u8").exists():
        time.sleep(0.02)
    yield "live.m3u8"
    thread.join()
