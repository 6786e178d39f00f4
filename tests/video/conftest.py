"""What several test files of videos share; the helpers beside it can be imported by them all."""

import emulated_driver
import pytest

from bvas.system import nvdec_caps


@pytest.fixture
def driver():
    """The emulated driver, to be set by the test and asked what it saw."""
    running = emulated_driver.running()
    if running is None:
        pytest.skip("asks the emulated driver what it saw; --emulated-driver starts it")
    return running


@pytest.fixture(autouse=True)
def _no_fault_of_the_emulated_driver():
    running = emulated_driver.running()
    if running is None:
        yield
        return
    running.reset()
    nvdec_caps.decoder_caps.cache_clear()
    before = running.held()
    yield
    assert running.faults() == []
    assert running.leaks(before) == {}
