import hashlib

import pytest

from bvas.errors import ConfigError, DataError
from bvas.system.download import fetch, split_hash


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
    assert list((tmp_path / "cache").iterdir()) == []


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
