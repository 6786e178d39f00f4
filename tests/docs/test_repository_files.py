"""Repository files: workflows, issue forms, hooks, the citation, and the smoke test of the platforms."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def read(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_workflow_runs_what_a_change_must_pass():
    (job,) = read(".github/workflows/ci.yml")["jobs"].values()
    assert ".ci/run" in job["steps"][-1]["run"]


def test_every_test_that_the_scripts_of_ci_and_make_name_is_there():
    named = {
        path
        for script in (*(ROOT / ".ci").iterdir(), ROOT / "Makefile")
        for path in re.findall(r"\btests/[\w/.]*\w", script.read_text())
    }
    assert {"tests/video", "tests/commands/test_commands_demo.py", "tests/decode_check.py"} <= named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_three_systems_install_bvas_and_run_the_smoke_test():
    (job,) = read(".github/workflows/platforms.yml")["jobs"].values()
    assert {"windows-latest", "macos-latest"} < set(job["strategy"]["matrix"]["os"])
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert "pip install" in runs[0]
    assert "scripts/smoke_test.py" in runs[1]


def test_issue_forms_ask_for_what_the_commands_say():
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    asked = {path.stem: str(read(path)) for path in forms}
    assert set(asked) == {"bug", "wrong_frames", "proposal", "config"}
    assert "bvas doctor" in asked["bug"]
    assert "bvas video check" in asked["wrong_frames"]
    ids = [field["id"] for path in forms for field in read(path).get("body", [])]
    assert len(ids) == 10


def test_the_hooks_are_those_of_make_check():
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    entries = [hook["entry"].removesuffix(" --force-exclude") for hook in repository["hooks"]]
    assert entries == ["ruff format", "ruff check", "mypy"]


def test_the_citation_is_of_this_license():
    citation = read("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert (citation["license"], citation["type"]) == ("MIT", "software")


def test_the_smoke_test_ends_at_a_command_that_fails(tmp_path, capsys):
    spec = importlib.util.spec_from_file_location("smoke_test", ROOT / "scripts" / "smoke_test.py")
    smoke_test = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(smoke_test)
    with pytest.raises(smoke_test.SmokeTestError, match=r"'bvas video check .*' ended with exit code 2"):
        smoke_test.run("video", "check", tmp_path / "missing.mp4")
    assert "missing.mp4" in capsys.readouterr().err
