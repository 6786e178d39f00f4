"""A web server for a file, or several, that closes connections early, answers with errors, or changes the file."""

import http.server
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit


@dataclass
class Flaky:
    """What the server does. Lists hold what becomes of each request in turn; the last entry of all that follow."""

    data: bytes
    ranges: bool = True
    """It answers requests for ranges with ranges."""
    cuts: list[int | None] = field(default_factory=lambda: [None])
    """Bytes of the answer after which the connection closes; None: never."""
    statuses: list[int] = field(default_factory=lambda: [200])
    coding: str = "length"
    """`length` announces all bytes, `chunked` each piece, `close` nothing."""
    tags: list[str] = field(default_factory=lambda: ['"1"'])
    changed: bytes | None = None
    """What it has under the name from the second request on."""
    most: int | None = None
    """Bytes of the longest range that it answers with."""
    requests: list[str] = field(default_factory=list)
    """Ranges asked for."""
    delay: float = 0.0
    """Seconds before each answer."""
    files: dict[str, bytes] = field(default_factory=dict)
    """By name, those that have other data."""
    tagged: bool = True
    """It names an ETag; else a date, always the same."""
    guard: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, handler):
        asked = handler.headers.get("Range", "")
        with self.guard:
            number = len(self.requests)
            self.requests.append(asked)
        time.sleep(self.delay)
        status = self._of(self.statuses, number)
        if status != 200:
            handler.send_response(status)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        name = urlsplit(handler.path).path.removeprefix("/")
        data = self.changed if self.changed is not None and number else self.files.get(name, self.data)
        tag = self._of(self.tags, number)
        found = re.fullmatch(r"bytes=(\d+)-", asked)
        start, stop = 0, len(data)
        if found and self.ranges and handler.headers.get("If-Range", tag) == tag:
            start = int(found[1])
            stop = stop if self.most is None else min(start + self.most, stop)
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        else:
            handler.send_response(200)
        if self.tagged:
            handler.send_header("ETag", tag)
        else:
            handler.send_header("Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT")
        if self.coding == "length":
            handler.send_header("Content-Length", str(stop - start))
        elif self.coding == "chunked":
            handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Connection", "close")
        handler.end_headers()
        cut = self._of(self.cuts, number)
        end = stop if cut is None else min(start + cut, stop)
        for place in range(start, end, 4096):
            piece = data[place : min(place + 4096, end)]
            if self.coding == "chunked":
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            handler.wfile.write(piece)
        if self.coding == "chunked" and cut is None:
            handler.wfile.write(b"0\r\n\r\n")

    def _of(self, values, number):
        return values[min(number, len(values) - 1)]


def padded(data: bytes, size: int) -> bytes:
    """An mp4 with an empty box at its end (ISO/IEC 14496-12, 8.1.2), so that it has some size."""
    num_bytes = size - len(data)
    return data + num_bytes.to_bytes(4, "big") + b"free" + bytes(num_bytes - 8)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, flaky, *args):
        self._flaky = flaky
        super().__init__(*args)

    def do_GET(self):
        self.close_connection = True
        try:
            self._flaky.answer(self)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def log_message(self, *_):
        pass


@contextmanager
def flaky_server(flaky: Flaky, name: str):
    """The address of the file."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, flaky)) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/{name}"
        finally:
            server.shutdown()
            thread.join()
