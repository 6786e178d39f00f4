"""The Ray executor against a fake of Ray's calls, and its actor without Ray."""

import logging
import socket
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import job_calls
import pytest
from fake_ray import VERSIONS, FakeRay, RayError, RayTaskError, greeting

from bvas.errors import ConfigError, DataError, WorkerError
from bvas.system.jobs import ray_actor
from bvas.system.jobs.job import Ended, Job, reason_of
from bvas.system.jobs.ray_actor import JobActor
from bvas.system.jobs.ray_cluster import RaySettings, connect
from bvas.system.jobs.ray_executor import RayExecutor
from bvas.system.jobs.runner import run_jobs
from bvas.system.shared_folder import proved_locks

LOST = RayError("The actor died unexpectedly.\nclass_name: JobActor")
NEVER = None


def _executor(ray, num_workers=2, **options):
    options = {"device": "cpu", "expected": VERSIONS, **options}
    return RayExecutor(ray, num_workers, **options)


def _run(ray, num_jobs=4, *, tries=3, watch=None, **options):
    """Run additions; return the ends by name."""
    ends = {}

    def settle(ended):
        assert ended.job.name not in ends
        ends[ended.job.name] = ended

    jobs = [Job(str(number), job_calls.add, (number, 10)) for number in range(num_jobs)]
    run_jobs(jobs, _executor(ray, **options), on_end=settle, tries=tries, watch=watch)
    assert ray.is_shut_down
    assert all(actor.is_killed for actor in ray.actors)
    return ends


def _values(ends):
    return [ends[name].value for name in sorted(ends)]


def test_jobs_run_on_actors_that_ray_neither_restarts_nor_retries():
    ray = FakeRay()
    assert _values(_run(ray, num_gpus=0.5)) == [10, 11, 12, 13]
    assert ray.options[0] == {"num_cpus": 1, "num_gpus": 0.5, "max_restarts": 0, "max_task_retries": 0}
    assert len(ray.actors) == 2


def test_a_lost_actor_is_replaced_and_its_job_is_tried_again(caplog):
    ray = FakeRay([greeting("a"), LOST], [greeting("b")])
    assert _values(_run(ray)) == [10, 11, 12, 13]
    assert len(ray.actors) == 3
    assert "0: its worker on a was lost (The actor died unexpectedly.); it is tried again" in caplog.text


def test_a_replacement_that_never_comes_gets_no_job_and_the_healthy_actor_goes_on():
    ray = FakeRay([greeting("a"), LOST], [greeting("b")], [NEVER])
    assert _values(_run(ray)) == [10, 11, 12, 13]
    assert ray.actors[2].jobs == []
    assert {job.name for job, _ in ray.actors[1].jobs} == {"0", "1", "2", "3"}


def test_idle_actors_of_a_machine_that_died_cost_no_job_a_try():
    # Both of `a` are dead when the first job comes, which then runs on `b`.
    ray = FakeRay([greeting("a"), LOST], [greeting("a"), LOST], [greeting("a"), LOST], [greeting("b")])
    assert _values(_run(ray, num_workers=3, num_jobs=1)) == [10]


def test_an_actor_that_is_lost_at_its_start_costs_no_job_and_is_given_up_after_three(caplog):
    ray = FakeRay([LOST], [greeting("b")], [LOST], [LOST])
    assert _values(_run(ray, num_jobs=9)) == list(range(10, 19))
    assert [len(actor.jobs) for actor in ray.actors] == [0, 9, 0, 0]
    assert "a Ray actor was lost 3 times at its start; it is given up" in caplog.text
    ray = FakeRay([LOST], [LOST], [LOST])
    with pytest.raises(WorkerError, match=r"lost 3 times in a row at their start \(The actor died"):
        _run(ray, num_workers=1)
    assert len(ray.actors) == 3


def test_a_job_that_takes_three_workers_along_has_failed_and_others_go_on():
    ray = FakeRay(*[[greeting("a"), LOST]] * 3)
    ends = _run(ray, num_workers=1, num_jobs=2)
    # The job is tried again before the next one begins.
    assert reason_of(ends["0"].error) == (
        "its worker on a was lost (The actor died unexpectedly.); the job lost 3 workers"
    )
    assert ends["1"].value == 11


def test_no_worker_for_too_long_ends_the_run():
    with pytest.raises(WorkerError, match=r"has given no worker for 0\.05 seconds"):
        _run(FakeRay([NEVER], [NEVER]), patience=0.05)


def test_ctrl_c_kills_each_actor():
    ray = FakeRay([greeting()], [NEVER])

    def interrupt(ended):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs([Job("a", job_calls.add, (1, 2))], _executor(ray), on_end=interrupt)
    assert [actor.is_killed for actor in ray.actors] == [True, True]
    assert ray.is_shut_down


@pytest.mark.parametrize("name", ["Python", "Ray", "bvas"])
def test_other_versions_are_refused_before_work(name):
    ray = FakeRay([greeting("node7", **{name: "9.9"})])
    with pytest.raises(ConfigError, match=rf"node7 has {name} 9\.9, this machine {VERSIONS[name]}"):
        _run(ray, num_workers=1)
    assert ray.actors[0].jobs == []
    assert ray.is_shut_down


def test_an_actor_that_cannot_work_ends_the_run_with_the_reason():
    unseen = ConfigError("node7 does not see /runs")
    with pytest.raises(ConfigError, match="node7 does not see /runs"):
        _run(FakeRay([RayTaskError(unseen)]), num_workers=1)
    missing = RuntimeError("No module named 'bvas'")
    with pytest.raises(ConfigError, match=r"No module named 'bvas'.*install bvas"):
        _run(FakeRay([RayTaskError(missing)]), num_workers=1)


def test_a_defect_of_a_job_fails_it_alone_and_its_worker_stays(caplog):
    ray = FakeRay([greeting(), RayTaskError(ZeroDivisionError("division by zero"))])
    ends = _run(ray, num_workers=1, num_jobs=2)
    assert str(ends["0"].error) == "division by zero; its traceback is above"
    assert not ends["0"].is_lost
    assert ends["1"].value == 11
    assert "0: Traceback of division by zero" in caplog.text
    assert len(ray.actors) == 1


def test_an_error_from_a_job_comes_back_and_progress_and_log_lines_before(caplog):
    failed = Ended(Job("0", job_calls.add), error=DataError("no labels"))
    line = logging.LogRecord("bvas", logging.WARNING, "", 1, "a gap", None, None)
    ray = FakeRay([greeting(), [line, (3, 9, "half-way")], [(9, 9, ""), failed]])
    seen = []
    ends = _run(ray, num_workers=1, num_jobs=1, watch=lambda job, *rest: seen.append((job.name, *rest)))
    assert str(ends["0"].error) == "no labels"
    assert seen == [("0", 3, 9, "half-way"), ("0", 9, 9, "")]
    assert "0: a gap" in caplog.text


def test_a_job_knows_how_many_workers_share_its_machine():
    ray = FakeRay([greeting("a")], [greeting("a")], [greeting("b")])
    executor = _executor(ray, 3)
    while executor.num_idle() < 3:
        executor.wait(None, print)
    for number in range(3):
        executor.submit(Job(str(number), job_calls.add, (1, 2)))
    executor.close()
    executor.close()
    assert [num_workers for actor in ray.actors for _, num_workers in actor.jobs] == [2, 2, 1]


@pytest.fixture
def actor(tmp_path, monkeypatch):
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    monkeypatch.chdir(tmp_path)
    yield JobActor("", logging.INFO, tmp_path / "missing")
    root.handlers[:] = before
    root.setLevel(level)


def _chatter(over, worker):
    number = 0
    while not over.is_set():
        number += 1
        worker.progress(number, 10**9)
        time.sleep(0.001)


def test_an_actor_tells_the_latest_progress_once_a_second_and_the_end_at_once(actor):
    over = threading.Event()
    began = time.monotonic()
    first = actor.begin(Job("a", _chatter, (over,)), 1)
    assert time.monotonic() - began >= 1.0
    assert len(first) == 1
    over.set()
    *_, last = actor.messages()
    assert isinstance(last, Ended)
    assert time.monotonic() - began < 1.9
    assert last.error is None


def test_an_actor_tells_log_lines_and_progress_before_the_end(actor):
    said = [*actor.begin(Job("b", job_calls.report), 1)]
    assert said[0].getMessage() == "reading rtsp://camera/1"
    assert said[1] == (2, 2, "")
    assert isinstance(said[2], Ended)


def test_an_actor_works_in_the_folder_of_the_driver(actor, tmp_path):
    (tmp_path / "driver").mkdir()
    JobActor("", logging.INFO, tmp_path / "driver")
    assert Path.cwd() == tmp_path / "driver"


def test_an_actor_raises_a_defect_and_takes_the_next_job(actor):
    with pytest.raises(ZeroDivisionError):
        actor.begin(Job("a", job_calls.divide), 1)
    assert actor.begin(Job("b", job_calls.add, (1, 2)), 1)[-1].value == 3


def test_an_actor_refuses_a_folder_that_is_not_the_drivers(actor, tmp_path, monkeypatch):
    # Ray is not installed everywhere.
    monkeypatch.setattr(ray_actor, "versions", lambda: VERSIONS)
    with proved_locks(tmp_path / "runs") as probe:
        assert actor.hello([probe]).host == socket.gethostname()
    with pytest.raises(
        ConfigError, match=f"{socket.gethostname()} does not see {tmp_path / 'runs'} of.*mount"
    ):
        actor.hello([probe])


def test_the_probe_of_a_folder_is_there_while_the_executor_is_open(tmp_path):
    executor = _executor(FakeRay(), folders=[tmp_path])
    assert len(list(tmp_path.glob(".processes/*"))) == 1
    executor.close()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def module(monkeypatch):
    """The module `ray`, whose `init` finds a cluster with three CPUs free and no GPU."""
    found = SimpleNamespace(
        init=lambda **options: None,
        exceptions=FakeRay.exceptions,
        available_resources=lambda: {"CPU": 3.0},
        cluster_resources=lambda: {"CPU": 4.0},
        shutdown=lambda: None,
    )
    monkeypatch.setitem(sys.modules, "ray", found)
    return found


@pytest.mark.parametrize("address", ["local", "ray://head:10001", "head", "head:", ":6379"])
def test_an_address_that_is_none_of_a_running_cluster_is_refused(module, address):
    with pytest.raises(ConfigError, match="--ray must be auto or HOST:PORT"):
        connect(RaySettings(address=address))


def test_an_address_without_a_server_is_refused_before_ray_tries_for_minutes(module):
    module.init = lambda **options: pytest.fail("Ray was asked")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConfigError, match=f"no Ray cluster answers at 127.0.0.1:{port}.*ray start --head"):
        connect(RaySettings(address=f"127.0.0.1:{port}"))


def test_without_ray_the_line_that_installs_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'bvas\[ray\]'"):
        connect(RaySettings(address="auto"))


@pytest.mark.parametrize("kind", [ConnectionError, RuntimeError, ValueError, RayError])
def test_a_cluster_that_cannot_be_joined_is_named_with_the_reason(module, kind):
    def init(**options):
        raise kind("Version mismatch: the cluster has Ray 2.52.0\nmore")

    module.init = init
    with pytest.raises(
        ConfigError, match=r"cannot join the Ray cluster auto \(Version mismatch: .*2\.52\.0\)"
    ):
        connect(RaySettings(address="auto"))


@pytest.mark.parametrize(
    ("settings", "num_workers"), [({}, 3), ({"num_workers": 8}, 8), ({"num_gpus": 0.5}, None)]
)
def test_there_are_as_many_workers_as_asked_for_or_as_the_cluster_has_room_for(module, settings, num_workers):
    joined = RaySettings(address="auto", **settings)
    if num_workers is None:
        with pytest.raises(ConfigError, match="has no GPU free for a worker"):
            connect(joined)
    else:
        assert connect(joined) == (module, num_workers)


@pytest.mark.parametrize("mode", ["token", ""])
def test_a_cluster_without_tokens_is_warned_of(module, monkeypatch, caplog, mode):
    monkeypatch.setenv("RAY_AUTH_MODE", mode)
    connect(RaySettings(address="auto"))
    assert ("RAY_AUTH_MODE is not 'token'" in caplog.text) == (mode != "token")
