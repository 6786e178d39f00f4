"""Identity of the file that something was made from."""

import os

import pytest

from bvas.errors import DataError
from bvas.system.background import in_background
from bvas.video.index.file_identity import content_digest, fingerprint_of, is_same


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(300_000))
    return path


def _later(path):
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))


def test_a_file_that_nobody_touched_is_the_same_without_being_read_through(file):
    before = fingerprint_of(file)
    assert is_same(file, before, "of another content")


def test_a_touched_file_is_the_same_if_its_content_is(file):
    before, digest = fingerprint_of(file), content_digest(file)
    _later(file)
    assert fingerprint_of(file) != before
    assert is_same(file, before, digest)
    assert not is_same(file, before, "of another content")


@pytest.mark.parametrize("place", [0, 150_000, 299_999])
def test_one_changed_byte_makes_it_another(file, place):
    before, digest = fingerprint_of(file), content_digest(file)
    with file.open("r+b") as opened:
        opened.seek(place)
        opened.write(b"x")
    _later(file)
    assert not is_same(file, before, digest)


def test_a_byte_more_makes_it_another(file):
    before, digest = fingerprint_of(file), content_digest(file)
    with file.open("ab") as opened:
        opened.write(b"\0")
    assert not is_same(file, before, digest)


def test_the_digest_is_that_of_sha256sum(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # FIPS 180-4, the example of one block.
    assert (
        in_background(content_digest, path).result()
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_what_is_not_a_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("nothing.mp4", "pipe", "."):
        with pytest.raises(DataError, match="no file"):
            fingerprint_of(tmp_path / name)
    with pytest.raises(DataError, match="cannot read"):
        in_background(content_digest, tmp_path / "nothing.mp4").result()


def test_a_folder_of_pictures_is_known_by_their_content(tmp_path):
    folder = tmp_path / "match"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number:06}.jpg").write_bytes(bytes([number]) * 100)
    before, digest = fingerprint_of(folder), content_digest(folder)
    assert before.size == 300

    _later(folder / "000001.jpg")
    assert fingerprint_of(folder) != before
    assert is_same(folder, before, digest)
    moved = folder.rename(tmp_path / "moved")
    assert is_same(moved, before, digest)

    (moved / "000001.jpg").write_bytes(b"x" * 100)
    _later(moved / "000001.jpg")
    assert not is_same(moved, before, digest)
    (moved / "000003.jpg").write_bytes(b"x")
    assert fingerprint_of(moved).size == 301
