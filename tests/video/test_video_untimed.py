"""Sources whose frames have no times: the coded rate, times of arrival, or a rate that is said to be assumed."""

import http.server
import threading
import time
from contextlib import contextmanager
from fractions import Fraction

import cv2
import numpy as np
import pytest
from stream_sources import frames_of, piped
from video_samples import make_video, numbers_in, picture, read_luma

from bvas import ConfigError, open_stream, open_video
from bvas.video.encode.prepared_copy import make_copy, plan_copy
from bvas.video.index.video_index import build_index


def rates(path, **reading):
    with open_video(path, cache=False, **reading) as reader:
        return reader.info.rate, reader.info.rate_origin, reader.info.duration_seconds


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.h264", "libx264", Fraction(50)),
        ("a.hevc", "libx265", Fraction(50)),
        ("a.m2v", "mpeg2video", Fraction(50)),
        ("ntsc.h264", "libx264", Fraction(30000, 1001)),
    ],
)
def test_an_elementary_stream_has_the_rate_of_its_headers_as_file_and_pipe(tmp_path, name, codec, rate):
    path = make_video(tmp_path / name, codec=codec, rate=rate)
    expected = rate, "headers", pytest.approx(float(60 / rate))
    assert rates(path) == expected
    with piped(path) as pipe, open_stream(pipe) as reader:
        assert [number for _, number in frames_of(reader)[0]] == list(range(60))
        assert (reader.info.rate, reader.info.rate_origin, reader.info.duration_seconds) == expected


def test_the_published_stream_lasts_a_second_and_a_half_and_its_copy_too(shared_data, tmp_path):
    source = shared_data / "cases" / "elementary_50fps.h264"
    assert rates(source) == (50, "headers", pytest.approx(1.5))
    copy = tmp_path / "copy.mp4"
    make_copy(plan_copy(source, copy, cache=False))
    assert rates(copy) == (50, "times", pytest.approx(1.5))


def test_a_rate_that_nothing_says_is_assumed_aloud_and_can_be_given(tmp_path, caplog):
    path = make_video(tmp_path / "a.mjpeg", codec="mjpeg", pixel_format="yuvj420p", num_frames=20)
    for _ in range(2):
        assert build_index(path)[1].rate_origin == "assumed"
    said = [line for line in caplog.messages if "25 is assumed" in line]
    assert len(said) == 1
    assert "--rate" in said[0]
    assert rates(path, rate=10) == (10, "option", pytest.approx(2.0))
    with piped(path) as pipe, open_stream(pipe, rate=10) as reader:
        frames_of(reader)
        assert reader.info.duration_seconds == pytest.approx(2.0)


def test_a_rate_is_refused_where_frames_have_times(tmp_path):
    for name in ("a.mp4", "a.mkv", "a.ts"):
        path = make_video(tmp_path / name)
        with pytest.raises(ConfigError, match="has times of its own"):
            open_video(path, rate=30)
    with piped(path) as pipe, pytest.raises(ConfigError, match="has times of its own"):
        open_stream(pipe, rate=30)


class _Camera(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        start = time.monotonic()
        for number in range(10):
            time.sleep(max(0.0, start + number / 10 - time.monotonic()))
            data = cv2.imencode(".jpg", picture(number))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            self.wfile.write(head.encode() + data + b"\r\n")
            self.wfile.flush()

    def log_message(self, *_):
        pass


@contextmanager
def camera():
    """The address of a camera that sends ten pictures, ten a second."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Camera) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/video"
        finally:
            server.shutdown()
            thread.join()


def test_pictures_of_a_web_camera_have_the_times_at_which_they_came():
    with camera() as address, open_stream(address) as reader:
        assert [number for _, batch in reader.stream(0, 10) for number in numbers_in(batch)] == list(
            range(10)
        )
        assert reader.info.rate_origin == "arrival"
        # The first few come together: opening looks at them.
        assert 0.4 < reader.index.seconds[-1] < 3.0
        assert np.all(np.diff(reader.index.pts) > 0)
    with camera() as address, open_stream(address, rate=10) as reader:
        assert sum(len(batch) for _, batch in reader.stream(0, 10)) == 10
        assert reader.index.seconds[9] == pytest.approx(0.9)


def test_frames_of_a_folder_of_pictures_are_read_at_random(tmp_path):
    folder = tmp_path / "match"
    folder.mkdir()
    for number in range(40):
        if number not in (5, 8, 9):
            cv2.imwrite(str(folder / f"{number + 7}.png"), picture(number))
    (folder / ".000001.png").write_bytes(b"hidden")
    (folder / "labels.json").write_text("{}")
    with open_video(folder, rate=12.5) as reader:
        assert (reader.info.num_frames, reader.info.duration_seconds) == (40, pytest.approx(3.2))
        assert numbers_in(read_luma(reader, [39, 0, 3, 20])) == [39, 0, 3, 20]
        frames, lost = frames_of(reader)
        assert [number for _, number in frames] == [n for n in range(40) if n not in (5, 8, 9)]
        assert lost == [range(5, 6), range(8, 10)]
