"""The job runner with both executors."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import job_calls
import psutil
import pytest

from bvas.errors import DataError, WorkerError
from bvas.system.jobs.in_process import InProcessExecutor
from bvas.system.jobs.job import Job, reason_of
from bvas.system.jobs.processes import ProcessExecutor
from bvas.system.jobs.runner import run_jobs


def _processes(num_workers=2):
    return ProcessExecutor([""] * num_workers, remedy="use fewer --jobs")


def _run(jobs, executor, **options):
    """Return the ends by name."""
    ends = {}

    def settle(ended):
        assert ended.job.name not in ends
        ends[ended.job.name] = ended

    run_jobs(jobs, executor, on_end=settle, **options)
    return ends


@pytest.mark.parametrize("executor", [InProcessExecutor, _processes])
def test_values_and_failures_come_back_and_a_failed_job_stops_no_other(executor):
    jobs = [Job(f"sum {n}", job_calls.add, (n, 10 * n)) for n in range(5)]
    jobs.insert(1, Job("bad", job_calls.fail, ("no labels; add some",)))
    jobs.insert(3, Job("damaged", job_calls.fail_to_decode))
    jobs.append(Job("large", job_calls.run_out_of_memory))
    ends = _run(jobs, executor())
    assert [ends[f"sum {n}"].value for n in range(5)] == [0, 11, 22, 33, 44]
    assert isinstance(ends["bad"].error, DataError)
    assert reason_of(ends["bad"].error) == "no labels; add some"
    assert ends["damaged"].error.lost == range(3, 5)
    assert reason_of(ends["large"].error).startswith("memory ran out")


@pytest.mark.parametrize("executor", [InProcessExecutor, _processes])
def test_progress_comes_from_the_job_and_log_lines_with_its_name(executor, caplog):
    seen = []
    with caplog.at_level(logging.INFO):
        _run(
            [Job("fold 3", job_calls.report)],
            executor(),
            watch=lambda job, *rest: seen.append((job.name, *rest)),
        )
    assert seen == [("fold 3", 1, 2, "half-way"), ("fold 3", 2, 2, "")]
    (line,) = [record.getMessage() for record in caplog.records if "reading" in record.getMessage()]
    if executor is _processes:
        assert line == "fold 3: reading rtsp://camera/1"


def test_workers_run_at_the_same_time_and_keep_values_for_their_next_job(tmp_path):
    names = ["a", "b"]
    ends = _run([Job(name, job_calls.meet, (tmp_path, name, 2)) for name in names], _processes())
    assert {ends[name].value for name in names} == {"a", "b"}
    ends = _run([Job(str(n), job_calls.count_up) for n in range(4)], _processes(1))
    assert [ends[str(n)].value for n in range(4)] == [1, 2, 3, 4]


def test_a_job_knows_its_device_and_how_many_workers_share_the_cores():
    ends = _run([Job("a", job_calls.whereabouts)], ProcessExecutor(["cpu", "cpu"], remedy=""))
    assert ends["a"].value == ("cpu", 2)


def test_a_job_whose_worker_is_killed_is_tried_again_and_others_go_on(tmp_path, caplog):
    jobs = [
        Job("once", job_calls.die_once, (tmp_path / "mark",)),
        Job("always", job_calls.die),
        Job("sum", job_calls.add, (1, 2)),
    ]
    ends = _run(jobs, _processes(), tries=2)
    assert ends["once"].value == "alive"
    assert ends["sum"].value == 3
    assert isinstance(ends["always"].error, WorkerError)
    assert reason_of(ends["always"].error) == (
        "its process was ended by signal 9; its log lines are above; if memory ran out, use fewer --jobs; "
        "the job lost 2 workers"
    )
    assert "once: its process was ended by signal 9" in caplog.text


def test_a_defect_ends_the_process_once_and_the_run_where_there_is_none(capfd):
    ends = _run([Job("a", job_calls.divide), Job("b", job_calls.add, (1, 1))], _processes(1), tries=3)
    assert "its process ended with exit code 1" in str(ends["a"].error)
    assert ends["b"].value == 2
    assert capfd.readouterr().err.count("ZeroDivisionError: division by zero") == 1
    with pytest.raises(ZeroDivisionError):
        _run([Job("a", job_calls.divide)], InProcessExecutor())


def test_a_run_ends_where_the_processes_of_all_workers_die_again_and_again():
    jobs = [Job(str(n), job_calls.die) for n in range(9)]
    with pytest.raises(WorkerError, match="no worker is left: the processes died 3 times in a row each"):
        _run(jobs, _processes(1))


@pytest.mark.parametrize("executor", [InProcessExecutor, _processes])
def test_jobs_may_depend_on_the_ends_of_earlier_ones(executor):
    sums = []

    def jobs():
        for n in range(1, 4):
            yield Job(str(n), job_calls.add, (n, sum(sums)))
            while len(sums) < n:
                yield None

    run_jobs(jobs(), executor(), on_end=lambda ended: sums.append(ended.value))
    assert sums == [1, 3, 7]


def test_what_handles_an_end_may_end_the_run_and_no_process_is_left(tmp_path):
    def refuse(ended):
        raise DataError("enough")

    jobs = [Job("long", job_calls.sleep, (tmp_path,)), Job("short", job_calls.meet, (tmp_path, "a", 2))]
    with pytest.raises(DataError, match="enough"):
        run_jobs(jobs, _processes(), on_end=refuse)
    (sleeper,) = [int(path.name) for path in tmp_path.iterdir() if path.name != "a"]
    assert not psutil.pid_exists(sleeper)


ENDLESS = """
import sys
from pathlib import Path
import job_calls
from bvas.system.jobs.job import Job
from bvas.system.jobs.processes import ProcessExecutor
from bvas.system.jobs.runner import run_jobs
jobs = [Job(str(n), job_calls.sleep, (Path(sys.argv[1]),)) for n in range(2)]
try:
    run_jobs(jobs, ProcessExecutor(["", ""], remedy=""), on_end=print)
except KeyboardInterrupt:
    sys.exit(130)
"""


FIRST_CHILDREN = """
import signal
import job_calls
from bvas.system.jobs.job import Job
from bvas.system.jobs.processes import ProcessExecutor
from bvas.system.jobs.runner import run_jobs
jobs = [Job(str(number), job_calls.blocks, (signal.SIGINT,)) for number in range(2)]
run_jobs(jobs, ProcessExecutor(["", ""], remedy=""), on_end=lambda ended: print(ended.value))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signal masks")
def test_ctrl_c_reaches_no_worker_the_first_one_included():
    done = subprocess.run(
        [sys.executable, "-c", FIRST_CHILDREN],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "True"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a process group")
@pytest.mark.parametrize("ending", ["a kill", "Ctrl-C"])
def test_no_worker_outlives_the_run(tmp_path, ending):
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
        start_new_session=True,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    children = [psutil.Process(int(path.name)) for path in tmp_path.iterdir()]
    assert len(children) == 2
    if ending == "a kill":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == ((-9, b"") if ending == "a kill" else (130, b""))
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
