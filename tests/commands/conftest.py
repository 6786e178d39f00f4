"""Runs folder of a tiny experiment, shared by the tests of one file."""

import pytest
from tiny import save_tiny_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    save_tiny_runs(runs)
    return runs
