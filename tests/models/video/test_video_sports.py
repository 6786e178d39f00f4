"""Table of sports among the classes of Kinetics-400."""

import pytest
from torchvision.models import get_model_weights

from bvas.models.video.sports import sports_classes

NAMES = [name for names in sports_classes().values() for name in names]


def test_each_name_is_one_of_the_packages_classes():
    assert set(NAMES) <= set(get_model_weights("r3d_18").DEFAULT.meta["categories"])


def test_there_are_116_names_and_none_twice():
    assert len(NAMES) == len(set(NAMES)) == 116


def test_sports_name_their_classes_and_cannot_be_changed():
    sports = sports_classes()
    assert sports["golf"] == ("golf chipping", "golf driving", "golf putting")
    assert "surfing water" in sports["on water"]
    assert all(list(names) == sorted(names, key=str.lower) for names in sports.values())
    with pytest.raises(TypeError):
        sports["golf"] = ()
