"""The stages of a day with a GPU, without one: limits hold, and what was measured stays."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from script_modules import load_script

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def gpu_check():
    return load_script("gpu_check")


@pytest.fixture
def check(gpu_check, tmp_path, monkeypatch):
    """Return what runs stages, given as (name, Python code, limit in seconds), and returns exit code and records."""
    monkeypatch.setattr(gpu_check, "machine_name", lambda python: "no-gpu")
    monkeypatch.setattr(gpu_check, "_SECONDS_TO_LEAVE", 0.5)
    monkeypatch.setenv("BVAS_GPU_SCRATCH", str(tmp_path / "scratch"))
    out = tmp_path / "out"

    def run(stages, *arguments):
        listed = []
        for number, (name, code, limit) in enumerate(stages):
            script = tmp_path / f"{number}.py"
            script.write_text(code)
            listed.append(
                {
                    "name": name,
                    "command": f"{{python}} {script} {{json}}",
                    "minutes": 0.01,
                    "limit_minutes": limit / 60,
                    "json": f"{name}.json",
                }
            )
        (tmp_path / "stages.json").write_text(json.dumps(listed))
        code = gpu_check.main([str(out), "--stages", str(tmp_path / "stages.json"), *arguments])
        return code, json.loads((out / "gpu-check--no-gpu.json").read_text())["stages"]

    run.out = out
    return run


WRITES = """
import json, sys
from pathlib import Path
place = Path(sys.argv[1])
runs = place.with_suffix(".runs")
runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
place.write_text(json.dumps({"is_complete": True, "rows": [1, 2]}))
print("measured")
"""
FAILS = "import sys; print('no such thing'); sys.exit(3)"
# It hears no SIGTERM, has a child that hears none either, and has written a part.
HANGS = """
import json, signal, subprocess, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path(sys.argv[1]).write_text(json.dumps({"is_complete": False, "runs": [{"case": "a", "child": child.pid}]}))
time.sleep(600)
"""
DIES = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
SLEEPS = "import time; time.sleep(0.3)\n" + WRITES


def is_running(process_id):
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_stages_that_fail_hang_and_die_stop_no_other_and_all_json_is_whole(check, capsys):
    stages = [
        ("one", WRITES, 60),
        ("two", FAILS, 60),
        ("three", HANGS, 2),
        ("four", DIES, 60),
        ("five", SLEEPS, 60),
    ]
    started = time.monotonic()

    code, records = check(stages)

    assert code == 1
    assert time.monotonic() - started < 30
    assert {name: record["state"] for name, record in records.items()} == {
        "one": "done",
        "two": "failed",
        "three": "timed out",
        "four": "failed",
        "five": "done",
    }
    assert records["two"]["exit_code"] == 3
    assert 2 <= records["three"]["seconds"] < 6
    assert [record["json"] for record in records.values()] == ["whole", "none", "partial", "none", "whole"]
    for name in ("one", "five"):
        assert json.loads((check.out / f"{name}--no-gpu.json").read_text())["rows"] == [1, 2]
    (kept,) = json.loads((check.out / "three--no-gpu.json").read_text())["runs"]
    assert kept["case"] == "a"
    assert not is_running(kept["child"])
    printed = capsys.readouterr().out
    assert printed.index("plan: 0.1 minutes are estimated") < printed.index("== one")
    assert "no such thing" in printed
    table = printed[printed.index("stage              state") :].splitlines()[1:]
    assert [line.split()[0] for line in table[:5]] == ["one", "two", "three", "four", "five"]
    assert [line.split()[-1] for line in table[:5]] == ["whole", "none", "partial", "none", "whole"]
    assert table[5].endswith(f"scripts/fill_figures.py {check.out}")


def test_a_rerun_does_only_what_is_missing(check, capsys):
    check([("one", WRITES, 60), ("two", FAILS, 60), ("three", WRITES, 60)])

    code, records = check([("one", WRITES, 60), ("two", WRITES, 60), ("three", WRITES, 60)])

    assert code == 0
    assert {record["state"] for record in records.values()} == {"done"}
    runs = {name: (check.out / f"{name}--no-gpu.runs").read_text() for name in ("one", "two", "three")}
    assert runs == {"one": "x", "two": "x", "three": "x"}
    assert "one                done before" in capsys.readouterr().out
    check([("one", WRITES, 60)], "--again")
    assert (check.out / "one--no-gpu.runs").read_text() == "xx"


def test_a_stage_that_ends_well_without_its_json_has_failed(check):
    code, records = check(
        [("one", "print('done')", 60), ("two", "import sys; open(sys.argv[1], 'w').write('{')", 60)]
    )

    assert code == 1
    assert [(record["state"], record["json"]) for record in records.values()] == [
        ("failed", "none"),
        ("failed", "damaged"),
    ]


def test_a_stage_that_does_not_fit_into_the_call_waits_for_the_next(check, capsys):
    assert check([("one", WRITES, 60)], "--minutes", "28")[0] == 0

    code, records = check([("one", WRITES, 60), ("two", WRITES, 60)], "--minutes", "0.005")

    assert code == 1
    assert set(records) == {"one"}
    assert "two: left for another call" in capsys.readouterr().out
    assert check([("one", WRITES, 60), ("two", WRITES, 60)], "two")[0] == 0


def test_no_stage_may_take_longer_than_a_call_of_the_lent_machine(gpu_check):
    with pytest.raises(SystemExit, match=r"long: limit_minutes must lie in \(0, 9\], got 9.5"):
        gpu_check.Stage(name="long", command="true", minutes=1, limit_minutes=9.5)


def test_the_plan_of_a_day_fits_and_begins_with_whether_nvdec_decodes(gpu_check):
    plan = [stage for stage in gpu_check.STAGES if not stage.by_name_only]

    assert plan[0].name == "nvdec-facts"
    assert plan[0].limit_minutes <= 2
    assert sum(stage.minutes for stage in plan) <= 28
    assert all(stage.minutes <= stage.limit_minutes for stage in gpu_check.STAGES)
    for stage in gpu_check.STAGES:
        words = stage.command.format(
            python="python", json="a.json", out="out", scratch="scratch", data="data"
        ).split()
        script = next((word for word in words if word.endswith(".py")), "scripts/gpu_check.py")
        assert (ROOT / script).is_file()


def test_the_shell_script_prints_the_plan_and_where_the_driver_lies(tmp_path):
    done = subprocess.run(
        [ROOT / "scripts/gpu_check.sh", tmp_path, "--plan"],
        env={"PATH": "/usr/bin:/bin:/sbin", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "LD_LIBRARY_PATH=" in done.stdout
    assert "plan: 27.5 minutes are estimated, this call has 28" in done.stdout


def test_results_of_tests_are_whole_after_each_of_them(tmp_path):
    (tmp_path / "test_some.py").write_text(
        "import os, pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert 1 == 2\n"
        "@pytest.mark.skip(reason='no chip')\n"
        "def test_left_out(): pass\n"
        "def test_deadly(): os.kill(os.getpid(), 9)\n"
        "def test_after(): pass\n"
    )
    command = [
        sys.executable,
        ROOT / "scripts/gpu_tests.py",
        tmp_path / "found.json",
        "-q",
        "-p",
        "no:cacheprovider",
    ]

    done = subprocess.run(
        [*command, tmp_path / "test_some.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
    )

    found = json.loads((tmp_path / "found.json").read_text())
    assert done.returncode == -9
    assert found["is_complete"] is False
    assert found["collected"] == 5
    assert found["counts"] == {"failed": 1, "passed": 1, "skipped": 1}
    assert "assert 1 == 2" in found["tests"]["test_some.py::test_bad"]["reason"]
    subprocess.run(
        [*command, "-k", "not deadly", tmp_path / "test_some.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
    )
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["is_complete"] is True
    assert found["counts"] == {"failed": 1, "passed": 2, "skipped": 1}
