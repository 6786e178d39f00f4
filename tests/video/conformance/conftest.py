"""Files of the samples, each made once per session."""

from pathlib import Path

import pytest
from sample import Damaged, Sample


class Files:
    """The files of samples, made when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, sample: Sample) -> Path:
        """The file of a sample."""
        path = self._folder / f"of {sample.name}" / sample.name
        if not path.exists():
            path.parent.mkdir()
            sample.make(path)
        return path

    def whole_of(self, sample: Damaged) -> Path:
        """The file that a damaged sample was."""
        path = self._folder / f"of {sample.name}" / f"whole{Path(sample.name).suffix}"
        if not path.exists():
            path.parent.mkdir()
            sample.whole(path)
        return path

    def of_damaged(self, sample: Damaged) -> Path:
        """The file of a damaged sample."""
        whole = self.whole_of(sample)
        path = whole.with_name(sample.name)
        if not path.exists():
            sample.edit(whole, path)
        return path


@pytest.fixture(scope="session")
def files(tmp_path_factory) -> Files:
    return Files(tmp_path_factory.mktemp("conformance"))
