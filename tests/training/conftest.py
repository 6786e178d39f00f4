import pytest
from tiny import TINY_LEAGUE

from bvas.synthetic.league import make_league


@pytest.fixture(scope="session")
def league(tmp_path_factory):
    """The data root of a tiny league of two matches."""
    data = tmp_path_factory.mktemp("league") / "data"
    make_league(data, TINY_LEAGUE, jobs=1)
    return data
