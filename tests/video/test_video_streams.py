"""Which of several video streams is read: that which a viewer would take for the video, said in one line."""

import http.server
import json
import shutil
import threading
from contextlib import contextmanager
from functools import partial

import av
import pytest
from av.stream import Disposition
from stream_sources import frames_of, open_any, piped
from video_samples import as_frame, make_video, number_in, picture, read_luma

from bvas import DecodeError, open_stream, open_video
from bvas.cli import main
from bvas.video.index.video_index import build_index

DEFAULT = Disposition.default
NOTHING = Disposition(0)


def write(path, *tracks):
    """A file of tracks (codec, size, first number, number of frames, disposition)."""
    with av.open(str(path), "w") as container:
        streams = []
        for codec, size, *_, disposition in tracks:
            options = {"bf": "0", "g": "12", "preset": "veryfast"} if codec == "libx264" else {}
            stream = container.add_stream(codec, rate=25, options=options)
            stream.height, stream.width = size
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.disposition = disposition
            streams.append(stream)
        for stream, (_, size, first, count, _) in zip(streams, tracks, strict=True):
            for number in range(count):
                frame = as_frame(picture(first + number, size), stream.pix_fmt)
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def small(first=0, disposition=NOTHING):
    return "libx264", (48, 80), first, 30, disposition


def large(first=200, disposition=NOTHING):
    return "libx264", (96, 160), first, 30, disposition


def chosen(source, **options) -> tuple[int, tuple[int, int], int]:
    """(stream, size, number in its first frame)"""
    with open_any(source, **options) as reader:
        number = number_in(next(reader.stream())[1][0])
        return reader.index.stream, reader.size, number


@pytest.mark.parametrize(
    ("name", "tracks", "expected"),
    [
        ("default.mp4", [large(), small(0, DEFAULT)], (1, (48, 80), 0)),
        ("larger.mkv", [small(0, DEFAULT), large(200, DEFAULT)], (1, (96, 160), 200)),
        ("larger.ts", [small(), large()], (1, (96, 160), 200)),
        ("thumbnail.mp4", [("mjpeg", (480, 640), 7, 1, DEFAULT), small()], (1, (48, 80), 0)),
        ("thumbnail.mkv", [("mjpeg", (480, 640), 7, 1, DEFAULT), small()], (1, (48, 80), 0)),
    ],
)
def test_the_default_comes_first_then_the_largest_and_a_thumbnail_never(tmp_path, name, tracks, expected):
    path = write(tmp_path / name, *tracks)
    assert chosen(path) == expected
    if not name.endswith("mp4"):
        with piped(path) as pipe:
            assert chosen(pipe) == expected
    other = 1 - expected[0]
    if "thumbnail" in name:
        assert build_index(path, cache=False)[1].choices == ()
        with pytest.raises(DecodeError, match=f"stream {other} of .* is not a video stream; those are 1"):
            open_video(path, cache=False, stream=other)
    else:
        assert chosen(path, stream=other)[0] == other


def test_published_cases_give_the_stream_that_ffmpeg_takes(shared_data):
    cases = shared_data / "cases"
    assert chosen(cases / "two_tracks_default_second.mp4") == (1, (96, 160), 0)
    assert chosen(cases / "two_tracks_default_second.mp4", stream=0) == (0, (48, 80), 200)
    assert chosen(cases / "first_track_unknown_codec.mp4") == (1, (96, 160), 0)
    with pytest.raises(DecodeError, match="no decoder"):
        open_video(cases / "first_track_unknown_codec.mp4", stream=0, cache=False)
    with open_video(shared_data / "videos" / "nasa_13013.mp4", cache=False) as reader:
        assert (reader.index.stream, reader.size, reader.info.num_frames) == (3, (270, 480), 390)


def test_the_choice_is_said_once_however_often_a_file_is_opened_and_not_where_there_is_none(tmp_path, caplog):
    path = write(tmp_path / "two.mp4", small(0, DEFAULT), large())
    for _ in range(3):
        open_video(path).close()
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"{path}: video stream 0 (h264, 80x48")
    assert "there is also 1 (h264, 160x96" in line
    assert "--stream N" in line
    caplog.clear()
    open_video(path, stream=1).close()
    open_video(make_video(tmp_path / "one.mp4")).close()
    assert not caplog.records


def test_a_stream_that_is_asked_for_stays_the_one_through_the_cache(tmp_path):
    path = write(tmp_path / "two.mp4", small(0, DEFAULT), large())
    for _ in range(2):
        with open_video(path, stream=1) as reader:
            assert number_in(read_luma(reader, [3])[0]) == 203
        with open_video(path) as reader:
            assert number_in(read_luma(reader, [3])[0]) == 3


def test_check_lists_the_streams(tmp_path, capsys):
    path = write(tmp_path / "two.mp4", small(0, DEFAULT), large())
    assert main(["video", "check", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stream"] == 0
    assert [(stream["number"], stream["width"]) for stream in found["streams"]] == [(0, 80), (1, 160)]
    assert main(["video", "check", str(path), "--stream", "1"]) == 0
    assert "96x160" in capsys.readouterr().out


class _Counting(http.server.SimpleHTTPRequestHandler):
    def __init__(self, asked, *args, **settings):
        self._asked = asked
        super().__init__(*args, **settings)

    def do_GET(self):
        self._asked.append(self.path.rpartition("/")[2])
        super().do_GET()

    def log_message(self, *_):
        pass


@contextmanager
def counted(folder):
    """The address of a web server, and the files that it was asked for."""
    asked: list[str] = []
    handler = partial(_Counting, asked, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def write_variants(folder):
    """A master playlist of 48x80 (numbers from 200) and of 96x160 (from 0), three pieces each."""
    for name, size, first in (("lo", (48, 80), 200), ("hi", (96, 160), 0)):
        options = {"hls_time": "1", "hls_list_size": "0"}
        make_video(
            folder / f"{name}.m3u8", num_frames=72, size=size, first_number=first,
            options={"g": "24", "bf": "0", "keyint_min": "24", "sc_threshold": "0"}, container_options=options,
        )  # fmt: skip
    master = folder / "master.m3u8"
    master.write_text(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=80x48\nlo.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=160x96\nhi.m3u8\n"
    )
    return master


def test_of_a_playlist_of_variants_one_is_fetched_the_largest_or_the_smallest_that_is_enough(tmp_path):
    master = write_variants(tmp_path)
    assert chosen(master) == (1, (96, 160), 0)
    assert chosen(master, size=(48, 80)) == (0, (48, 80), 200)
    assert chosen(master, size=(64, 96)) == (1, (64, 96), 0)
    assert chosen(master, stream=0) == (0, (48, 80), 200)
    with counted(tmp_path) as (address, asked):
        assert chosen(f"{address}/master.m3u8") == (1, (96, 160), 0)
    pieces = sorted(path.name for path in tmp_path.glob("hi*.ts"))
    assert len(pieces) > 1
    assert [name for name in asked if name.startswith("hi") and name.endswith("ts")] == pieces
    assert [name for name in asked if name.startswith("lo") and name.endswith("ts")] == ["lo0.ts"]


def test_the_variant_by_size_is_kept_apart_in_the_cache(tmp_path):
    master = write_variants(tmp_path)
    for _ in range(2):
        for size, number in (((48, 80), 200), ((96, 160), 0)):
            with open_video(master, size=size) as reader:
                assert number_in(read_luma(reader, [0])[0]) == number


def test_the_published_playlist_gives_its_larger_variant(shared_data, tmp_path):
    folder = shutil.copytree(shared_data / "cases" / "hls_master", tmp_path / "hls")
    with counted(folder) as (address, asked), open_stream(f"{address}/master.m3u8") as reader:
        assert [number for _, number in frames_of(reader)[0]] == list(range(75))
    assert asked.count("lo1.ts") == asked.count("lo2.ts") == 0
