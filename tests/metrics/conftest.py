import numpy as np
import pytest


@pytest.fixture(scope="module")
def package():
    """The official package; tests that need it skip where it is not installed."""
    # It switches NumPy's warnings off for the whole process; `errstate` ends that again.
    with np.errstate():
        yield pytest.importorskip("SoccerNet.Evaluation.ActionSpotting")
