import sys
import types
import zipfile
from typing import ClassVar

import pytest

from bvas.commands.data_download import PASSWORD_VARIABLE, ask_password
from bvas.data import soccernet_download as module
from bvas.data.soccernet_download import check_space, download, unpack
from bvas.errors import ConfigError, DataError


def no_password() -> str:
    raise AssertionError("asked for a password")


def _zip(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)


def test_too_little_space_is_said_with_both_figures(tmp_path):
    with pytest.raises(DataError, match=r"GB free and the download needs 1000000\.0 GB"):
        check_space(tmp_path / "not" / "yet", 10**15)
    check_space(tmp_path, 1)


def test_members_are_unpacked_and_those_already_there_left_alone(tmp_path):
    _zip(tmp_path / "train.zip", {"league/m/Labels-ball.json": "{}", "league/m/720p.mp4": "video"})

    assert unpack(tmp_path / "train.zip", tmp_path / "out", no_password) == 2
    assert (tmp_path / "out/league/m/720p.mp4").read_text() == "video"

    (tmp_path / "out/league/m/720p.mp4").write_text("vid")  # cut short by an interruption
    assert unpack(tmp_path / "train.zip", tmp_path / "out", no_password) == 1
    assert (tmp_path / "out/league/m/720p.mp4").read_text() == "video"


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "a/../../evil.txt", "C:/evil.txt"])
def test_members_that_would_land_outside_are_refused_and_nothing_is_written(tmp_path, name):
    _zip(tmp_path / "x.zip", {"fine.txt": "1", name: "2"})

    with pytest.raises(DataError, match="outside its folder"):
        unpack(tmp_path / "x.zip", tmp_path / "out", no_password)
    assert not (tmp_path / "out").exists()


def test_a_link_in_an_archive_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="outside its folder"):
        unpack(tmp_path / "x.zip", tmp_path / "out", no_password)


def test_a_damaged_archive_says_to_fetch_it_again(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(DataError, match=r"damaged .*delete it and run the command again"):
        unpack(tmp_path / "x.zip", tmp_path, no_password)


def test_the_password_comes_from_the_environment_and_never_without_a_terminal(monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "secret")
    assert ask_password() == "secret"
    monkeypatch.delenv(PASSWORD_VARIABLE)
    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(isatty=lambda: False))
    with pytest.raises(ConfigError, match="this is not a terminal; set SOCCERNET_PASSWORD"):
        ask_password()


class FakeDownloader:
    calls: ClassVar[list] = []

    def __init__(self, LocalDirectory):
        self.folder = LocalDirectory

    def downloadDataTask(self, task, split, source, **more):  # noqa: N802 - the package's own name
        self.calls.append(("task", task, split, source, more))
        for name in split:
            _zip(module.Path(self.folder) / task / f"{name}.zip", {f"league/{name}/Labels-ball.json": "{}"})

    def downloadGames(self, files, split, source):  # noqa: N802 - the package's own name
        self.calls.append(("games", self.folder, files, split, source, self.password))


@pytest.fixture
def fake_package(monkeypatch):
    package, downloader = types.ModuleType("SoccerNet"), types.ModuleType("SoccerNet.Downloader")
    downloader.SoccerNetDownloader = FakeDownloader
    monkeypatch.setitem(sys.modules, "SoccerNet", package)
    monkeypatch.setitem(sys.modules, "SoccerNet.Downloader", downloader)
    monkeypatch.setattr(FakeDownloader, "calls", [])
    monkeypatch.setattr(module, "check_space", lambda root, num_bytes: None)
    return FakeDownloader


def test_a_ball_task_is_fetched_split_by_split_and_unpacked(tmp_path, fake_package):
    download("ball-2023", ["train", "test"], tmp_path, source="HuggingFace", ask_password=no_password)

    assert fake_package.calls == [("task", "spotting-ball-2023", ["train", "test"], "HuggingFace", {})]
    assert (tmp_path / "spotting-ball-2023/league/test/Labels-ball.json").is_file()


def test_action_spotting_comes_match_by_match_into_its_own_folder(tmp_path, fake_package):
    download("action", ["train"], tmp_path, source="EXRCSDrive", ask_password=lambda: "secret")

    (call,) = fake_package.calls
    assert call[1] == str(tmp_path / "action-spotting-2023")
    assert "Labels-v2.json" in call[2]
    assert call[5] == "secret"


def test_a_server_that_gives_nothing_is_an_error(tmp_path, fake_package, monkeypatch):
    monkeypatch.setattr(FakeDownloader, "downloadDataTask", lambda self, **arguments: None)
    with pytest.raises(DataError, match=r"no train\.zip .*it resumes"):
        download("ball-2024", ["train"], tmp_path, source="HuggingFace", ask_password=no_password)


def test_a_missing_package_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "SoccerNet", None)
    with pytest.raises(DataError, match=r"pip install -e '\.\[soccernet\]'"):
        download("ball-2023", ["train"], tmp_path, source="HuggingFace", ask_password=no_password)
