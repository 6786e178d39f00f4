"""An installed wheel works outside the clone."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tiny import SHIPPED_CONFIGS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (path,) = out.glob("*.whl")
    return path


def test_the_wheel_holds_the_configs_and_all_that_is_no_code(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"bvas/configs/demo.py", "bvas/constraints.txt"} <= names
    assert "bvas/py.typed" in names
    data = {
        p.relative_to(ROOT).as_posix()
        for p in (ROOT / "bvas").rglob("*")
        if p.suffix in (".css", ".html", ".js")
    }
    assert data <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "scripts/"))]


def test_an_installed_wheel_finds_its_configs_and_tested_versions_outside_the_clone(wheel, tmp_path):
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)],
        check=True,
        capture_output=True,
    )
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import bvas, bvas.experiment.experiment\n"
        f"assert bvas.__file__.startswith({str(site)!r}), bvas.__file__\n"
        "from bvas.system.doctor.versions import inspect_versions, newest_tested, required_packages\n"
        "names = {package.name for package in required_packages()}\n"
        "assert {'av', 'torch', 'srt'} <= names and 'ruff' not in names, names\n"
        "assert newest_tested()['torch'].major == 2\n"
        "assert inspect_versions().topic == 'versions'\n"
        "print(*bvas.experiment.experiment.experiment_names(), bvas.load_experiment('ball_long').clip.num_frames)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert out.stdout.split() == [*SHIPPED_CONFIGS, "33"]
