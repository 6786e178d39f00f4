"""Sources that are read once: what they refuse, how they end, and that waiting for them can be ended."""

import gc
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from stream_sources import piped, served
from video_samples import HEIGHT, WIDTH, make_video, numbers_in

from bvas import ConfigError, DecodeError, open_stream, open_video
from bvas.cli import main
from bvas.video.container.read_options import source_of
from bvas.video.decode.video_reader import FrameReader
from bvas.video.index.video_index import build_index
from bvas.video.live.live_video import LiveVideo
from bvas.video.live.packet_feed import Patience
from bvas.video.live.stream_reader import StreamReader

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no named pipes")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("video") / "a.mkv")


@pytest.fixture
def reader(video):
    with piped(video) as pipe, open_stream(pipe) as reader:
        yield reader


def bvas_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("bvas ")]


def test_random_access_takes_a_finished_file(reader):
    assert not [name for name in ("read", "read_into", "read_to", "frame_at") if hasattr(reader, name)]


def test_a_file_is_a_stream_only_while_it_grows(video):
    with open_stream(video, growing=True, idle_seconds=0.1) as reader:
        assert [first for first, _ in reader.stream(batch_size=30)] == [0, 30]
    with pytest.raises(
        DecodeError, match="is a finished file; open it with open_video, or with growing=True"
    ):
        open_stream(video)


def test_a_later_stream_goes_on_where_the_last_one_ended(reader):
    batches = [(first, numbers_in(batch)) for first, batch in reader.stream(0, 6, 2, batch_size=2)]
    assert batches == [(0, [0, 2]), (4, [4])]
    assert [numbers_in(batch) for _, batch in reader.stream(5, 7)] == [[5, 6]]
    assert [numbers_in(batch) for _, batch in reader.stream(20, 22)] == [[20, 21]]
    with pytest.raises(
        DecodeError, match=r"frame 21 .* has passed, it stands at frame 22: .* stream\(22\) continues"
    ):
        reader.stream(21)
    assert frames_of_rest(reader, 22) == list(range(22, 60))
    assert list(reader.stream(60)) == []
    assert list(reader.stream(99)) == []


def frames_of_rest(reader, start):
    return [number for _, batch in reader.stream(start) for number in numbers_in(batch)]


def test_batches_are_the_callers_own_and_fitted(video):
    with piped(video) as pipe, open_stream(pipe, size=(HEIGHT // 2, WIDTH // 2)) as reader:
        batches = [batch for _, batch in reader.stream(batch_size=25)]
    with open_video(video, size=(HEIGHT // 2, WIDTH // 2)) as whole:
        expected = np.concatenate([batch for _, batch in whole.stream()])
    assert [len(batch) for batch in batches] == [25, 25, 10]
    assert np.array_equal(np.concatenate(batches), expected)


def test_wrong_arguments_are_refused(reader, video):
    with pytest.raises(ValueError, match="at least 1"):
        reader.stream(batch_size=0)
    with pytest.raises(IndexError, match="outside"):
        reader.stream(-1)
    with pytest.raises(ConfigError, match="idle_seconds must be positive, got 0"):
        open_stream(video, growing=True, idle_seconds=0)
    with pytest.raises(ConfigError, match=r"is a growing file, which backend 'opencv' does not read"):
        LiveVideo(video, size=None, backend="opencv", growing=True)


def test_an_mp4_whose_description_comes_last_is_refused_with_the_remedy(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=300, options={"qp": "0"})
    remedy = r"moov\) comes last .* -movflags frag_keyframe\+empty_moov, or as mkv or ts"
    with piped(path) as pipe, pytest.raises(DecodeError, match=remedy):
        open_stream(pipe)
    path.write_bytes(path.read_bytes()[:60_000])
    with pytest.raises(DecodeError, match=remedy):
        open_stream(path, growing=True, idle_seconds=0.1)
    assert not bvas_threads()


@pytest.mark.parametrize("content", [b"", b"this is no video\n" * 100])
def test_what_is_no_video_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with piped(path) as pipe, pytest.raises(DecodeError, match=r"pipe-a\.bin") as caught:
        open_stream(pipe)
    assert "\n" not in str(caught.value)
    assert caught.value.lost is None
    with pytest.raises(DecodeError, match="does not exist"):
        open_stream(tmp_path / "missing.mkv", growing=True)


def test_devices_are_refused_and_a_file_address_is_a_file(video):
    with pytest.raises(DecodeError, match="device or a socket"):
        open_video("/dev/zero")
    with open_video(f"file://{video}") as reader:
        assert isinstance(reader, FrameReader)
        assert reader.info.path == video


def test_what_cannot_be_indexed_beforehand_is_no_file(tmp_path, video, capsys):
    with piped(video) as pipe:
        for use in (build_index, open_video):
            with pytest.raises(
                DecodeError, match="a pipe, not a finished file; open it with open_stream, or save it"
            ):
                use(pipe)
    assert main(["spot", "-", "http://127.0.0.1:1/a.ts", "--runs", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "standard input is a pipe: it is spotted alone, not as a part of others" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input_is_read(video, name):
    program = (
        "import sys; from bvas import open_stream\n"
        "with open_stream(sys.argv[1]) as reader: print(sum(len(b) for _, b in reader.stream()), reader.index.rate)"
    )
    with video.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-c", program, name], input=file.read(), capture_output=True, check=False
        )
    assert done.stdout.split() == [b"60", b"25"], done.stderr


def test_an_address_that_cannot_be_read_is_refused_without_its_password(tmp_path):
    with pytest.raises(
        DecodeError, match=r"^http://127\.0\.0\.1:1/a\.ts is not a video .*Connection refused"
    ) as caught:
        open_stream("http://user:secret@127.0.0.1:1/a.ts")
    assert "secret" not in str(caught.value)
    with served(tmp_path) as address, pytest.raises(DecodeError, match="404"):
        open_stream(f"{address}/missing.ts")
    with pytest.raises(DecodeError, match="Protocol not found"):
        open_stream("nosuch://127.0.0.1/a.ts")


def open_address(address, patience):
    return StreamReader(source_of(address), on_damage="deliver", patience=patience)


def test_a_server_that_does_not_answer_is_given_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        start = time.monotonic()
        with pytest.raises(DecodeError, match=r"no answer for 0\.5 s"):
            open_address(address, Patience(connect=0.5))
        assert time.monotonic() - start < 5


def test_a_connection_that_breaks_off_gives_its_frames_and_then_says_so(tmp_path):
    data = make_video(tmp_path / "a.ts", num_frames=120).read_bytes()

    def answer():
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n"
            connection.sendall(head.encode() + data[: len(data) // 2])

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        with open_address(f"http://127.0.0.1:{server.getsockname()[1]}/a.ts", Patience(stall=2.0)) as reader:
            frames = []
            with pytest.raises(DecodeError, match="broke off") as caught:
                for first, batch in reader.stream(batch_size=1):
                    frames += [(first, *numbers_in(batch))]
        thread.join()
    assert caught.value.lost is None
    assert 40 < len(frames) < 80
    assert frames[:40] == [(i, i) for i in range(40)]


def test_closing_ends_the_waiting_and_nothing_is_left_of_it(video):
    release = threading.Event()
    with piped(video, hold_at=0.6, release=release) as pipe:
        reader = open_stream(pipe)
        next(reader.stream(batch_size=5))
        start = time.monotonic()
        reader.close()
        reader.close()
        assert time.monotonic() - start < 1
        assert not bvas_threads()
        with pytest.raises(RuntimeError, match="closed"):
            reader.stream(5)


def test_a_reader_that_is_forgotten_lets_go_of_its_source(video):
    release = threading.Event()
    with piped(video, hold_at=0.6, release=release) as pipe:
        reader = open_stream(pipe)
        del reader
        gc.collect()
        assert not bvas_threads()


def test_a_stream_is_neither_pickled_nor_used_after_a_fork(video, reader):
    with pytest.raises(TypeError, match="open_stream in the process that reads"):
        pickle.dumps(reader)
    program = """
import os, sys, warnings
warnings.simplefilter("ignore")
from bvas import open_stream
reader = open_stream(sys.argv[1], growing=True, idle_seconds=0.1)
pid = os.fork()
if pid == 0:
    try:
        reader.stream()
    except RuntimeError as error:
        reader.close()
        os._exit(7 if "open_stream in the process that reads" in str(error) else 1)
    os._exit(2)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), sum(len(b) for _, b in reader.stream()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(video)], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["7", "60"], done.stderr


@pytest.mark.parametrize("kind", ["pipe without a writer", "pipe that stops", "silent server"])
def test_waiting_can_be_interrupted(tmp_path, video, kind):
    program = """
import sys, time
from bvas import open_stream
print("waiting", flush=True)
try:
    with open_stream(sys.argv[1]) as reader:
        for first, _ in reader.stream(batch_size=1):
            pass
except KeyboardInterrupt:
    print("interrupted")
"""
    with socket.create_server(("127.0.0.1", 0)) as server:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        source = str(pipe) if kind.startswith("pipe") else f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        process = subprocess.Popen(
            [sys.executable, "-c", program, source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "waiting\n"
        if kind == "pipe that stops":
            data = video.read_bytes()
            writer = pipe.open("wb", buffering=0)
            writer.write(data[: len(data) // 2])
        time.sleep(0.5)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - start < 2
        if kind == "pipe that stops":
            writer.close()
    assert (out, err, process.returncode) == ("interrupted\n", "", 0)
