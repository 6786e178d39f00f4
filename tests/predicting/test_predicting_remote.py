"""Remote videos in `bvas predict` and `bvas data check`: results of the local files, and an empty scratch."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from flaky_server import Flaky, flaky_server, padded
from workplaces import RESULTS, write_video

import bvas
from bvas.cli import main
from bvas.video.container import http_bytes
from bvas.video.index import remote_file
from bvas.video.index.remote_file import RemoteFile

SECRETS = ["us3r", "Pa55w0rd", "S1gn4ture", "T0k3n"]


@pytest.fixture(autouse=True)
def _surroundings(tmp_path, monkeypatch):
    monkeypatch.setattr(http_bytes, "_WAITS", (0.0, 0.01, 0.02))
    monkeypatch.setattr(remote_file, "_WAITS", (0.0, 0.01, 0.02))
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "cache"))


@pytest.fixture
def local(there):
    """A local video, its rows and results."""
    video = write_video(there.folder / "a.mp4", seed=7)
    manifest(there, ["a.mp4"])
    assert there.predict("--manifest", "season.txt") == 0
    return SimpleNamespace(
        video=video, scores=there.scores("videos/a.mp4", "a"), results=results(there, "a.mp4")
    )


def manifest(there, lines):
    (there.folder / "season.txt").write_text("\n".join(lines) + "\n")


def predict_remote(there, *options):
    return there.predict("--manifest", "season.txt", "--scratch", "scratch", *options)


def results(there, name):
    content = json.loads((there.predictions / "videos" / name / RESULTS).read_text())
    return content["predictions"]


def record(there, name):
    return json.loads((there.predictions / "videos" / name / "made_from.json").read_text())["videos"]["1"]


def place(address):
    return RemoteFile(address).place


def left(folder):
    return list((folder / "scratch").rglob("*")) if (folder / "scratch").exists() else []


def no_fetch(monkeypatch):
    def refuse(*_):
        raise AssertionError("it was fetched")

    monkeypatch.setattr(RemoteFile, "fetch", refuse)


def signed(address, signature="S1gn4ture"):
    host = address.removeprefix("http://")
    return f"http://us3r:Pa55w0rd@{host}?X-Amz-Signature={signature}&token=T0k3n"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cuts": [30_000, None], "statuses": [200, 503, 200], "delay": 0.03},
        {"ranges": False, "tagged": False},
    ],
    ids=["plain", "flaky", "no ranges, no tag"],
)
def test_a_remote_video_has_the_results_of_the_local_file_and_scratch_is_empty(there, local, options):
    with flaky_server(Flaky(local.video.read_bytes(), **options), "a.mp4") as address:
        manifest(there, [address])
        assert predict_remote(there) == 0
    assert np.array_equal(there.scores(f"videos/{place(address)}", "a"), local.scores)
    assert results(there, place(address)) == local.results
    assert record(there, place(address))["path"] == address
    assert left(there.folder) == []
    # No index is kept of a path that never comes back.
    assert len(list((there.folder.parent / "cache/index").iterdir())) == 1


def test_results_are_known_without_fetching_by_etag_and_size_whatever_the_query(there, local, monkeypatch):
    with flaky_server(Flaky(local.video.read_bytes()), "a.mp4") as address:
        manifest(there, [f"{address}?sig=1"])
        assert predict_remote(there) == 0
        written = there.times()
        no_fetch(monkeypatch)
        for line in (f"{address}?sig=1", f"{address}?sig=2", address):
            manifest(there, [line])
            assert predict_remote(there) == 0
    assert there.times() == written
    assert record(there, place(address))["glance"] == {
        "size": local.video.stat().st_size,
        "mtime_ns": 0,
        "etag": "1",
    }


def test_without_an_etag_the_content_decides_after_fetching(there, local, monkeypatch):
    flaky = Flaky(padded(local.video.read_bytes(), 200_000), tagged=False)
    with flaky_server(flaky, "a.mp4") as address:
        manifest(there, [address])
        assert predict_remote(there) == 0
        with monkeypatch.context() as patch:
            patch.setattr("bvas.predicting.schedule.predict_segments", None)
            assert predict_remote(there) == 0
        assert results(there, place(address)) == local.results
        # Another one of the same size and date.
        flaky.data = padded(write_video(there.folder / "b.mp4", seed=8).read_bytes(), 200_000)
        assert predict_remote(there) == 0
    assert not np.array_equal(there.scores(f"videos/{place(address)}", "a"), local.scores)
    assert left(there.folder) == []


def test_another_file_behind_another_query_does_not_replace_results(there, local):
    flaky = Flaky(local.video.read_bytes())
    with flaky_server(flaky, "get") as address:
        manifest(there, [f"{address}?id=7"])
        assert predict_remote(there) == 0
        flaky.data, flaky.tags = write_video(there.folder / "b.mp4", seed=8).read_bytes(), ['"2"']
        manifest(there, [f"{address}?id=8"])
        assert predict_remote(there) == 2
        assert "which has another query; take other --runs" in there.failures("videos")[place(address)]
        assert np.array_equal(there.scores(f"videos/{place(address)}", "get"), local.scores)
        assert predict_remote(there, "--overwrite") == 0
    assert not np.array_equal(there.scores(f"videos/{place(address)}", "get"), local.scores)


def test_two_addresses_of_one_manifest_that_differ_in_their_query_are_one_video_or_refused(
    there, local, capsys
):
    flaky = Flaky(local.video.read_bytes())
    with flaky_server(flaky, "a.mp4") as address:
        manifest(there, [f"{address}?sig=1", f"{address}?sig=2"])
        assert predict_remote(there) == 0
        assert set(there.times()) == {"videos/a.mp4", f"videos/{place(address)}"}
        flaky.tags = [f'"{number}"' for number in range(100)]
        assert predict_remote(there) == 2
    assert (
        f"results of {address} would replace those of {address}, which is another file"
        in capsys.readouterr().err
    )


def test_user_password_and_query_appear_in_no_file_and_no_line(there, local, capfd, caplog):
    caplog.set_level("DEBUG")
    dead = "http://us3r:Pa55w0rd@127.0.0.1:9/b.mp4?token=T0k3n"
    flaky = Flaky(local.video.read_bytes(), files={"c.mp4": b"<html>" * 99})
    with flaky_server(flaky, "a.mp4") as address:
        broken = signed(address.replace("a.mp4", "c.mp4"))
        manifest(there, [signed(address), dead, broken])
        assert predict_remote(there, "--devices", "cpu,cpu", "--device", "auto") == 3
    (there.folder / "season.txt").unlink()
    assert set(there.failures("videos")) == {place(dead), place(broken)}
    assert f"{RemoteFile(broken).name} is not a video" in there.failures("videos")[place(broken)]
    said = capfd.readouterr()
    texts = (said.out + said.err + caplog.text).encode()
    for folder in (there.folder, there.folder.parent / "cache"):
        for path in folder.rglob("*"):
            texts += os.fsencode(path) + (path.read_bytes() if path.is_file() else b"")
    assert address.encode() in texts
    assert [secret for secret in SECRETS if secret.encode() in texts] == []
    assert left(there.folder) == []


def test_the_next_video_is_fetched_while_one_is_computed_and_waits_where_scratch_is_full(
    there, local, monkeypatch
):
    data = local.video.read_bytes()
    held, fetch = [], RemoteFile.fetch

    def noted(remote, scratch):
        found = fetch(remote, scratch)
        held.append(sorted(path.name for path in Path("scratch").rglob("*.mp4")))
        return found

    monkeypatch.setattr(RemoteFile, "fetch", noted)
    with flaky_server(Flaky(data), "a.mp4") as address:
        manifest(there, [address, address.replace("a.mp4", "b.mp4")])
        assert predict_remote(there) == 0
        assert held == [["a.mp4"], ["a.mp4", "b.mp4"]]
        held.clear()

        size, real = [len(data) + 10], shutil.disk_usage

        def usage(folder):
            used = sum(path.stat().st_size for path in Path("scratch").rglob("*.mp4"))
            return (
                SimpleNamespace(free=remote_file._ROOM_LEFT + size[0] - used)
                if Path(folder) == Path("scratch")
                else real(folder)
            )

        monkeypatch.setattr(shutil, "disk_usage", usage)
        assert predict_remote(there, "--overwrite") == 0
        assert held == [["a.mp4"], ["b.mp4"]]
        size[0] = len(data) - 1
        assert predict_remote(there, "--overwrite") == 2
    assert "choose another --scratch" in there.failures("videos")[place(address)]
    assert left(there.folder) == []


def listed(there, addresses, **more):
    """A data root whose matches have remote videos."""
    labels = ["PASS", "DRIVE"]
    annotations = [{"label": "PASS", "seconds": 1.0, "part": 1}]
    entry = {"name": "final", "videos": addresses, "annotations": annotations, "fold": 0, **more}
    other = {"name": "third", "videos": [str(there.folder / "a.mp4")], "annotations": [], "fold": 1}
    content = {"format": "bvas-dataset-1", "labels": labels, "matches": [entry, other]}
    there.league.mkdir(parents=True, exist_ok=True)
    (there.league / "dataset.json").write_text(json.dumps(content))


def test_videos_of_a_data_set_may_be_addresses_in_predict_evaluate_and_data_check(there, local, capsys):
    other = write_video(there.folder / "b.mp4", seed=8)
    flaky = Flaky(local.video.read_bytes(), files={"b.mp4": other.read_bytes()})
    with flaky_server(flaky, "a.mp4") as address:
        addresses = [signed(address), signed(address.replace("a.mp4", "b.mp4"))]
        listed(there, addresses)
        check = ["data", "check", str(there.league), "--decode", "--scratch", "scratch"]
        assert main(check) == 0
        assert "3, 0.00 h" in capsys.readouterr().out
        assert there.predict("--scratch", "scratch") == 0
        scores = [there.scores("cv/final", stem) for stem in "ab"]
        assert main(["train", "--experiment", "tiny", "--device", "cpu", "--runs", "others"]) == 2
        flaky.statuses = [404]
        assert main(check) == 2
    said = capsys.readouterr()
    assert f"{address} is remote, and this reads videos at random" in said.err
    assert "the server answers 404" in said.out
    texts = said.out + said.err + (there.predictions / "cv/final/made_from.json").read_text()
    assert [secret for secret in SECRETS if secret in texts] == []
    assert left(there.folder) == []
    # Scores need no video.
    assert main(["evaluate", "--experiment", "tiny"]) == 0
    copies = [shutil.copy(video, there.folder / "data" / video.name) for video in (local.video, other)]
    listed(there, [str(copy) for copy in copies])
    assert there.predict("--overwrite") == 0
    assert all(map(np.array_equal, scores, [there.scores("cv/final", stem) for stem in "ab"]))


CHILD = """
import sys, time
import bvas
from bvas.cli import main
from bvas.predicting import prepared_video
prepared_video.build_index = lambda path: time.sleep(60)
main(["predict", "--experiment", "tiny", "--device", "cpu", "--manifest", "season.txt", "--scratch", "scratch"])
"""


def test_what_a_killed_run_left_in_scratch_is_removed_by_the_next(there, local):
    with flaky_server(Flaky(local.video.read_bytes()), "a.mp4") as address:
        manifest(there, [address])
        env = {**os.environ, "PYTHONPATH": str(Path(bvas.__file__).parents[1])}
        child = subprocess.Popen([sys.executable, "-c", CHILD], env=env)
        deadline = time.monotonic() + 60
        while not any(path.suffix == ".mp4" for path in left(there.folder)):
            assert time.monotonic() < deadline
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert any(path.suffix == ".mp4" for path in left(there.folder))
        assert predict_remote(there) == 0
    assert left(there.folder) == []
    assert np.array_equal(there.scores(f"videos/{place(address)}", "a"), local.scores)


def test_videos_in_an_object_store_have_the_results_of_the_local_files(there, local, monkeypatch):
    pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    server = moto.ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name, value in (
            ("ACCESS_KEY_ID", "k3y"),
            ("SECRET_ACCESS_KEY", "s3cret"),
            ("DEFAULT_REGION", "us-east-1"),
        ):
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        client = boto3.client("s3")
        client.create_bucket(Bucket="league")
        client.upload_file(str(local.video), "league", "2024/a.mp4")
        manifest(there, ["s3://league/2024/a.mp4"])
        assert predict_remote(there) == 0
        written = there.times()
        with pytest.MonkeyPatch.context() as patch:
            no_fetch(patch)
            assert predict_remote(there) == 0
        assert there.times() == written
        assert np.array_equal(there.scores("videos/s3/league/2024/a.mp4", "a"), local.scores)
        assert len(record(there, "s3/league/2024/a.mp4")["glance"]["etag"]) == 32
        manifest(there, ["s3://league/2024/b.mp4"])
        assert predict_remote(there) == 2
        assert "no file s3://league/2024/b.mp4" in there.failures("videos")["s3/league/2024/b.mp4"]
    finally:
        server.stop()
    assert left(there.folder) == []
