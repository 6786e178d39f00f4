"""When `make` makes the environment again, and with which versions. No package is installed: pip is a stand-in."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Stands for a Python of its own version, and makes environments whose Python is itself and notes what pip is asked for.
PYTHON = """#!/bin/sh
case "$*" in
  *"-m venv"*)
    mkdir -p .venv/bin
    rm -f .venv/.installed
    cp "$0" .venv/bin/python
    echo "venv {version}" >> pip.log
    ;;
  *"-m pip"*) echo "$*" >> pip.log ;;
  *"print("*) echo "{version} /usr" ;;
esac
"""


@pytest.fixture
def clone(tmp_path):
    """A folder with the Makefile, what it depends on, and Pythons `three.11` and `three.12`."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for version in ("3.11", "3.12"):
        python = tmp_path / version.replace("3.", "three.")
        python.write_text(PYTHON.format(version=version))
        python.chmod(0o755)
    return tmp_path


def made(clone, *args):
    """Run `make install`; return what it made and asked of pip, in short."""
    log = clone / "pip.log"
    log.unlink(missing_ok=True)
    # So that neither this process's own make nor a PYTHON of its environment counts.
    plain = {
        name: value for name, value in os.environ.items() if name not in ("PYTHON", "MAKEFLAGS", "LATEST")
    }
    environment = {**plain, "PATH": f"{clone}:{os.environ['PATH']}"}
    subprocess.run(["make", "install", *args], cwd=clone, env=environment, check=True, capture_output=True)
    lines = log.read_text().splitlines() if log.exists() else []
    short = []
    for line in lines:
        if line.startswith("venv"):
            short.append(line)
        elif "--editable" in line:
            short.append("newest" if "--upgrade" in line else line.partition("--constraint ")[2].split()[0])
    return short


def test_the_tested_versions_are_installed_once(clone):
    assert made(clone, "PYTHON=three.12") == ["venv 3.12", "constraints.txt"]
    assert made(clone, "PYTHON=three.12") == []
    # An environment keeps its Python.
    assert made(clone) == []


def test_latest_takes_the_newest_and_its_absence_the_tested_again(clone):
    made(clone, "PYTHON=three.11")
    assert made(clone, "LATEST=1") == ["newest"]
    assert made(clone, "LATEST=1") == []
    assert made(clone) == ["constraints.txt"]
    assert made(clone, "LATEST=0") == []


@pytest.mark.parametrize("name", ["constraints.txt", "pyproject.toml"])
def test_other_versions_are_installed_into_the_same_environment(clone, name):
    made(clone, "PYTHON=three.11")
    newer = (clone / ".venv" / ".installed").stat().st_mtime + 1
    os.utime(clone / name, (newer, newer))
    assert made(clone) == ["constraints.txt"]


def test_another_python_makes_the_environment_again(clone):
    made(clone, "PYTHON=three.11")
    assert made(clone, "PYTHON=three.12") == ["venv 3.12", "constraints.txt"]
    assert made(clone, f"PYTHON={clone / 'three.12'}") == []
    assert made(clone, f"PYTHON={clone / 'three.11'}") == ["venv 3.11", "constraints.txt"]


def test_an_environment_without_a_stamp_is_filled_not_made_again(clone):
    made(clone, "PYTHON=three.11")
    (clone / ".venv" / ".installed").write_text("")
    assert made(clone) == ["constraints.txt"]


def test_a_python_that_does_not_run_leaves_the_environment_as_it_is(clone):
    made(clone, "PYTHON=three.11")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        made(clone, "PYTHON=three.99")
    assert b"three.99" in failed.value.stderr
    assert made(clone) == []
