import json

import pytest

from bvas.detection.detector_description import BoxesOutput, HeatmapOutput, RowsOutput, read_description
from bvas.errors import ConfigError


@pytest.fixture
def described(tmp_path):
    def read(content):
        path = tmp_path / "model.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_description(path)

    return read


def test_a_heatmap_is_described_with_its_defaults(described):
    found = described({"heatmap": {"center": "hm", "size": "wh", "stride": 8}, "threshold": 0.4, "most": 6})
    assert found.output == HeatmapOutput(center="hm", size="wh", stride=8)
    assert (found.threshold, found.most, found.person, found.nms_overlap) == (0.4, 6, 0, None)
    assert (found.input.fit, found.input.channels, found.input.size) == ("stretch", "rgb", None)


def test_boxes_and_rows_are_described(described):
    boxes = described({"boxes": {"boxes": "pred_boxes", "scores": "logits", "form": "cxcywh"}})
    assert boxes.output == BoxesOutput(boxes="pred_boxes", scores="logits", form="cxcywh")
    rows = described({"rows": {"name": "output", "yolox_strides": [8, 16, 32]}, "nms_overlap": 0.45})
    assert rows.output == RowsOutput(name="output", yolox_strides=(8, 16, 32))
    assert rows.nms_overlap == 0.45


def test_every_wrong_key_and_value_is_named_in_one_message(described):
    with pytest.raises(ConfigError) as caught:
        described(
            {
                "input": {"size": [640], "fit": "squeeze", "mean": [1, 2], "colour": "rgb", "std": [1, 0, 1]},
                "rows": {"name": "", "activation": "tanh"},
                "threshold": 30,
            }
        )
    text = str(caught.value)
    for part in (
        "model.json: 'threshold' must be a number from 0 to 1, got 30",
        "input: unknown key 'colour'; known are name, layout, size",
        "input: 'size' must be [height, width], two whole numbers from 1 to 16384, got [640]",
        "input: 'fit' must be one of stretch, pad-corner, pad-center, got 'squeeze'",
        "input: 'mean' must be a list of three numbers, got [1, 2]",
        "input: 'std' must be a list of three numbers above 0, got [1, 0, 1]",
        "rows: needs 'name', a text, got ''",
        "rows: 'activation' must be one of none, sigmoid, softmax, got 'tanh'",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "by one of the keys heatmap, boxes, rows, got none"),
        (
            {"rows": {"name": "a"}, "boxes": {"boxes": "b"}},
            "by one of the keys heatmap, boxes, rows, got boxes and rows",
        ),
        ({"heatmap": {"center": "hm"}}, "heatmap: needs 'size'"),
        ([], "must be an object"),
        ("{", "is not JSON"),
    ],
)
def test_a_description_without_one_kind_of_outputs_is_refused(described, content, message):
    with pytest.raises(ConfigError, match=message):
        described(content)


def test_a_missing_description_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"model\.json: no such file"):
        read_description(tmp_path / "model.json")
