"""`bvas spot` on addresses: files are fetched, spotted as local ones, and named without secrets."""

import csv

import numpy as np
import pytest
from flaky_server import Flaky, flaky_server, padded
from live_sources import write_video

from bvas.cli import main
from bvas.results.store import load_curve, read_recording
from bvas.video.container import http_bytes
from bvas.video.index import remote_file


@pytest.fixture
def spot(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(http_bytes, "_WAITS", (0.0, 0.01, 0.02))
    monkeypatch.setattr(remote_file, "_WAITS", (0.0, 0.01, 0.02))

    def run(*words):
        options = ["--experiment", runs / "tiny.py", "--runs", runs, "--scratch", "scratch"]
        return main(["spot", *map(str, [*words, *options])])

    return run


@pytest.fixture
def videos(tmp_path):
    return [write_video(tmp_path / f"{name}.mp4", 40, seed=seed) for seed, name in enumerate("ab")]


def rows(folder):
    with (folder / "spots.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_remote_parts_have_the_results_of_the_local_files(spot, videos, tmp_path):
    assert spot(*videos, "--out", "local", "--to", "2.4") == 0
    first, second = (video.read_bytes() for video in videos)
    flaky = Flaky(first, files={"b.mp4": second}, cuts=[len(first) // 2, None], delay=0.03)
    with flaky_server(flaky, "a.mp4") as address:
        addresses = [f"{address}?token=T0k3n", address.replace("a.mp4", "b.mp4")]
        assert spot(*addresses, "--out", "remote", "--to", "2.4") == 0
    for name in "ab":
        local, remote = (load_curve(tmp_path / out / f"{name}_scores.npz") for out in ("local", "remote"))
        assert np.array_equal(local.scores, remote.scores)
        assert np.array_equal(local.seconds, remote.seconds)
    assert rows(tmp_path / "local") == rows(tmp_path / "remote")
    recording = read_recording(tmp_path / "remote")
    assert [part.address for part in recording.parts] == [address, addresses[1]]
    assert [part.begin_seconds for part in recording.parts] == [0.0, 1.6]
    assert [file.path for file in recording.made_from] == [address, addresses[1]]
    assert list((tmp_path / "scratch").iterdir()) == []
    written = "".join(path.read_text(errors="replace") for path in (tmp_path / "remote").iterdir())
    assert not [word for word in ("T0k3n", "scratch") if word in written]


def test_a_folder_is_of_the_same_remote_recording_by_etag_or_by_content(spot, videos, tmp_path, capsys):
    flaky = Flaky(videos[0].read_bytes())
    with flaky_server(flaky, "a.mp4") as address:
        assert spot(f"{address}?sig=1", "--out", "out") == 0
        assert spot(f"{address}?sig=2", "--out", "out") == 0
        flaky.tags = ['"2"']
        assert spot(address, "--out", "out") == 0
        # The same content at another place.
        assert spot(videos[0], "--out", "out") == 0
        flaky.data, flaky.tagged = padded(videos[0].read_bytes(), 100_000), False
        assert spot(address, "--out", "padded") == 0
        # Another one of the same size and date.
        flaky.data = padded(videos[1].read_bytes(), 100_000)
        assert spot(address, "--out", "padded") == 2
        assert spot(address, "--out", "out") == 2
        assert "which has changed since" in capsys.readouterr().err
        assert spot(address, "--out", "out", "--overwrite") == 0
        assert spot(address) == 0
    assert (tmp_path / "spots/a/spots.csv").is_file()


def test_what_is_no_video_names_the_address_and_leaves_scratch_empty(spot, tmp_path, capsys):
    with flaky_server(Flaky(b"<html>" * 100), "a.mp4") as address:
        assert spot(f"{address}?token=T0k3n", "--out", "out") == 2
    said = capsys.readouterr().err
    assert f"{address} is not a video" in said
    assert not [word for word in ("T0k3n", "scratch") if word in said]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_live_follows_an_address_and_fetches_nothing(spot, videos, tmp_path, capsys):
    with flaky_server(Flaky(videos[0].read_bytes()), "a.mp4") as address:
        assert spot(address, "--live", "--jsonl", "live.jsonl") == 0
    assert not (tmp_path / "scratch").exists()
    assert spot("s3://bucket/a.mp4", "--live") == 2
    assert "is a remote file, which is not read as a stream" in capsys.readouterr().err


def test_a_stream_among_several_parts_is_refused(spot, videos, capsys):
    with flaky_server(Flaky(videos[0].read_bytes(), coding="close", ranges=False), "a.mp4") as address:
        assert spot(address, videos[1]) == 2
    assert "is a URL: it is spotted alone" in capsys.readouterr().err
