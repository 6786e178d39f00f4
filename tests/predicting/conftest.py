"""A workplace with a few tiny matches and models that were never trained."""

import shutil

import pytest
from workplaces import Workplace, make_workplace


@pytest.fixture(scope="session")
def first_workplace(tmp_path_factory):
    return make_workplace(tmp_path_factory.mktemp("workplace"))


@pytest.fixture
def there(first_workplace, tmp_path, monkeypatch):
    """A copy of it, as the current folder."""
    shutil.copytree(first_workplace.folder, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return Workplace(tmp_path / "work")
