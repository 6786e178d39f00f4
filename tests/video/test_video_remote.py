"""Remote video files: fetched whole or not at all, named without secrets, recognized by etag and size."""

import errno
import re
from importlib import import_module
from types import SimpleNamespace

import pytest
from flaky_server import Flaky, flaky_server
from stream_sources import frames_of
from video_samples import make_video

from bvas import DecodeError, open_stream, open_video
from bvas.errors import ConfigError, DataError
from bvas.predicting.settings import ends_all
from bvas.system.scratch import Scratch
from bvas.video.container import http_bytes
from bvas.video.container.read_options import source_of
from bvas.video.index import remote_file
from bvas.video.index.file_identity import Fingerprint
from bvas.video.index.remote_file import FetchedInTurn, NoRoomError, RemoteFile, is_remote, looked_at
from bvas.video.index.video_index import build_index


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch):
    monkeypatch.setattr(http_bytes, "_WAITS", (0.0, 0.01, 0.02))
    monkeypatch.setattr(remote_file, "_WAITS", (0.0, 0.01, 0.02))


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """An mp4 whose description lies at its end."""
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    return make_video(path, num_frames=150, options={"qp": "12", "g": "25"})


@pytest.fixture
def scratch(tmp_path):
    with Scratch(tmp_path / "scratch") as scratch:
        yield scratch


def fetched(flaky, scratch, name="a.mp4"):
    """The bytes that come of a server."""
    with flaky_server(flaky, name) as address:
        file = RemoteFile(address).fetch(scratch)
        data = file.path.read_bytes()
        file.discard()
    return data


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"delay": 0.03},
        {"cuts": [30_000, 3000, 0, None]},
        {"statuses": [503, 200]},
        {"statuses": [200, 503, 503, 200], "cuts": [30_000, None]},
        {"most": 5_000},
        {"ranges": False, "cuts": [30_000, 3000, None]},
        {"tagged": False, "cuts": [30_000, None]},
    ],
    ids=["plain", "delay", "cuts", "503", "503 in the middle", "short ranges", "no ranges", "no tag"],
)
def test_a_file_comes_whole_from_a_server_that_fails_now_and_then(video, scratch, options):
    data = video.read_bytes()
    assert len(data) > 80_000
    assert fetched(Flaky(data, **options), scratch) == data
    assert [path.name for path in scratch.root.rglob("*.mp4")] == []


def test_one_503_in_ten_requests_with_short_ranges_and_delay_does_not_matter(video, scratch):
    data = video.read_bytes()
    flaky = Flaky(data, statuses=([200] * 9 + [503]) * 20, most=len(data) // 25, delay=0.03)
    assert fetched(flaky, scratch) == data
    assert len(flaky.requests) > 26


def test_a_file_that_changes_in_the_middle_is_fetched_again_and_never_mixed(video, scratch, tmp_path):
    other = make_video(tmp_path / "b.mp4", num_frames=150, first_number=500, options={"qp": "12", "g": "25"})
    data, changed = video.read_bytes(), other.read_bytes()
    for tags in (['"1"', '"2"'], ['"1"']):
        flaky = Flaky(data, cuts=[len(data) // 2, None], tags=tags, changed=changed)
        if len(tags) == 1:
            # One tag for two contents: the size differs.
            assert len(data) != len(changed)
        assert fetched(flaky, scratch) == changed


def test_a_file_that_changes_each_time_is_a_named_error_and_nothing_is_left(video, scratch):
    flaky = Flaky(video.read_bytes(), tags=[f'"{number}"' for number in range(40)], cuts=[30_000])
    with pytest.raises(
        DataError, match=r"cannot fetch http://127.0.0.1:\d+/a.mp4: the file changed .*, 4 times"
    ):
        fetched(flaky, scratch)
    assert list(scratch.root.rglob("*.mp4")) == []


@pytest.mark.parametrize(
    ("options", "reason", "requests"),
    [
        ({"statuses": [404]}, "the server answers 404 Not Found; check the address", 1),
        (
            {"statuses": [403]},
            "the server answers 403 Forbidden; check the address, and its user or token",
            1,
        ),
        ({"statuses": [503]}, "the server answers 503 Service Unavailable, 4 times", 4),
        ({"coding": "chunked", "ranges": False}, "does not say how long the file is", 1),
        ({"ranges": False, "cuts": [1000]}, r"the connection closed after 1000 of \d+ bytes, 4 times", 4),
    ],
    ids=["404", "403", "503", "no length", "cut each time"],
)
def test_what_cannot_be_fetched_is_a_named_error(video, scratch, options, reason, requests):
    flaky = Flaky(video.read_bytes(), **options)
    with pytest.raises(DataError, match=reason):
        fetched(flaky, scratch)
    assert len(flaky.requests) == requests


def test_a_dead_address_is_named_at_once_without_its_secrets(scratch):
    with pytest.raises(DataError) as caught:
        RemoteFile("http://us3r:Pa55@127.0.0.1:9/a.mp4?token=T0k3n").fetch(scratch)
    assert re.search(r"cannot fetch http://127.0.0.1:9/a.mp4: Connection refused", str(caught.value))
    assert not re.search("us3r|Pa55|T0k3n", repr(caught.value) + repr(caught.value.__cause__))


def test_nothing_is_lost_over_http_fetched_or_opened_directly(video, scratch):
    # libav's own reader went to the description at the end, came back, and dropped frames in silence.
    data = video.read_bytes()
    assert data.rindex(b"moov") > len(data) // 2
    flaky = Flaky(data, delay=0.03, cuts=[len(data) // 3, None])
    with flaky_server(flaky, "a.mp4") as address:
        with open_stream(address) as reader:
            assert frames_of(reader) == ([(i, i) for i in range(150)], [])
            assert reader.info.start_seconds == build_index(video)[1].start_seconds
        file = RemoteFile(address).fetch(scratch)
    with open_video(file.path) as reader:
        assert frames_of(reader) == ([(i, i) for i in range(150)], [])
    file.discard()


def test_a_remote_file_has_the_name_of_its_address_without_user_and_query():
    address = "https://us3r:Pa55@host:8000/cup//2024/My%20Game.mp4?X-Amz-Signature=S1g#t=3"
    remote = RemoteFile(address)
    assert remote.name == str(remote) == "https://host:8000/cup//2024/My%20Game.mp4"
    assert (remote.file_name, remote.stem) == ("My Game.mp4", "My Game")
    assert remote.place == "https/host_8000/cup/2024/My%20Game.mp4"
    assert "Pa55" not in repr(remote)
    assert RemoteFile("s3://bucket/a/../b.mkv").place == "s3/bucket/a/b.mkv"
    assert RemoteFile("https://host").file_name == "video"


def test_files_in_folders_named_by_codes_have_names_of_their_own():
    codes = ["0123456789abcdef" * 2, "fedcba9876543210" * 2]
    names = [RemoteFile(f"https://host/{code}/720p.mp4").name for code in codes]
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"https://host/[0-9a-f]{8}/720p.mp4", name) for name in names)
    # A new password makes no new name.
    for user in ("me:old@", "me:new@"):
        assert RemoteFile(f"https://{user}host/{codes[0]}/720p.mp4?sig=1").name == names[0]


def test_a_hash_sign_is_part_of_a_key_and_begins_the_fragment_of_a_web_address():
    keys = [RemoteFile(f"s3://bucket/match#{number}.mp4") for number in (1, 2)]
    assert [key.name for key in keys] == ["s3://bucket/match%231.mp4", "s3://bucket/match%232.mp4"]
    assert [key.file_name for key in keys] == ["match#1.mp4", "match#2.mp4"]
    assert RemoteFile("https://host/match.mp4#t=2").name == "https://host/match.mp4"


@pytest.mark.parametrize("text", ["https://host/a.mp4", "HTTP://host/a", "s3://b/k", "gs://b/k", "az://c/k"])
def test_addresses_of_files_are_told_from_paths_and_streams(text):
    assert is_remote(text)


@pytest.mark.parametrize("text", ["a.mp4", "rtsp://host/a", "file:///a.mp4", "s3/a.mp4", "C:\\a.mp4", "-"])
def test_paths_and_streams_are_not_fetched(text):
    assert not is_remote(text)


@pytest.mark.parametrize(
    "address",
    [
        "https://user:S3cr/etpw@host.invalid/1.mp4",
        "https://u:S3cr[etpw@host/1.mp4",
        "http://h\x01ost/a.mp4?t=S3cretpw",
    ],
)
def test_an_address_that_is_not_valid_is_refused_at_once_without_its_secrets(address, caplog):
    with (
        caplog.at_level("INFO"),
        pytest.raises(DataError, match="is not a valid address; write special") as caught,
    ):
        RemoteFile(address).fingerprint()
    assert "S3cr" not in f"{caught.value}{caplog.text}"


def test_spaces_and_letters_of_any_alphabet_in_an_address_are_escaped(video):
    flaky = Flaky(b"", files={"My%20Sp%C3%A4tspiel.mp4": video.read_bytes()})
    with flaky_server(flaky, "a.mp4") as address:
        for name in ("My Spätspiel.mp4", "My%20Sp%C3%A4tspiel.mp4"):
            found = RemoteFile(address.replace("a.mp4", name)).fingerprint()
            assert found.size == video.stat().st_size


def test_an_etag_is_kept_and_a_date_or_a_weak_tag_is_not(video):
    data = video.read_bytes()
    for options, tag in (({}, "1"), ({"tags": ['W/"1"']}, ""), ({"tagged": False}, "")):
        with flaky_server(Flaky(data, **options), "a.mp4") as address:
            assert RemoteFile(address).fingerprint() == Fingerprint(size=len(data), mtime_ns=0, etag=tag)


def test_addresses_that_differ_in_their_query_are_one_file_by_etag_and_size(video):
    data = video.read_bytes()
    for options, same in (({}, True), ({"tagged": False}, False), ({"tags": ['"1"', '"2"']}, False)):
        with flaky_server(Flaky(data, **options), "a.mp4") as address:
            first, second = RemoteFile(f"{address}?sig=1"), RemoteFile(f"{address}?sig=2")
            assert first.is_same(second) is same
            assert first.is_same(first)
            assert not first.is_same(RemoteFile(address.replace("a.mp4", "b.mp4")))


def test_an_address_is_a_file_where_its_length_is_announced_and_it_is_no_playlist(video):
    data = video.read_bytes()
    cases = [
        ({}, "a.mp4", "remote file"),
        ({}, "a.m3u8", "URL"),
        ({"coding": "chunked", "ranges": False}, "a.mp4", "URL"),
    ]
    for options, name, kind in cases:
        with flaky_server(Flaky(data, **options), name) as address:
            assert looked_at(source_of(address)).kind == kind
    assert looked_at(source_of("s3://bucket/a.mp4")).kind == "remote file"
    assert looked_at(source_of("a.mp4")).kind == "file"


def test_a_file_larger_than_what_is_free_is_refused_before_it_is_fetched(video, scratch, monkeypatch):
    monkeypatch.setattr(remote_file.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(
        NoRoomError,
        match=r"has 0.00 GB, and .*scratch has 0.00 GB free, of which .*; choose another --scratch",
    ):
        fetched(Flaky(video.read_bytes()), scratch)


def test_the_next_file_is_fetched_meanwhile_and_each_is_removed_after_its_use(video, scratch):
    flaky = Flaky(video.read_bytes(), files={"b.mp4": b"other"})
    with flaky_server(flaky, "a.mp4") as address:
        first, second = RemoteFile(address), RemoteFile(address.replace("a.mp4", "b.mp4"))
        copies = FetchedInTurn([video, first, second], scratch)
        with copies.open(video) as path:
            assert path == video
        with copies.open(first) as path:
            assert path.read_bytes() == video.read_bytes()
            copies._copies[second].result()
            assert len(list(scratch.root.rglob("*.mp4"))) == 2
        with copies.open(second) as path:
            assert path.read_bytes() == b"other"
    assert list(scratch.root.rglob("*.mp4")) == []


def test_a_next_file_without_room_is_fetched_when_the_one_before_is_removed(video, scratch, monkeypatch):
    data = video.read_bytes()

    def usage(root):
        held = sum(path.stat().st_size for path in scratch.root.rglob("*.mp4"))
        return SimpleNamespace(free=remote_file._ROOM_LEFT + len(data) + 10 - held)

    monkeypatch.setattr(remote_file.shutil, "disk_usage", usage)
    with flaky_server(Flaky(data), "a.mp4") as address:
        files = [RemoteFile(address), RemoteFile(address.replace("a.mp4", "b.mp4"))]
        copies = FetchedInTurn(files, scratch)
        for number, file in enumerate(files):
            with copies.open(file) as path:
                assert path.read_bytes() == data
                if not number:
                    assert isinstance(copies._copies[files[1]].exception(), NoRoomError)


def test_a_file_that_is_opened_often_is_fetched_once_and_removed_after_its_last_use(video, scratch):
    flaky = Flaky(video.read_bytes(), files={"b.mp4": b"other"})
    with flaky_server(flaky, "a.mp4") as address:
        first, second = RemoteFile(address), RemoteFile(address.replace("a.mp4", "b.mp4"))
        uses = [first, second, first, second, first]
        copies = FetchedInTurn(uses, scratch)
        for number, file in enumerate(uses):
            with copies.open(file) as path:
                assert path.read_bytes() == (b"other" if file == second else video.read_bytes())
            there = {path.name for path in scratch.root.rglob("*.mp4")}
            # At first it is being fetched.
            assert number == 0 or ("b.mp4" in there) == (number < 3)
        assert len(flaky.requests) == 2
    assert there == set()


def test_a_scratch_that_fills_up_meanwhile_has_no_room_and_is_no_full_disk(video, scratch, monkeypatch):
    looks = []

    def fill(scratch):
        looks.append(1)
        if len(looks) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Scratch, "check_open", fill)
    with pytest.raises(NoRoomError) as caught:
        fetched(Flaky(video.read_bytes()), scratch)
    assert caught.value.__cause__ is None
    assert not ends_all(caught.value)
    assert list(scratch.root.rglob("*.mp4")) == []


def test_errors_of_a_copy_name_the_remote_file(scratch):
    with flaky_server(Flaky(b"<html>" * 100), "a.mp4") as address:
        file = RemoteFile(f"{address}?token=T0k3n").fetch(scratch)
        with pytest.raises(DecodeError) as caught, file.named():
            build_index(file.path)
    assert f"{address} is not a video" in str(caught.value)
    assert str(file.path) not in str(caught.value)


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_a_store_without_its_package_names_the_install_line(scheme, monkeypatch):
    pytest.importorskip("fsspec")
    core = import_module("fsspec.core")

    def missing(_):
        raise ImportError("Please install it")

    monkeypatch.setattr(core, "url_to_fs", missing)
    with pytest.raises(ConfigError, match=rf"{scheme}:// needs fsspec and \w+: pip install 'bvas\[remote\]'"):
        RemoteFile(f"{scheme}://bucket/a.mp4").fingerprint()


@pytest.fixture
def stores(monkeypatch):
    """fsspec's memory in the place of gs and az."""
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    monkeypatch.setattr(
        import_module("fsspec.core"), "url_to_fs", lambda address: (memory, "/" + address.split("//")[1])
    )
    yield memory
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


@pytest.mark.parametrize("scheme", ["gs", "az"])
def test_a_file_of_a_store_comes_whole(scheme, stores, video, scratch):
    stores.pipe_file("/bucket/cup/a.mp4", video.read_bytes())
    file = RemoteFile(f"{scheme}://bucket/cup/a.mp4").fetch(scratch)
    assert file.path.read_bytes() == video.read_bytes()
    assert file.fingerprint == Fingerprint(size=video.stat().st_size, mtime_ns=0)
    file.discard()
    with pytest.raises(DataError, match=f"no file {scheme}://bucket/cup/b.mp4"):
        RemoteFile(f"{scheme}://bucket/cup/b.mp4").fetch(scratch)
    with pytest.raises(DataError, match=f"{scheme}://bucket/cup is a folder"):
        RemoteFile(f"{scheme}://bucket/cup").fingerprint()


def test_an_object_that_changes_while_it_is_read_is_fetched_again(stores, video, scratch, monkeypatch):
    data = video.read_bytes()
    stores.pipe_file("/bucket/a.mp4", data)
    opened, changed = stores.open, [b"other" * 100]

    def change(path, *args, **kwargs):
        file = opened(path, *args, **kwargs)
        if changed:
            stores.pipe_file("/bucket/a.mp4", changed.pop())
        return file

    monkeypatch.setattr(type(stores), "open", lambda self, *args, **kwargs: change(*args, **kwargs))
    assert RemoteFile("gs://bucket/a.mp4").fetch(scratch).path.read_bytes() == b"other" * 100


def test_a_store_that_fails_in_the_middle_is_read_again_and_one_that_does_not_answer_is_an_error(
    stores, video, scratch, monkeypatch
):
    stores.pipe_file("/bucket/a.mp4", video.read_bytes())
    opened, failures = stores.open, [RuntimeError("payload is not complete")]

    def fail(self, *args, **kwargs):
        if failures:
            raise failures.pop()
        return opened(*args, **kwargs)

    monkeypatch.setattr(type(stores), "open", fail)
    file = RemoteFile("gs://bucket/a.mp4").fetch(scratch)
    assert (file.path.read_bytes(), failures) == (video.read_bytes(), [])

    def silent(*_):
        raise RuntimeError("no answer of https://us3r:Pa55@host")

    monkeypatch.setattr(type(stores), "info", silent)
    with pytest.raises(DataError, match=r"cannot fetch gs://bucket/a.mp4: no answer of https://host"):
        RemoteFile("gs://bucket/a.mp4").fetch(scratch)


def test_a_store_is_no_stream():
    with pytest.raises(DecodeError, match=r"s3://bucket/a.mp4 is a remote file, .*copy it to a local file"):
        open_stream("s3://bucket/a.mp4")
