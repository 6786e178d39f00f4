import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bvas.system import compile_cache as artifacts

COMPILE = """
import sys, time, torch
from bvas.system.compile_cache import keep_compiled
keep_compiled()
from torch._dynamo.utils import counters
network = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.Linear(16, 4)).eval()
with torch.inference_mode():
    torch.compile(network, dynamic=False)(torch.ones(2, 8))
print(counters["inductor"]["fxgraph_cache_hit"] + counters["aot_autograd"]["autograd_cache_hit"])
"""


@pytest.fixture
def variable(monkeypatch):
    """Where torch is told to keep compiled kernels; asked in a process that has not been told yet."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")
    artifacts.keep_compiled.cache_clear()
    yield lambda: os.environ["TORCHINDUCTOR_CACHE_DIR"]
    artifacts.keep_compiled.cache_clear()


def test_compiled_kernels_are_kept_in_the_cache_folder(variable, tmp_path, monkeypatch):
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))

    artifacts.keep_compiled()

    assert variable() == str(tmp_path / "home" / "compiled")
    assert list((tmp_path / "home" / "compiled").iterdir()) == []


def test_a_folder_that_the_user_chose_stays(variable, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/elsewhere")
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))

    artifacts.keep_compiled()

    assert variable() == "/elsewhere"
    assert not (tmp_path / "home").exists()


def test_a_cache_folder_that_cannot_be_written_leaves_the_default_and_is_said(
    variable, tmp_path, monkeypatch, caplog
):
    caplog.set_level(logging.INFO, logger="bvas.system.compile_cache")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "file"))

    artifacts.keep_compiled()

    assert variable() == ""
    assert "are not kept in" in caplog.text


def test_without_a_home_nothing_is_kept(variable, monkeypatch):
    monkeypatch.setattr(artifacts, "cache_folder", lambda: None)

    artifacts.keep_compiled()

    assert variable() == ""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="TorchInductor needs g++ on a CPU")
def test_a_second_process_loads_what_the_first_compiled(tmp_path):
    repository = Path(__file__).parents[2]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "TORCHINDUCTOR_CACHE_DIR"},
        "BVAS_HOME": str(tmp_path),
        "PYTHONPATH": str(repository),
    }
    hits = [
        subprocess.run(
            [sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        for _ in range(2)
    ]

    assert hits[0] == "0"
    assert int(hits[1]) >= 1
    assert any((tmp_path / "compiled").rglob("*.so"))
