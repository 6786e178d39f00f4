import json
import re
from pathlib import Path

import pytest

from bvas.detection.detector_description import BoxesOutput, HeatmapOutput, RowsOutput, read_description

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "players_detectors.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_docs_is_a_description(tmp_path, example):
    (tmp_path / "model.json").write_text(example)
    found = read_description(tmp_path / "model.json")
    written = json.loads(example)
    assert (found.threshold, found.person) == (written.get("threshold", 0.3), written.get("person", 0))
    assert found.input.values == written["input"]["values"]


def test_the_examples_are_of_all_kinds_and_the_first_is_the_file_in_the_package():
    kinds = [
        next(kind for kind in ("heatmap", "boxes", "rows") if kind in json.loads(text)) for text in EXAMPLES
    ]
    assert kinds == ["heatmap", "rows", "boxes", "boxes"]
    shipped = ROOT / "bvas" / "detection" / "movenet_multipose.json"
    assert json.loads(EXAMPLES[0]) == json.loads(shipped.read_text())


def test_every_key_of_a_description_stands_in_the_docs():
    text = (ROOT / "docs" / "players_detectors.md").read_text()
    fields = {name for kind in (HeatmapOutput, BoxesOutput, RowsOutput) for name in kind.__dataclass_fields__}
    assert [name for name in sorted(fields) if f"`{name}`" not in text] == []
