"""Fixtures that several test folders share."""

import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from bvas.system import notices

# The tensors of the tests are small: a second thread of torch gains nothing, and waits in a busy loop.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED_DATA = Path(
    os.environ.get("BVAS_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
)


_NOT_EMULATED = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real videos, predictions and weights; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the folder of real test data is not here ({SHARED_DATA})")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _own_cache_folder(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("BVAS_HOME", str(tmp_path_factory.getbasetemp() / "bvas-home"))


@pytest.fixture(autouse=True)
def _own_count_of_notices(monkeypatch):
    monkeypatch.setattr(notices, "_files_of_kind", Counter())


# Tests of what the emulated driver emulates.
_EMULATED = Path(__file__).parent / "video"


def pytest_addoption(parser):
    parser.addoption(
        "--emulated-driver",
        action="store_true",
        help="run the gpu tests of tests/video with PyNvVideoCodec over an emulated driver; with a real one nothing "
        "is emulated",
    )


def pytest_configure(config):
    if config.getoption("--emulated-driver"):
        sys.path.insert(0, str(_EMULATED))
        import emulated_driver

        reason = emulated_driver.why_not()
        if reason is None:
            emulated_driver.start()
        else:
            config.stash[_NOT_EMULATED] = reason
    # A shell starts what runs in its background deaf to Ctrl-C, and programs inherit that; some tests send it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _has_cuda():
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


def pytest_collection_modifyitems(config, items):
    gpu_items = [item for item in items if item.get_closest_marker("gpu")]
    is_emulated = config.getoption("--emulated-driver") and _NOT_EMULATED not in config.stash
    if is_emulated:
        gpu_items = [item for item in gpu_items if _EMULATED not in item.path.parents]
    if not gpu_items or os.environ.get("BVAS_REQUIRE_GPU") == "1":
        return
    if not is_emulated and _has_cuda():
        return
    reason = (
        "no CUDA device, and --emulated-driver is for tests/video; BVAS_REQUIRE_GPU=1 makes this a failure"
    )
    if _NOT_EMULATED in config.stash:
        reason = f"no CUDA device, and none is emulated: {config.stash[_NOT_EMULATED]}"
    for item in gpu_items:
        item.add_marker(pytest.mark.skip(reason=reason))
