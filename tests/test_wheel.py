"""An installed wheel works outside the clone, and alone it is small and looks at videos."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from number_reader import save_folds
from tiny import SHIPPED_CONFIGS, tiny_experiment

from bvas.cli import main

ROOT = Path(__file__).resolve().parents[1]
_MOST_MEGABYTES = 700


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


@pytest.mark.slow
def test_alone_in_an_environment_it_is_small_and_spots_scores_reports_exports_and_cuts(wheel, tmp_path):
    save_folds(tiny_experiment(), tmp_path / "runs", num_folds=1)
    model, environment = tmp_path / "onnx", tmp_path / "environment"
    export = ["weights", "export", "tiny", "--runs", str(tmp_path / "runs"), "--out", str(model), "--quiet"]
    assert main(export) == 0
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def python(*words, of=environment / "bin" / "python"):
        done = subprocess.run(
            [of, *words], cwd=tmp_path, env=plain, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    python("-m", "venv", environment, of=sys.executable)
    python("-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel)

    files = [path for path in environment.rglob("*") if path.is_file() and not path.is_symlink()]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    assert megabytes < _MOST_MEGABYTES
    assert not list(environment.glob("lib/*/site-packages/torch"))
    found = python("-m", "bvas", "doctor")
    assert "pip install 'bvas[train]'" in found
    assert "bvas works here" in found
    assert "smoke test passed" in python(ROOT / "scripts" / "smoke_test.py", "smoke", "--model", model)
