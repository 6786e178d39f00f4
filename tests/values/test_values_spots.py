import pytest

from bvas.errors import ConfigError
from bvas.values.annotations import LabelSet


def test_merged_labels_share_a_column():
    labels = LabelSet(("Goal", "Card"), merged={"Red card": "Card", "Yellow card": "Card"})

    assert [labels.label_id(name) for name in ("Goal", "Card", "Red card")] == [0, 1, 1]
    assert "Yellow card" in labels
    assert "Foul" not in labels


def test_an_unknown_label_names_those_there_are():
    with pytest.raises(ConfigError, match="unknown label 'PAS'; this task knows PASS, DRIVE"):
        LabelSet(("PASS", "DRIVE")).label_id("PAS")


def test_labels_must_be_distinct_and_merged_ones_lead_somewhere():
    with pytest.raises(ConfigError, match="distinct"):
        LabelSet(("A", "A"))
    with pytest.raises(ConfigError, match="merged labels"):
        LabelSet(("A",), merged={"B": "C"})
