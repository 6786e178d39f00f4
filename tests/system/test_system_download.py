"""Downloads: kept under their hash, resumed, and never mixed with another file."""

import hashlib

import pytest
from flaky_server import Flaky, flaky_server

from bvas.errors import ConfigError, DataError
from bvas.system.download import download, fetch, split_hash

CONTENT = bytes(range(256)) * 100
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "there" / "some weights.safetensors"
    path.parent.mkdir()
    path.write_bytes(b"weights")
    return path


def address(path, content=b"weights"):
    return f"{path.as_uri()}#sha256={hashlib.sha256(content).hexdigest()}"


def test_a_file_is_fetched_once_and_kept_under_its_hash(stored, tmp_path):
    wanted = address(stored)
    kept = fetch(wanted, tmp_path / "cache")
    stored.unlink()

    assert kept.read_bytes() == b"weights"
    assert kept.name == f"{wanted[-64:]}.safetensors"
    assert fetch(wanted, tmp_path / "cache") == kept


def test_a_file_of_another_hash_is_refused_and_not_kept(stored, tmp_path):
    with pytest.raises(DataError, match=r"has the SHA-256 9a129038.* and should have d9298a10.*not used"):
        fetch(address(stored, b"other"), tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_a_kept_file_that_was_damaged_is_fetched_again(stored, tmp_path):
    kept = fetch(address(stored), tmp_path / "cache")
    kept.write_bytes(b"weig")
    assert fetch(address(stored), tmp_path / "cache").read_bytes() == b"weights"


def test_what_cannot_be_downloaded_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot download file:///.*missing.pth.*fetch it by other means"):
        fetch(address(tmp_path / "missing.pth"), tmp_path / "cache")


def test_an_address_needs_its_hash_and_a_folder_to_be_kept_in(stored):
    with pytest.raises(ConfigError, match="lacks its hash; append #sha256=HEX"):
        split_hash("https://host/file.safetensors#sha256=12")
    with pytest.raises(ConfigError, match="set BVAS_HOME"):
        fetch(address(stored), None)


def test_a_download_that_was_cut_off_is_resumed(tmp_path):
    flaky = Flaky(CONTENT, cuts=[8192, None])
    seen = []
    with flaky_server(flaky, "a.zip") as url:
        with pytest.raises(DataError, match="8192 of 25600 bytes; 8192 bytes are kept, the next try resumes"):
            download(url, tmp_path / "a.zip")
        assert not (tmp_path / "a.zip").exists()
        found = download(url, tmp_path / "a.zip", progress=lambda done, total: seen.append((done, total)))
    assert flaky.requests == ["", "bytes=8192-"]
    assert found == DIGEST
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert seen[-1] == (25600, 25600)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "a.zip"]


def test_the_rest_of_another_file_is_not_appended(tmp_path):
    other = bytes(reversed(CONTENT))
    flaky = Flaky(CONTENT, cuts=[8192, None], changed=other, tags=['"1"', '"2"'])
    with flaky_server(flaky, "a.zip") as url:
        with pytest.raises(DataError):
            download(url, tmp_path / "a.zip")
        download(url, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == other


def test_a_weak_tag_is_not_resumed_by_unless_the_hash_is_known(tmp_path):
    for sha256, asked in ((None, ["", ""]), (DIGEST, ["", "bytes=8192-"])):
        flaky = Flaky(CONTENT, cuts=[8192, None], tags=['W/"1"'])
        path = tmp_path / str(len(asked[1])) / "a.zip"
        path.parent.mkdir()
        with flaky_server(flaky, "a.zip") as url:
            with pytest.raises(DataError):
                download(url, path, sha256=sha256)
            download(url, path, sha256=sha256)
        assert flaky.requests == asked
        assert path.read_bytes() == CONTENT


def test_a_server_without_ranges_begins_again(tmp_path):
    flaky = Flaky(CONTENT, ranges=False, cuts=[8192, None])
    with flaky_server(flaky, "a.zip") as url:
        with pytest.raises(DataError):
            download(url, tmp_path / "a.zip")
        assert download(url, tmp_path / "a.zip") == DIGEST


def test_what_is_complete_already_but_of_another_size_begins_again(tmp_path):
    # A server answers 416 where nothing follows what there is.
    flaky = Flaky(CONTENT, statuses=[416, 200])
    (tmp_path / ".a.zip.part").write_bytes(b"x" * 30_000)
    with flaky_server(flaky, "a.zip") as url:
        assert download(url, tmp_path / "a.zip", sha256=DIGEST) == DIGEST
    assert flaky.requests == ["bytes=30000-", ""]
