"""What `bvas spot` and `bvas report` say and refuse: other results, two runs at once, any encoding."""

import csv
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from traceback import format_exception

import av
import numpy as np
import pytest
from live_sources import moving_frames, write_video
from stream_sources import piped

from bvas.cli import main
from bvas.errors import DecodeError
from bvas.inference.streaming import StreamingPredictor
from bvas.results.store import read_recording
from bvas.video.live.open_stream import open_stream

TICK = Fraction(1, 25)
SECRETS = ("us3r", "Pa55w0rd", "S1gn4ture")


@pytest.fixture
def words(runs, tmp_path, monkeypatch):
    """The command's words behind the source."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "cache"))
    return ["--experiment", str(runs / "tiny.py"), "--runs", str(runs), "--device", "cpu"]


def _started(*words, **environment):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(
        [sys.executable, "-m", "bvas", *map(os.fsencode, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
    )


class _Refusing(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(403)

    def log_message(self, *_):
        pass


@contextmanager
def _refusing_server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://us3r:Pa55w0rd@127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def _frame_folder(folder: Path, num_frames: int) -> Path:
    folder.mkdir()
    for number, gray in enumerate(moving_frames(num_frames)):
        encoder = av.CodecContext.create("png", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 96, 64, "gray", TICK
        packets = encoder.encode(av.VideoFrame.from_ndarray(gray, format="gray")) + encoder.encode(None)
        (folder / f"{number:06}.png").write_bytes(b"".join(map(bytes, packets)))
    return folder


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.m3u8"])
def test_an_address_that_is_forbidden_shows_no_secret(words, tmp_path, capsys, caplog, name):
    with _refusing_server() as host:
        url = f"{host}/{name}?X-Amz-Signature=S1gn4ture"
        assert main(["spot", url, *words, "--out", str(tmp_path / "out")]) == 2
        with pytest.raises(DecodeError, match="403") as caught:
            open_stream(url)
    said = capsys.readouterr()
    text = "\n".join(
        [said.out, said.err, caplog.text, *format_exception(caught.value), str(caught.value.path)]
    )
    assert "403" in said.err
    assert [secret for secret in SECRETS if secret in text] == []


def test_a_folder_of_pictures_is_spotted_and_known_again_by_its_content(words, tmp_path, capsys):
    folder = _frame_folder(tmp_path / "match", 12)
    out = tmp_path / "out"
    command = ["spot", str(folder), "--rate", "25", *words, "--out", str(out)]

    assert main(command) == 0
    assert read_recording(out).made_from[0].path == str(folder)
    os.utime(folder / "000001.png")
    assert main(command) == 0
    picture = folder / "000002.png"
    picture.write_bytes(picture.read_bytes()[:-1] + b"x")
    os.utime(picture, ns=(0, time.time_ns() + 10**9))
    assert main(command) == 2
    assert "changed" in capsys.readouterr().err


def test_a_page_of_other_results_is_replaced_when_asked_only(words, tmp_path, capsys):
    for name, seed in (("one", 1), ("two", 2)):
        write_video(tmp_path / f"{name}.mkv", 8, seed=seed)
        assert main(["spot", f"{name}.mkv", *words, "--out", name]) == 0
    page = tmp_path / "page"

    assert main(["report", "one", "--out", str(page), "--link"]) == 0
    assert main(["report", "one", "--out", str(page), "--link"]) == 0
    before = (page / "index.html").read_bytes()
    assert main(["report", "two", "--out", str(page), "--link"]) == 2
    said = capsys.readouterr().err
    assert str(tmp_path / "one") in said
    assert "--overwrite" in said
    assert (page / "index.html").read_bytes() == before
    assert main(["report", "two", "--out", str(page), "--link", "--overwrite"]) == 0

    other = tmp_path / "site"
    other.mkdir()
    (other / "index.html").write_text("<h1>mine</h1>")
    assert main(["report", "one", "--out", str(other), "--link"]) == 2
    assert (other / "index.html").read_text() == "<h1>mine</h1>"


def test_lines_that_are_there_are_kept_from_a_live_run_unless_asked(words, tmp_path, capsys):
    video, lines = write_video(tmp_path / "a.mkv", 8), tmp_path / "spots.jsonl"
    lines.write_text("mine\n")
    command = ["spot", str(video), "--live", "--jsonl", str(lines), *words]

    assert main(command) == 2
    assert "is there already" in capsys.readouterr().err
    assert lines.read_text() == "mine\n"
    assert main([*command, "--overwrite"]) == 0
    assert "mine" not in lines.read_text()
    assert main(["spot", str(video), "--live", "--jsonl", str(tmp_path / "no" / "a.jsonl"), *words]) == 2
    assert "no folder" in capsys.readouterr().err


def _video_with_a_pause(path: Path, ticks) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 96, 64, "yuv420p", TICK
        stream.codec_context.time_base = TICK
        for gray, tick in zip(moving_frames(len(ticks)), ticks, strict=True):
            frame = av.VideoFrame.from_ndarray(gray, format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = tick, stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("ticks", "remark"),
    [
        # A frame each 2 s. Rows see the nearest: 26 to 75 the one at 2 s. 5 frames in 201 rows of 1/25 s.
        (range(0, 250, 50), "0.622 source frames per second; frame 1 stays for 2.0 s from 1.0 s on"),
        # Between 0.16 s and 3.16 s each frame is the nearest for a half of the time: rows 4 to 41 see the first.
        ([0, 1, 2, 3, 4, 79, 80, 81, 82], "frame 4 stays for 1.5 s from 0.2 s on, 74 of 83 rows"),
    ],
)
def test_slow_sources_and_pauses_are_remarked_on_in_one_line(words, tmp_path, capsys, ticks, remark):
    video = _video_with_a_pause(tmp_path / "a.mkv", ticks)
    assert main(["spot", str(video), *words, "--out", str(tmp_path / "out")]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "stays for" in line]
    assert len(said) == 1
    assert remark in said[0]


def test_a_pause_of_a_running_source_is_remarked_on_once(words, tmp_path, capsys):
    video = _video_with_a_pause(tmp_path / "a.mkv", [0, 1, 2, 77, 78, 153, 154])
    with piped(video) as pipe:
        assert main(["spot", str(pipe), "--live", *words]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "stays for" in line]
    assert len(said) == 1
    # Rows 3 to 39 are nearer to the frame at 0.08 s than to the next, at 3.08 s.
    assert "frame 2 stays for 1.5 s, which is 37 rows" in said[0]


def test_a_second_ctrl_c_ends_at_once(words, tmp_path, monkeypatch):
    video = write_video(tmp_path / "a.mkv", 100)
    push, calls = StreamingPredictor.push, []

    def interrupted(self, *args, **options):
        calls.append(1)
        # By then a batch of rows was full.
        if len(calls) == 5:
            raise KeyboardInterrupt
        return push(self, *args, **options)

    def again(*_, **__):
        calls.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(StreamingPredictor, "push", interrupted)
    # While what was found up to the first is written.
    monkeypatch.setattr("bvas.report.recording_outputs.write_recording", again)
    assert main(["spot", str(video), *words, "--out", str(tmp_path / "out")]) == 130
    assert len(calls) == 6
    assert not (tmp_path / "out" / "spots.csv").exists()


@pytest.mark.slow
def test_two_programs_write_to_one_folder_one_after_the_other(words, tmp_path):
    for name, seed in (("one", 1), ("two", 2)):
        write_video(tmp_path / f"{name}.mkv", 8, seed=seed)
    # The first waits for its video with the folder in its hands.
    os.mkfifo(tmp_path / "pipe.mkv")
    out = tmp_path / "out"
    first = _started("spot", "pipe.mkv", *words, "--out", str(out))
    while not (out / ".lock").exists():
        assert first.poll() is None
        time.sleep(0.05)
    second = _started("spot", "two.mkv", *words, "--out", str(out))
    said = second.communicate(timeout=120)[1]
    (tmp_path / "pipe.mkv").write_bytes((tmp_path / "one.mkv").read_bytes())
    failure = first.communicate(timeout=120)[1]

    assert (first.returncode, second.returncode) == (0, 2), (failure, said)
    assert b"another process works in" in said
    assert read_recording(out).parts[0].path.name == "pipe.mkv"
    with np.load(out / "out_scores.npz") as curve:
        assert len(curve["scores"]) == 8
    assert not list(out.glob("two*"))
    json.loads((out / "results_spotting.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", [b"H\xe4lfte.mkv", "Ημίχρονο.mkv".encode()])
def test_names_of_any_encoding_go_through_an_ascii_terminal(words, tmp_path, name):
    video = tmp_path / os.fsdecode(name)
    write_video(tmp_path / "plain.mkv", 8).rename(video)
    terminal = {"PYTHONIOENCODING": "ascii", "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}
    for command in (["video", "check", video], ["spot", video, *words, "--out", tmp_path / "out"]):
        process = _started(*command, **terminal)
        out, failure = process.communicate(timeout=120)
        assert process.returncode == 0, failure
        assert b"Traceback" not in failure
        out.decode("ascii")
    with (tmp_path / "out" / "spots.csv").open(encoding="utf-8") as file:
        assert {row["file"] for row in csv.DictReader(file)} <= {name.decode(errors="replace")}


@pytest.mark.slow
def test_ctrl_c_of_a_program_that_waits_for_a_pipe_ends_it(words, tmp_path):
    os.mkfifo(tmp_path / "pipe.mkv")
    process = _started("spot", "pipe.mkv", *words, "--out", str(tmp_path / "out"))
    while not (tmp_path / "out" / ".lock").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    failure = process.communicate(timeout=20)[1]
    assert process.returncode == 130, failure
    assert failure.endswith(b"interrupted\n")
