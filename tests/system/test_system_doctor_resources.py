import json
import os
import shutil
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

from bvas.cli import main
from bvas.commands import doctor
from bvas.commands.console import OK, WRONG_INPUT
from bvas.system import control_groups
from bvas.system.doctor import resources
from bvas.system.doctor.finding import Finding

Usage = namedtuple("Usage", "total used free")
GIB = 2**30


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def roomy(monkeypatch):
    """Disks of 100 GiB, but for what a test says of a place."""
    places = {}
    monkeypatch.setattr(
        shutil, "disk_usage", lambda place: places.get(Path(place), Usage(100 * GIB, 0, 100 * GIB))
    )
    return places


def by_topic(runs, root):
    return {item.topic: item for item in resources.inspect_resources(runs, root)}


def test_the_quota_of_a_container_counts_below_the_cores(tmp_path, roomy, monkeypatch):
    root = write(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "250000 100000\n"})
    monkeypatch.setattr(resources, "allowed_cores", lambda: 16)
    found = by_topic(tmp_path, root)["CPU"]
    assert control_groups.cpu_quota(root) == 2.5
    assert (found.state, found.text) == ("note", "16 cores, of which this container may use 2.5 at a time")
    assert "--workers 1 and --jobs 2" in found.remedy


def test_of_nested_groups_the_strictest_holds(tmp_path):
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/job/task\n",
            "sys/fs/cgroup/job/cpu.max": "400000 100000\n",
            "sys/fs/cgroup/job/task/cpu.max": "max 100000\n",
            "sys/fs/cgroup/job/memory.max": f"{8 * GIB}\n",
            "sys/fs/cgroup/job/task/memory.max": f"{6 * GIB}\n",
        },
    )
    assert control_groups.cpu_quota(root) == 4.0
    assert control_groups.memory_limit(root) == 6 * GIB


def test_control_groups_of_the_first_version_are_read_too(tmp_path):
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/box\n1:cpu,cpuacct:/\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "150000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/box/memory.limit_in_bytes": f"{3 * GIB}\n",
        },
    )
    assert control_groups.cpu_quota(root) == 1.5
    assert control_groups.memory_limit(root) == 3 * GIB


@pytest.mark.parametrize("quota", ["max 100000", "-1"])
def test_no_quota_is_no_limit(tmp_path, quota):
    name = "cpu.max" if " " in quota else "cpu.cfs_quota_us"
    root = write(tmp_path, {"proc/self/cgroup": "0::/\n", f"sys/fs/cgroup/{name}": quota})
    assert control_groups.cpu_quota(root) is None


def test_without_control_groups_there_is_no_limit(tmp_path):
    assert control_groups.cpu_quota(tmp_path) is None
    assert control_groups.memory_limit(tmp_path) is None


def test_little_memory_is_noted_with_what_the_container_may_use(tmp_path, roomy):
    root = write(
        tmp_path,
        {
            "proc/meminfo": f"MemTotal: {32 * 2**20} kB\nMemFree: 5 kB\nMemAvailable: {20 * 2**20} kB\n",
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": f"{2 * GIB}\n",
        },
    )
    found = by_topic(tmp_path, root)["memory"]
    assert (found.state, found.text) == (
        "note",
        "32.0 GiB, 20.0 GiB of it free; this container may use 2.0 GiB",
    )


def test_the_64_mib_of_a_container_matter_only_where_clips_are_handed_over_in_them(
    tmp_path, roomy, monkeypatch
):
    if not Path("/dev/shm").is_dir():
        pytest.skip("no /dev/shm on this system")
    roomy[Path("/dev/shm")] = Usage(GIB // 16, 0, GIB // 16)
    monkeypatch.setattr(os, "memfd_create", None, raising=False)
    assert by_topic(tmp_path, tmp_path)["shared memory"].state == "ok"
    monkeypatch.delattr(os, "memfd_create")
    found = by_topic(tmp_path, tmp_path)["shared memory"]
    assert found.state == "problem"
    assert "--shm-size=8g" in found.remedy


def test_folders_that_cannot_be_written_or_are_full_are_noted(tmp_path, roomy, monkeypatch):
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home" / "none"))
    monkeypatch.setattr(os, "access", lambda place, mode: Path(place) != tmp_path)
    roomy[Path(tempfile.gettempdir())] = Usage(GIB, 0, GIB)
    found = by_topic(tmp_path / "runs", tmp_path)
    assert found["runs folder"].text == f"{tmp_path / 'runs'}, 100.0 GiB free, not writable"
    assert found["cache folder"].text.endswith("not writable: indexes may have to be made again")
    assert "BVAS_HOME" in found["cache folder"].remedy
    assert found["temporary files"].text == f"{tempfile.gettempdir()}, 1.0 GiB free"
    assert {found[topic].state for topic in ("runs folder", "cache folder", "temporary files")} == {"note"}


def test_a_user_without_a_home_is_told_to_set_one(tmp_path, roomy, monkeypatch):
    monkeypatch.setattr("bvas.system.doctor.resources.cache_folder", lambda: None)
    found = by_topic(tmp_path, tmp_path)["cache folder"]
    assert (found.state, found.text) == ("note", "no cache folder: this user has no home")


def test_the_command_says_that_bvas_works_here(capsys):
    assert main(["doctor"]) == OK
    said = capsys.readouterr().out
    assert "ok       Python " in said
    assert "\nbvas works here" in said


def test_json_holds_every_finding(capsys):
    assert main(["doctor", "--json"]) == OK
    said = json.loads(capsys.readouterr().out)
    assert said["works"] is True
    assert [item["topic"] for item in said["findings"]][:3] == ["Python", "packages", "torch"]
    assert set(said["findings"][0]) == {"topic", "state", "text", "remedy", "is_needed"}


def test_what_everything_needs_makes_the_exit_code_2_and_comes_last(monkeypatch, capsys):
    broken = Finding(topic="PyAV", state="problem", text="gone", remedy="pip install av", is_needed=True)
    monkeypatch.setattr("bvas.system.doctor.software.inspect_software", lambda: [broken])
    assert main(["doctor"]) == WRONG_INPUT
    said = capsys.readouterr().out
    assert f"problem  PyAV             gone\n{'':26}-> pip install av" in said
    assert said.endswith("bvas does not work here before this is fixed: PyAV\n")


def test_other_problems_are_summed_up():
    found = [Finding(topic="CUDA", state="problem", text="x"), Finding(topic="CPU", state="ok", text="y")]
    assert doctor.summary_text(found) == "\nbvas works here; to fix: CUDA"


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, 20),
        # v2: the group above grants less than its own; pages of files that were not used lately count as free.
        (
            {
                "proc/self/cgroup": "0::/job/task\n",
                "sys/fs/cgroup/job/memory.max": f"{8 * GIB}\n",
                "sys/fs/cgroup/job/memory.current": f"{6 * GIB}\n",
                "sys/fs/cgroup/job/memory.stat": f"anon 5\ninactive_file {GIB}\nactive_file 7\n",
                "sys/fs/cgroup/job/task/memory.max": "max\n",
                "sys/fs/cgroup/job/task/memory.current": f"{GIB}\n",
            },
            3,
        ),
        # v1, from inside a container: the path is the host's, the limit lies at the top.
        (
            {
                "proc/self/cgroup": "4:memory:/docker/abc\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{GIB}\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIB // 4}\n",
            },
            0.75,
        ),
        # v1 without a limit, and a group that is over its own.
        (
            {
                "proc/self/cgroup": "4:memory:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIB}\n",
            },
            20,
        ),
        (
            {
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/memory.max": f"{GIB}\n",
                "sys/fs/cgroup/memory.current": f"{GIB + 4096}\n",
            },
            0,
        ),
    ],
)
def test_free_memory_is_what_the_system_and_all_groups_leave(tmp_path, files, free):
    meminfo = f"MemTotal: {32 * 2**20} kB\nMemFree: 7 kB\nMemAvailable: {20 * 2**20} kB\n"
    root = write(tmp_path, {"proc/meminfo": meminfo, **files})

    assert control_groups.free_memory(root) == free * GIB


def test_free_memory_is_unknown_where_the_system_does_not_say(tmp_path):
    assert control_groups.free_memory(tmp_path) is None
