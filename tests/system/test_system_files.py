import errno
from pathlib import Path

import pytest

from bvas.errors import DataError
from bvas.system.atomic_files import replacing, write_json, write_text
from bvas.system.text_files import read_json


def test_a_file_appears_under_its_name_when_the_block_ends(tmp_path):
    target = tmp_path / "deep" / "a.txt"

    with replacing(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
        assert temporary.suffix == ".txt"

    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_an_error_inside_the_block_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    with pytest.raises(KeyError), replacing(target) as temporary:
        temporary.write_text("half of the new")
        raise KeyError

    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_a_data_error_that_names_the_file_and_leaves_nothing(tmp_path):
    target = tmp_path / "a.npz"

    with pytest.raises(DataError, match=r"cannot write .*a\.npz: No space left.*free some space"):
        with replacing(target) as temporary:
            temporary.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    assert list(tmp_path.iterdir()) == []


def test_a_real_full_device_is_reported(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    link = tmp_path / "out"
    link.symlink_to("/dev/full")
    with pytest.raises(DataError, match="No space left"), replacing(tmp_path / "x.txt"):
        link.write_text("x" * 100_000)


def test_json_goes_there_and_back_and_says_where_it_breaks(tmp_path):
    write_json(tmp_path / "a.json", {"é": [1, 2]})
    assert read_json(tmp_path / "a.json") == {"é": [1, 2]}

    write_text(tmp_path / "b.json", '{"a": ')
    with pytest.raises(DataError, match=r"b\.json is not JSON: .*line 1"):
        read_json(tmp_path / "b.json")
    with pytest.raises(DataError, match="no file"):
        read_json(tmp_path / "c.json")


def test_a_folder_that_is_a_file_is_a_data_error(tmp_path):
    (tmp_path / "a").write_text("in the way")
    with pytest.raises(DataError, match="cannot write"):
        write_text(tmp_path / "a" / "b.txt", "x")
