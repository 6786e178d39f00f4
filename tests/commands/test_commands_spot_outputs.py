"""What `bvas spot` writes: tried before the first frame, kept when interrupted, never in place of another recording."""

import csv
import http.server
import json
import os
import shutil
import threading
import zipfile
from functools import partial
from pathlib import Path
from traceback import format_exception
from urllib.parse import quote, unquote

import numpy as np
import pytest
from live_sources import Paced, broadcast, write_video

from bvas.cli import main
from bvas.errors import DecodeError
from bvas.inference.streaming import StreamingPredictor
from bvas.results.store import load_curve, read_recording
from bvas.system.locks import locked
from bvas.video.encode.video_writer import VideoWriter
from bvas.video.live.open_stream import open_stream

OUTPUTS = ["recording.json", "results_spotting.json", "spots.csv"]


@pytest.fixture
def spot(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "cache"))

    def run(*words):
        return main(["spot", *map(str, words), "--experiment", str(runs / "tiny.py"), "--runs", str(runs)])

    return run


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def _no_decoding(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a frame was asked for")

    monkeypatch.setattr("bvas.inference.spot_video.spot_video", refuse)


def _all_texts(folder: Path) -> bytes:
    found = []
    for path in folder.rglob("*"):
        found.append(os.fsencode(path))
        if path.is_file():
            found.append(path.read_bytes())
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    found += [archive.read(name) for name in archive.namelist()]
    return b"\n".join(found)


def _holds(texts: bytes, secret: str) -> bool:
    forms = {secret, quote(secret, safe=""), unquote(secret)}
    return any(form.encode(encoding) in texts for form in forms for encoding in ("utf-8", "utf-32-le"))


def test_a_signed_address_with_a_password_leaves_no_secret_anywhere(spot, tmp_path, capsys, caplog):
    video = write_video(tmp_path / "video.ts", 30)
    garbage = tmp_path / "garbage.ts"
    garbage.write_bytes(b"<html>not a video</html>" * 100)
    secrets = ["Pa@55w/rd", "Pa%4055w%2Frd", "S1gn4ture", "T0k3n", "fr4gm3nt"]

    def signed(url):
        host = url.removeprefix("http://")
        return f"http://us3r:Pa%4055w%2Frd@{host}?X-Amz-Signature=S1gn4ture&token=T0k3n#fr4gm3nt"

    out = tmp_path / "work" / "out"
    with broadcast(Paced([(video, None)], 0.2)) as url:
        codes = [spot(signed(url), "--out", out)]
        codes.append(spot(signed(url), "--live", "--jsonl", tmp_path / "work" / "live.jsonl"))
        codes.append(spot(signed(url), "--out", out))
        codes.append(main(["video", "check", signed(url)]))
        codes.append(main(["spots", "overlay", signed(url)]))
        codes.append(main(["report", str(out)]))
        codes.append(main(["report", signed(url)]))
        codes.append(main([signed(url)]))
        codes.append(main(["spots", "export", str(out), "--to", "csv"]))
        with pytest.raises(SystemExit):
            spot(signed(url), "--kickoff", signed(url))
    assert codes == [0, 0, 0, 2, 2, 2, 2, 2, 0]
    assert spot(signed(url), "--out", tmp_path / "work" / "refused") == 2
    with broadcast(Paced([(garbage, None)], 0.1)) as url:
        assert spot(signed(url), "--out", tmp_path / "work" / "garbage") == 2

    said = capsys.readouterr()
    texts = (
        _all_texts(tmp_path / "work") + _all_texts(tmp_path / "cache")
        if (tmp_path / "cache").exists()
        else b""
    )
    texts += "\n".join([said.out, said.err, caplog.text]).encode()
    assert [secret for secret in [*secrets, "us3r"] if _holds(texts, secret)] == []
    part = read_recording(out).parts[0]
    assert part.address.startswith("http://127.0.0.1:")
    assert part.address.endswith("/live.ts")
    assert "--video" in said.err
    # The page is made with the saved video.
    assert main(["report", str(out), "--video", str(video)]) == 0


def test_the_pieces_of_a_playlist_leave_no_secret_where_they_are_missing(spot, tmp_path, capsys, caplog):
    folder = tmp_path / "served"
    folder.mkdir()
    pieces = "".join(f"#EXTINF:1,\npiece{number}.ts?token=T0k3n\n" for number in range(2))
    (folder / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{pieces}#EXT-X-ENDLIST\n")
    handler = partial(_Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        url = f"http://us3r:Pa55w0rd@127.0.0.1:{server.server_address[1]}/list.m3u8?sig=S1gn4ture"
        code = spot(url, "--out", tmp_path / "out")
        with pytest.raises(DecodeError) as caught:
            open_stream(url)
        server.shutdown()
        thread.join()

    said = capsys.readouterr()
    traceback = "".join(format_exception(caught.value))
    texts = "\n".join([said.out, said.err, caplog.text, traceback]).encode()
    assert code == 2
    assert [secret for secret in ("T0k3n", "Pa55w0rd", "S1gn4ture", "us3r") if _holds(texts, secret)] == []


def test_a_name_that_is_not_utf8_goes_through_all_commands(spot, tmp_path, capsys):
    name = os.fsdecode(b"H\xe4lfte\n1 #2 100%?.mkv")
    video = tmp_path / name
    shutil.copy(write_video(tmp_path / "plain.mkv", 30), video)
    out = tmp_path / "out"

    assert main(["video", "check", str(video)]) == 0
    assert main(["video", "check", "--json", str(video)]) == 0
    assert spot(video, "--out", out) == 0
    assert read_recording(out).parts[0].path == video
    assert main(["spots", "export", str(out), "--to", "srt"]) == 0
    assert main(["spots", "export", str(out), "--to", "csv"]) == 0
    assert main(["spots", "overlay", str(video), "--spots", str(out)]) == 0
    assert main(["report", str(out)]) == 0
    assert main(["report", str(out), "--link"]) == 0
    assert main(["video", "prepare", str(video), "--out", str(tmp_path / "copies")]) == 0

    assert "H\ufffdlfte" in capsys.readouterr().out
    for path in out.rglob("*"):
        assert os.fsencode(path.name).decode() == path.name
        if path.suffix in (".json", ".csv", ".srt", ".html"):
            path.read_text(encoding="utf-8")
    with (out / "spots.csv").open(encoding="utf-8") as file:
        assert {row["file"] for row in csv.DictReader(file)} <= {"H\ufffdlfte\\n1 #2 100%?.mkv"}


def test_the_longest_name_of_a_file_has_results_and_a_copy(spot, tmp_path):
    video = tmp_path / ("ü" * 120 + "12345.mkv")
    shutil.copy(write_video(tmp_path / "plain.mkv", 30), video)

    assert len(os.fsencode(video.name)) == 249
    assert spot(video) == 0
    out = next((tmp_path / "spots").iterdir())
    name = read_recording(out).parts[0].name
    assert sorted(path.name for path in out.iterdir() if path.name != ".lock") == sorted(
        [*OUTPUTS, f"{name}_scores.npz", f"{name}_timeline.png"]
    )
    assert main(["spots", "overlay", str(video)]) == 0
    assert main(["video", "prepare", str(video), "--out", str(tmp_path / "copies")]) == 0
    assert main(["report", str(out)]) == 0


@pytest.mark.parametrize("fault", ["file in the way", "folder in place of a file", "name too long"])
def test_what_cannot_be_written_is_said_before_a_frame_is_decoded(spot, tmp_path, monkeypatch, capsys, fault):
    video = write_video(tmp_path / "a.mkv", 10)
    _no_decoding(monkeypatch)
    out = tmp_path / "out"
    if fault == "file in the way":
        out.write_text("mine")
    elif fault == "folder in place of a file":
        (out / "a_timeline.png").mkdir(parents=True)
    else:
        out = tmp_path / ("x" * 256)

    assert spot(video, "--out", out) == 2
    assert "cannot write" in capsys.readouterr().err
    assert not list(tmp_path.glob("*/recording.json"))


def _video(path, seed):
    path.parent.mkdir(exist_ok=True)
    return write_video(path, 30, seed=seed)


def test_results_of_another_recording_are_replaced_when_asked_only(spot, tmp_path, capsys):
    first, other = _video(tmp_path / "a" / "match.mkv", 1), _video(tmp_path / "b" / "match.mkv", 2)
    out = tmp_path / "spots" / "match"

    assert spot(first) == 0
    before = (out / "match_scores.npz").read_bytes()
    assert spot(first) == 0
    assert spot(other) == 2
    said = capsys.readouterr().err
    assert str(first) in said
    assert "--out" in said
    assert "--overwrite" in said
    assert (out / "match_scores.npz").read_bytes() == before

    moved = tmp_path / "moved.mkv"
    shutil.copy(first, moved)
    assert spot(moved, "--out", out) == 0
    shutil.copy(other, moved)
    assert spot(moved, "--out", out) == 2
    assert "changed" in capsys.readouterr().err
    assert spot(moved, "--out", out, "--overwrite") == 0
    assert read_recording(out).parts[0].path == moved


def test_a_run_leaves_no_file_of_a_part_that_it_does_not_have(spot, tmp_path):
    first, second = _video(tmp_path / "one.mkv", 1), _video(tmp_path / "two.mkv", 2)
    out = tmp_path / "out"

    assert spot(first, second, "--out", out) == 0
    assert (out / "two_scores.npz").is_file()
    assert spot(first, second, "--out", out, "--to", "1") == 0
    assert not list(out.glob("two_*"))
    # The results of the second file would be lost.
    assert spot(first, second, "--out", out) == 0
    assert spot(first, "--out", out) == 2


def test_a_folder_that_another_run_writes_to_is_refused(spot, tmp_path, capsys):
    video = _video(tmp_path / "a.mkv", 1)
    with locked(tmp_path / "out"):
        assert spot(video, "--out", tmp_path / "out") == 2
    assert "another process" in capsys.readouterr().err


def test_a_file_that_another_process_writes_is_left_to_it(tmp_path):
    from bvas.errors import BusyError

    settings = {"size": (64, 96), "rate": 25}
    with VideoWriter(tmp_path / "a.mkv", **settings) as writer:
        with pytest.raises(BusyError, match=r"a\.mkv"):
            VideoWriter(tmp_path / "a.mkv", **settings)
        writer.write(np.zeros((64, 96), np.uint8))
    with VideoWriter(tmp_path / "a.mkv", **settings) as writer:
        writer.write(np.zeros((64, 96), np.uint8))


def test_ctrl_c_keeps_the_rows_so_far_and_the_parts_before(spot, tmp_path, monkeypatch, capsys):
    first, second = _video(tmp_path / "one.mkv", 1), write_video(tmp_path / "two.mkv", 100, seed=2)
    assert spot(first, second, "--out", tmp_path / "whole") == 0
    push, calls = StreamingPredictor.push, []

    def interrupted(self, *args, **options):
        # Behind the first part, which has 30 frames, and the first 64 of the second.
        if sum(calls) >= 30 + 64:
            raise KeyboardInterrupt
        calls.append(len(args[0]))
        return push(self, *args, **options)

    monkeypatch.setattr(StreamingPredictor, "push", interrupted)
    out = tmp_path / "out"

    assert spot(first, second, "--out", out) == 130

    whole, kept = (load_curve(tmp_path / place / "two_scores.npz") for place in ("whole", "out"))
    assert sum(calls) == 30 + 64
    assert 40 < len(kept.scores) < 64
    np.testing.assert_array_equal(kept.scores, whole.scores[: len(kept.scores)])
    np.testing.assert_array_equal(kept.seconds, whole.seconds[: len(kept.scores)])
    assert (out / "one_scores.npz").read_bytes() == (tmp_path / "whole" / "one_scores.npz").read_bytes()
    recording = json.loads((out / "recording.json").read_text())
    assert recording["in_part"].startswith("interrupted at ")
    assert "in part" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert spot(first, second, "--out", out) == 0
    assert read_recording(out).in_part == ""


def test_ctrl_c_before_the_first_row_of_a_part_keeps_the_parts_before(spot, tmp_path, monkeypatch):
    first, second = _video(tmp_path / "one.mkv", 1), _video(tmp_path / "two.mkv", 2)
    push, calls = StreamingPredictor.push, []

    def interrupted(self, *args, **options):
        # Behind the first part, which has 30 frames.
        if sum(calls) >= 30:
            raise KeyboardInterrupt
        calls.append(len(args[0]))
        return push(self, *args, **options)

    monkeypatch.setattr(StreamingPredictor, "push", interrupted)

    assert spot(first, second, "--out", tmp_path / "out") == 130
    assert [part.name for part in read_recording(tmp_path / "out").parts] == ["one"]
    assert read_recording(tmp_path / "out").in_part == "1 of 2 files"
