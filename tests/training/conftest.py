import sys
from pathlib import Path

import pytest
from tiny import TINY_LEAGUE

from bvas.synthetic.league import make_league

# Videos that are never opened are made as for the tests of the loader.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "loading"))


@pytest.fixture(scope="session")
def league(tmp_path_factory):
    """The data root of a tiny league of two matches."""
    data = tmp_path_factory.mktemp("league") / "data"
    make_league(data, TINY_LEAGUE, jobs=1)
    return data
