"""Videos on a web server come whole, or with a named loss."""

import re
import shutil

import pytest
from flaky_server import Flaky, flaky_server
from stream_sources import frames_of, served
from video_samples import make_video, numbers_in, remux

from bvas import DecodeError, open_stream
from bvas.video.container import http_bytes
from bvas.video.index.video_index import build_index
from bvas.video.live.live_video import LiveVideo
from bvas.video.live.reconnect import ReconnectConfig

NAMES = ["a.mp4", "moov_first.mp4", "a.mkv", "a.ts"]
SOON = ReconnectConfig(connect=5.0, stall=2.0, first_wait=0.02, most_wait=0.05, give_up=20.0)


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch):
    monkeypatch.setattr(http_bytes, "_WAITS", (0.0, 0.02, 0.05))


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    faststart = {"movflags": "faststart"}
    return {
        name: make_video(
            folder / name,
            num_frames=150,
            options={"qp": "12", "g": "25"},
            container_options=faststart if name == "moov_first.mp4" else None,
        )
        for name in NAMES
    }


def read(address):
    """Numbers of the frames that come, past the one that was cut off, and the message of what ended them."""
    numbers, start = [], 0
    with open_stream(address) as reader:
        while True:
            try:
                for _, batch in reader.stream(start, batch_size=1):
                    numbers += numbers_in(batch)
                return numbers, ""
            except DecodeError as error:
                if error.lost is None:
                    return numbers, str(error)
                start = error.lost.stop


@pytest.mark.parametrize("name", NAMES)
def test_a_video_whose_description_lies_anywhere_comes_whole_from_its_first_frame_on(videos, name):
    # libav's own reader drops the first keyframe of a.mp4: it went to the description at the end and came back.
    with flaky_server(Flaky(videos[name].read_bytes()), name) as address, open_stream(address) as reader:
        assert frames_of(reader) == ([(i, i) for i in range(150)], [])
        assert reader.info.start_seconds == build_index(videos[name])[1].start_seconds


@pytest.mark.parametrize("name", NAMES)
def test_a_connection_that_closes_early_is_resumed_at_the_byte_where_it_broke_off(videos, name):
    data = videos[name].read_bytes()
    flaky = Flaky(data, cuts=[len(data) * 2 // 3, len(data) // 5, 3000, None])
    with flaky_server(flaky, name) as address:
        assert read(address) == (list(range(150)), "")


def test_a_server_that_answers_with_less_than_was_asked_for_is_asked_again(videos):
    data = videos["a.mkv"].read_bytes()
    flaky = Flaky(data, most=len(data) // 8)
    with flaky_server(flaky, "a.mkv") as address:
        assert read(address) == (list(range(150)), "")
    assert len(flaky.requests) >= 8


@pytest.mark.parametrize("name", ["a.mkv", "a.ts"])
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"ranges": False}, r"broke off: the connection closed after \d+ of \d+ bytes"),
        ({"ranges": False, "coding": "chunked"}, "broke off: the connection closed within a piece, after"),
        ({"statuses": [200, 503]}, "broke off: the server answers 503"),
        ({"tags": ['"1"', '"2"']}, "broke off: the file changed on the server"),
        ({"cuts": ["half", 0]}, r"broke off: the connection closed after \d+ of \d+ bytes"),
    ],
    ids=["no ranges", "chunked", "503", "another tag", "never again"],
)
def test_what_breaks_off_for_good_ends_in_a_named_loss_behind_the_frames_that_came(
    videos, name, options, reason
):
    data = videos[name].read_bytes()
    half = len(data) // 2
    options = {"cuts": [half, None]} | options
    options["cuts"] = [half if cut == "half" else cut for cut in options["cuts"]]
    with flaky_server(Flaky(data, **options), name) as address:
        numbers, message = read(address)
    assert 20 < len(numbers) < 149
    assert numbers == list(range(len(numbers)))
    assert re.search(reason, message)


def test_an_mp4_that_breaks_off_for_good_ends_in_a_named_loss(videos):
    data = videos["moov_first.mp4"].read_bytes()
    with flaky_server(Flaky(data, ranges=False, cuts=[len(data) // 2]), "a.mp4") as address:
        numbers, message = read(address)
    assert 20 < len(numbers) < 149
    assert re.search(r"broke off: the connection closed after \d+ of \d+ bytes", message)


def test_the_rest_of_another_file_is_not_joined_to_the_first(videos, tmp_path):
    other = make_video(tmp_path / "b.ts", num_frames=150, first_number=500, options={"qp": "12", "g": "25"})
    data = videos["a.ts"].read_bytes()
    for tags in (['"1"', '"2"'], ['"1"']):
        flaky = Flaky(data, cuts=[len(data) // 2, None], tags=tags, changed=other.read_bytes())
        with flaky_server(flaky, "a.ts") as address:
            numbers, message = read(address)
        assert max(numbers) < 150
        assert "the file changed on the server" in message


@pytest.mark.parametrize("name", ["moov_first.mp4", "a.mkv"])
def test_where_the_server_announces_no_length_the_container_tells_what_is_missing(videos, name):
    data = videos[name].read_bytes()
    with flaky_server(Flaky(data, ranges=False, coding="close", cuts=[len(data) // 2]), name) as address:
        numbers, message = read(address)
    assert 20 < len(numbers) < 149
    told = {
        "moov_first.mp4": "its table names 150 frames, and",
        "a.mkv": "its header names 6.00 s, and it ends at",
    }
    assert told[name] in message


def test_an_answer_without_a_length_that_is_whole_ends_without_an_error(videos):
    for name in ("moov_first.mp4", "a.mkv", "a.ts"):
        for coding in ("close", "chunked"):
            with flaky_server(Flaky(videos[name].read_bytes(), ranges=False, coding=coding), name) as address:
                assert read(address) == (list(range(150)), "")


def arrivals_of(live):
    numbers, message = [], ""
    try:
        for arrived in live.arrivals():
            numbers += numbers_in(arrived.frames)
    except DecodeError as error:
        message = str(error)
    return numbers, message


def test_a_file_that_is_cut_off_there_each_time_is_given_up_after_a_few_tries(videos):
    data = videos["a.ts"].read_bytes()
    with flaky_server(Flaky(data, ranges=False, cuts=[len(data) // 2]), "a.ts") as address:
        with LiveVideo(address, size=None, reconnect=SOON) as live:
            numbers, message = arrivals_of(live)
    assert numbers == list(range(len(numbers)))
    assert 20 < len(numbers) < 149
    assert "brings nothing new in 5 tries" in message


def test_a_source_that_is_opened_again_is_not_gone_on_with_as_another_file(videos, tmp_path):
    other = make_video(tmp_path / "b.ts", num_frames=150, first_number=500, options={"qp": "13", "g": "25"})
    data = videos["a.ts"].read_bytes()
    flaky = Flaky(
        data, ranges=False, cuts=[len(data) // 2, None], tags=['"1"', '"2"'], changed=other.read_bytes()
    )
    with flaky_server(flaky, "a.ts") as address, LiveVideo(address, size=None, reconnect=SOON) as live:
        numbers, message = arrivals_of(live)
    assert max(numbers) < 150
    assert "is another file now than the one that was begun" in message


@pytest.mark.parametrize("header", ["user:p%40ss@", ""])
def test_a_password_in_the_address_is_sent_where_the_server_asks_for_it(videos, header):
    class Guarded(Flaky):
        def answer(self, handler):
            # Base64 of user:p@ss.
            if header and handler.headers.get("Authorization") != "Basic dXNlcjpwQHNz":
                handler.send_response(401)
                handler.send_header("WWW-Authenticate", 'Basic realm="matches"')
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
            super().answer(handler)

    with flaky_server(Guarded(videos["a.mkv"].read_bytes()), "a.mkv") as address:
        assert read(address.replace("http://", f"http://{header}")) == (list(range(150)), "")


def test_what_is_not_there_is_said_in_libavs_words(videos):
    with served(videos["a.mkv"].parent) as address:
        with pytest.raises(DecodeError, match=r"missing.mkv is not a video that can be opened: .*404"):
            open_stream(f"{address}/missing.mkv")


@pytest.fixture(scope="module")
def segments(tmp_path_factory):
    """A folder with a playlist of six segments of one second, 25 frames each."""
    folder = tmp_path_factory.mktemp("hls")
    options = {"qp": "12", "g": "25", "sc_threshold": "0"}
    source = make_video(folder / "a.mp4", num_frames=150, options=options)
    settings = {"hls_time": "1", "hls_list_size": "0", "hls_segment_filename": str(folder / "s%d.ts")}
    remux(source, folder / "list.m3u8", lambda number, packet: True, settings)
    return folder


def changed_folder(folder, target, change):
    shutil.copytree(folder, target)
    change(target)
    return target


def test_a_playlist_whose_segments_are_there_comes_whole(segments):
    with served(segments) as address, open_stream(f"{address}/list.m3u8") as reader:
        assert frames_of(reader) == ([(i, i) for i in range(150)], [])


CHANGES = {
    "missing": (lambda folder: (folder / "s3.ts").unlink(), range(75), range(100, 150), "404"),
    "first missing": (lambda folder: (folder / "s0.ts").unlink(), range(0), range(25, 150), "404"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_segment_that_is_not_there_is_named_where_it_is_missing(segments, tmp_path, name):
    change, before, behind, reason = CHANGES[name]
    folder = changed_folder(segments, tmp_path / "hls", change)
    numbers, errors, start = [], [], 0
    with served(folder) as address, open_stream(f"{address}/list.m3u8") as reader:
        while True:
            try:
                for _, batch in reader.stream(start):
                    numbers += numbers_in(batch)
                break
            except DecodeError as error:
                errors.append(error)
                start = error.lost.stop
    assert numbers == [*before, *behind]
    (error,) = errors
    assert error.lost == range(len(before), len(before))
    assert re.search(f"frames are missing before frame {len(before)} of .*{reason}", str(error))


def test_a_segment_that_is_cut_short_is_named(segments):
    whole = (segments / "s3.ts").read_bytes()
    cut = Flaky(whole, ranges=False, cuts=[len(whole) // 2])

    class Server(Flaky):
        def answer(self, handler):
            name = handler.path.rsplit("/", 1)[1]
            (cut if name == "s3.ts" else Flaky((segments / name).read_bytes())).answer(handler)

    with (
        flaky_server(Server(b""), "list.m3u8") as address,
        LiveVideo(address, size=None, reconnect=SOON) as live,
    ):
        parts = list(live.arrivals())
    numbers = [number for part in parts if part.frames is not None for number in numbers_in(part.frames)]
    assert set(range(75)) | set(range(100, 150)) <= set(numbers)
    assert numbers == sorted(numbers)
    assert len(numbers) < 145
    (away,) = [part.gap_before for part in parts if part.is_missing]
    assert "the piece /s3.ts of the playlist is not complete: the connection closed after" in away


def test_a_segment_that_is_missing_at_the_end_is_a_named_loss(segments, tmp_path):
    folder = changed_folder(segments, tmp_path / "hls", lambda folder: (folder / "s5.ts").unlink())
    with served(folder) as address:
        numbers, message = read(f"{address}/list.m3u8")
        assert numbers == list(range(125))
        assert "broke off: the piece /s5.ts of the playlist is not complete" in message
        with LiveVideo(f"{address}/list.m3u8", size=None, reconnect=SOON) as live:
            numbers, message = arrivals_of(live)
    # Pictures that the decoder holds when a source breaks off wait for what is to come.
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 115
    assert "brings nothing new in 5 tries" in message
