import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from bvas.commands import doctor
from bvas.system.doctor import software, versions

ROOT = Path(__file__).parents[2]


@pytest.fixture
def found(monkeypatch):
    """The finding where packages have these versions: `found(av="19.0.2")`; those not named are not installed."""

    def compare(**installed):
        def version(name):
            if name not in installed:
                raise PackageNotFoundError(name)
            return installed[name]

        monkeypatch.setattr(versions, "version", version)
        required = [Requirement("av>=18"), Requirement("torch>=2.11"), Requirement("srt>=3.5")]
        return versions.versions_finding(required, {"av": Version("19.0.2"), "torch": Version("2.14.1")})

    return compare


def test_versions_from_the_oldest_to_the_newest_tested_are_well(found):
    finding = found(av="18.0.0", torch="2.14.1+cpu", srt="9")
    assert (finding.state, finding.text) == ("ok", "all 3 packages are tested versions")


def test_a_version_newer_than_tested_is_noted_with_the_command_that_takes_the_tested_one(found):
    finding = found(av="20.0", torch="2.12.0", srt="3.5.3")
    assert (finding.state, finding.text) == (
        "note",
        "outside of what was tested: av 20.0 (newest tested 19.0.2)",
    )
    assert finding.remedy == "where something fails, take tested versions: pip install av==19.0.2"


def test_a_version_older_than_tested_is_a_problem(found):
    finding = found(av="17.1.0", torch="2.15.0", srt="3.4")
    assert finding.state == "problem"
    assert finding.text == (
        "outside of what was tested: av 17.1.0 (bvas needs >=18), torch 2.15.0 (newest tested 2.14.1), "
        "srt 3.4 (bvas needs >=3.5)"
    )
    assert finding.remedy.endswith("pip install av==19.0.2 torch==2.14.1 'srt>=3.5'")


def test_a_release_candidate_of_the_next_version_is_newer_than_tested(found):
    assert found(torch="2.15.0rc1+cu130").state == "note"


def test_what_is_not_installed_is_not_compared(found):
    assert found(torch="2.14.1").text == "all 1 packages are tested versions"
    assert found().text.startswith("not compared: bvas is not installed")


def test_every_package_that_bvas_asks_for_has_a_tested_version():
    names = {versions.normalized(requirement.name) for requirement in versions.required_packages()}
    # Compared with in benchmarks only, and in no environment that the tests run in.
    assert names - {"decord", "torchcodec"} <= set(versions.newest_tested())
    assert {"av", "torch", "srt"} <= names
    assert "ruff" not in names


@pytest.mark.parametrize(("python", "av"), [("3.11", "18"), ("3.12", "19"), ("3.13", "19")])
def test_the_tested_pyav_depends_on_the_python(monkeypatch, python, av):
    markers = pytest.importorskip("packaging.markers")
    here = markers.default_environment()
    monkeypatch.setattr(markers, "default_environment", lambda: {**here, "python_version": python})
    assert str(versions.newest_tested()["av"]).split(".")[0] == av


def test_the_doctor_says_the_versions_also_where_nothing_can_compare_them(monkeypatch):
    assert doctor._versions().topic == "versions"
    monkeypatch.delitem(sys.modules, "bvas.system.doctor.versions")
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    finding = doctor._versions()
    assert finding.text.startswith("not compared: ModuleNotFoundError")
    assert finding.remedy == "pip install packaging"


@pytest.mark.parametrize(("python", "state"), [((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "note")])
def test_a_python_newer_than_tested_is_noted(monkeypatch, python, state):
    monkeypatch.setattr(sys, "version_info", (*python, 0))
    finding = software._python()
    assert (finding.state, finding.is_needed) == (state, False)
    assert state == "ok" or finding.remedy == "where something fails: tested is Python 3.11 to 3.13"


def test_the_pythons_tested_are_those_of_the_classifiers():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    minors = [int(line.rpartition(".")[2]) for line in project["classifiers"] if "Python :: 3." in line]
    assert minors == [*range(software._OLDEST_PYTHON[1], software._NEWEST_PYTHON[1] + 1)]
    assert project["requires-python"] == f">=3.{minors[0]}"
