"""pytest whose results are a JSON file that is whole after each test: what a kill leaves is what was found out.

python scripts/gpu_tests.py FILE [arguments of pytest]
"""

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bvas.system.atomic_files import write_json


class Results:
    """A plugin that notes how each test ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._started = time.monotonic()
        self._tests: dict[str, dict[str, Any]] = {}
        self._num_collected = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note how many there are."""
        self._num_collected = len(session.items)
        self._write(is_complete=False)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one part of a test: a failure of its set-up or tear-down counts as the test's."""
        test = self._tests.setdefault(report.nodeid, {"outcome": "passed", "seconds": 0.0})
        test["seconds"] = round(test["seconds"] + report.duration, 2)
        if report.outcome != "passed":
            test["outcome"] = report.outcome
            test["reason"] = str(report.longrepr)[-1500:]
        if report.when == "teardown":
            self._write(is_complete=False)

    def pytest_sessionfinish(self) -> None:
        """Write that all were run."""
        self._write(is_complete=len(self._tests) >= self._num_collected)

    def _write(self, *, is_complete: bool) -> None:
        outcomes = [test["outcome"] for test in self._tests.values()]
        write_json(
            self._path,
            {
                "is_complete": is_complete,
                "collected": self._num_collected,
                "counts": {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))},
                "seconds": round(time.monotonic() - self._started, 1),
                "tests": self._tests,
            },
        )


if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[2:], plugins=[Results(Path(sys.argv[1]))]))
