"""Published weights, from a local server in place of Google Drive."""

import hashlib
import io
import shutil
import sys
import zipfile
from types import ModuleType, SimpleNamespace

import pytest
from flaky_server import Flaky, flaky_server

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.experiment.checkpoint import load_checkpoint, trained_folds
from bvas.lromul.published import PUBLISHED

EXPERIMENT = "ball_finetune_long_004"
NAMES = {
    "fold_0/model-005-0.801.pth": True,
    "fold_0/model-004-0.700.pth": False,
    "fold_1/model-005-0.766.pth": True,
}


@pytest.fixture
def weights(shared_data):
    return (shared_data / "weights" / "seed_small.pth").read_bytes()


@pytest.fixture
def archive(weights):
    """The zip that a browser gets of the published folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name in NAMES:
            opened.writestr(f"{EXPERIMENT}/{name}", weights)
        opened.writestr(f"{EXPERIMENT}/fold_1/log.txt", "not weights")
        opened.writestr("../fold_2/model-001-0.9.pth/up.txt", "outside")
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))


def test_a_zip_is_downloaded_resumed_imported_as_ball_and_keeps_its_hashes(
    archive, weights, tmp_path, capsys
):
    flaky = Flaky(archive, cuts=[100_000, None])
    with flaky_server(flaky, "ball.zip") as url:
        assert main(["weights", "download", "ball", "--url", url]) == WRONG_INPUT
        assert "100000 of" in capsys.readouterr().err
        assert not (tmp_path / "runs").exists()
        assert main(["weights", "download", "ball", "--url", url]) == OK
    assert flaky.requests == ["", "bytes=100000-"]
    printed = capsys.readouterr().out
    assert "license: MIT" in printed
    assert "not measured these weights on real matches" in printed
    assert printed.endswith("now: bvas spot VIDEO --experiment ball\n")
    assert trained_folds(tmp_path / "runs", "ball") == [0, 1]
    facts = load_checkpoint(tmp_path / "runs/ball/fold_0/model.safetensors").facts
    assert facts["imported_from"] == "model-005-0.801.pth"
    assert facts["sha256"] == hashlib.sha256(weights).hexdigest()
    assert list((tmp_path / "home").rglob("*.pth")) == []


def test_a_zip_of_another_hash_is_refused(archive, tmp_path, capsys):
    with flaky_server(Flaky(archive), "ball.zip") as url:
        assert main(["weights", "download", "ball", "--url", f"{url}#sha256={'0' * 64}"]) == WRONG_INPUT
    assert "it is not used" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_without_gdown_the_two_clicks_are_printed(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gdown", None)
    assert main(["weights", "download", "ball"]) == WRONG_INPUT
    told = capsys.readouterr().err
    assert "pip install 'bvas[download]'" in told
    assert "1. open https://drive.google.com/drive/folders/1mIu62cIdsRn3W4o1E5vRR8V5Q1B6HHoz" in told
    assert told.endswith(f"  bvas weights import {EXPERIMENT}.zip --name ball\n")


def test_the_zip_of_a_browser_is_imported(archive, tmp_path):
    (tmp_path / f"{EXPERIMENT}.zip").write_bytes(archive)
    assert main(["weights", "import", f"{EXPERIMENT}.zip", "--name", "ball", "--quiet"]) == OK
    assert trained_folds(tmp_path / "runs", "ball") == [0, 1]


def test_a_zip_without_folds_is_refused(tmp_path, capsys):
    with zipfile.ZipFile("other.zip", "w") as opened:
        opened.writestr("readme.txt", "no weights")
    assert main(["weights", "import", "other.zip", "--name", "ball"]) == WRONG_INPUT
    assert "holds no fold_K/NAME.pth" in capsys.readouterr().err
    (tmp_path / "torn.zip").write_bytes(b"PK\3\4 and no more")
    assert main(["weights", "import", "torn.zip", "--name", "ball"]) == WRONG_INPUT
    assert "is the download complete?" in capsys.readouterr().err


class _Drive(ModuleType):
    """Stand-in for gdown over a folder: what it lists, downloads and resumes."""

    class DownloadError(Exception):
        pass

    def __init__(self, folder, fails=False):
        super().__init__("gdown")
        self.folder, self.fails = folder, fails
        self.downloaded = []

    def download_folder(self, *, url, output, quiet, skip_download, timeout):
        assert url.endswith("1mIu62cIdsRn3W4o1E5vRR8V5Q1B6HHoz")
        assert skip_download
        files = [path for path in sorted(self.folder.rglob("*")) if path.is_file()]
        return [
            SimpleNamespace(id=str(path), path=str(path.relative_to(self.folder)), local_path="")
            for path in files
        ]

    def download(self, *, id, output, quiet, resume, timeout, retries, progress):
        if self.fails:
            raise self.DownloadError("too many people have viewed it")
        assert resume
        progress(1, None)
        self.downloaded.append(id)
        shutil.copy(id, output)


@pytest.fixture
def drive(weights, tmp_path, monkeypatch):
    root = tmp_path / "drive"
    for folder in (PUBLISHED["ball"].folder, "ball_action/experiments/ball_tuning_001"):
        for name in NAMES:
            path = root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(weights)
    module = _Drive(root)
    monkeypatch.setitem(sys.modules, "gdown", module)
    return module


def test_the_drive_gives_the_best_checkpoint_of_each_fold(drive, tmp_path):
    assert main(["weights", "download", "ball", "--quiet"]) == OK
    assert trained_folds(tmp_path / "runs", "ball") == [0, 1]
    wanted = [str(drive.folder / PUBLISHED["ball"].folder / name) for name, best in NAMES.items() if best]
    assert drive.downloaded == wanted


def test_what_the_drive_refuses_is_told_with_the_way_by_hand(drive, capsys):
    drive.fails = True
    assert main(["weights", "download", "ball"]) == WRONG_INPUT
    told = capsys.readouterr().err
    assert "too many people have viewed it; try again later" in told
    assert "bvas weights import" in told


def test_weights_that_are_there_are_not_downloaded_again(drive, capsys):
    assert main(["weights", "download", "ball", "--quiet"]) == OK
    assert main(["weights", "download", "ball", "--quiet"]) == WRONG_INPUT
    assert "runs/ball exists already" in capsys.readouterr().err
