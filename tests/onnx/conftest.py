"""One export for all tests: it takes seconds."""

import pytest
from exported_models import make_runs

from bvas.cli import main
from bvas.commands.console import OK


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Return a runs folder with the experiment `tiny`."""
    runs = tmp_path_factory.mktemp("runs")
    make_runs(runs)
    return runs


@pytest.fixture(scope="session")
def exported(runs):
    """Return the folder of its export."""
    assert main(["weights", "export", "tiny", "--to", "onnx", "--runs", str(runs), "--quiet"]) == OK
    return runs / "tiny" / "onnx"
