"""Fixtures that several test folders share."""

import os
import signal
from pathlib import Path

import pytest

SHARED_DATA = Path(
    os.environ.get("BVAS_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real videos, predictions and weights; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the folder of real test data is not here ({SHARED_DATA})")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _own_cache_folder(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("BVAS_HOME", str(tmp_path_factory.getbasetemp() / "bvas-home"))


def pytest_configure():
    # A shell starts what runs in its background deaf to Ctrl-C, and programs inherit that; some tests send it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    gpu_items = [item for item in items if item.get_closest_marker("gpu")]
    if not gpu_items or os.environ.get("BVAS_REQUIRE_GPU") == "1":
        return
    import torch

    if not torch.cuda.is_available():
        for item in gpu_items:
            item.add_marker(
                pytest.mark.skip(reason="no CUDA device; BVAS_REQUIRE_GPU=1 makes this a failure")
            )
