"""Every file of the real test data through the commands that read videos: results or one clear line."""

import subprocess
import sys
from pathlib import Path

import pytest

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
