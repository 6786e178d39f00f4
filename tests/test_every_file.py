"""Every file of the real test data through the commands that read videos: results or one clear line."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from class_samples import bars_experiment
from number_reader import save_folds
from tiny import TINY_CONFIG

from bvas.cli import main
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.experiment.experiment import load_experiment
from bvas.models.spotting import build_model

_VIDEOS = (".mp4", ".ts", ".h264", ".m3u8", ".mkv", ".mov", ".avi")


def run(*arguments, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bvas", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["cases", "videos"])
def test_check_and_prepare_give_results_or_one_clear_line(shared_data, tmp_path, folder):
    root = shared_data / folder
    videos = sorted(path for path in root.rglob("*") if path.suffix in _VIDEOS)
    assert videos
    faults = []
    for video in [*videos, root]:
        for arguments in (("check", video), ("prepare", video, "--out", tmp_path / "out", "--force")):
            done = run("video", *arguments, cwd=tmp_path)
            clear = done.returncode in (0, 2) and "Traceback" not in done.stderr
            # Wrong input is one line that names the file.
            if done.returncode == 2:
                clear &= video.name in done.stderr.strip().splitlines()[-1]
            if not clear:
                faults.append((arguments[0], video.name, done.returncode, done.stderr[-300:]))
    assert not faults


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["cases", "videos"])
def test_spot_and_overlay_give_results_or_one_clear_line(shared_data, tmp_path, capsys, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))
    (tmp_path / "tiny.py").write_text(TINY_CONFIG)
    experiment = load_experiment(str(tmp_path / "tiny.py"))
    torch.manual_seed(1)
    model = build_model(experiment.model, experiment.clip, len(experiment.task.labels))
    save_checkpoint(fold_folder(tmp_path, "tiny", 0) / FILE_NAME, model.state_dict(), experiment, {})
    root = shared_data / folder
    faults, num_spotted = [], 0
    for number, video in enumerate([*sorted(p for p in root.rglob("*") if p.suffix in _VIDEOS), root]):
        out = tmp_path / str(number)
        spot = ["spot", str(video), "--experiment", "tiny.py", "--runs", ".", "--out", str(out)]
        overlay = ["spots", "overlay", str(video), "--spots", str(out), "--height", "96"]
        code = main(spot)
        num_spotted += code == 0
        for words, done in ((spot, code), (overlay, main(overlay) if code == 0 else 2)):
            said = capsys.readouterr().err.strip().splitlines()
            if done not in (0, 2) or (done == 2 and words is spot and video.name not in said[-1]):
                faults.append((words[0], video.name, done, said[-3:]))
    assert not faults
    # The encrypted one and the folder itself are refused; of the videos, just the folder.
    assert num_spotted == number - (folder == "cases")


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["cases", "videos"])
def test_classify_gives_results_or_one_clear_line(shared_data, tmp_path, capsys, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))
    save_folds(bars_experiment(), tmp_path / "runs", 1)
    root = shared_data / folder
    faults, num_classified = [], 0
    for number, video in enumerate([*sorted(p for p in root.rglob("*") if p.suffix in _VIDEOS), root]):
        code = main(["classify", str(video), "--every", "0.8", "--out", str(number), "--workers", "0"])
        num_classified += code == 0
        said = capsys.readouterr().err.strip().splitlines()
        if code not in (0, 2) or (code == 2 and video.name not in said[-1]):
            faults.append((video.name, code, said[-3:]))
    assert not faults
    assert num_classified == number - (folder == "cases")
