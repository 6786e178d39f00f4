"""Boxes drawn by hand, from a file and from the command line."""

import argparse
import json

import pytest

from bvas.commands.option_values import parse_roi
from bvas.errors import ConfigError, DataError
from bvas.players.rois import Roi, read_rois


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rois.json"

    def write(rois, **more):
        path.write_text(json.dumps({"format": "bvas-rois-1", "video": "game.mp4", "rois": rois} | more))
        return path

    return write


def test_boxes_are_read_in_order_with_their_times_and_names(file):
    path = file(
        [
            {"name": "LeBron", "seconds": 2.4, "frame": 60, "box": [310, 120.5, 64, 150]},
            {"seconds": 0, "box": [-5, 0, 40, 80]},
        ]
    )
    assert read_rois(path) == [
        Roi(box=(310.0, 120.5, 64.0, 150.0), seconds=2.4, name="LeBron"),
        Roi(box=(-5.0, 0.0, 40.0, 80.0), seconds=0.0),
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"seconds": 0, "box": [1, 2, 0, 4]}, "box 1: needs 'box', left edge, upper edge, width and height"),
        ({"seconds": 0, "box": [1, 2, 3]}, "got \\[1, 2, 3\\]"),
        ({"seconds": 0, "box": [1, 2, 3, True]}, "needs 'box'"),
        ({"seconds": -1, "box": [1, 2, 3, 4]}, "needs 'seconds', a number from 0 up, got -1"),
        ({"box": [1, 2, 3, 4]}, "needs 'seconds'"),
        ({"seconds": 0}, "needs 'box'"),
        ({"seconds": 0, "box": [1, 2, 3, 4], "name": "two\nlines"}, "'name' must be a text of one line"),
        ({"seconds": 0, "box": [1, 2, 3, 4], "nmae": "Ann"}, "unknown key 'nmae'"),
        (7, "must be an object"),
    ],
)
def test_a_wrong_box_is_named_with_its_number(file, entry, message):
    with pytest.raises(DataError, match=message):
        read_rois(file([entry]))


def test_other_files_and_empty_ones_are_refused(file, tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_rois(tmp_path / "none.json")
    with pytest.raises(DataError, match="holds no box; draw one"):
        read_rois(file([]))
    with pytest.raises(DataError, match="format 'bvas-labels-1', not 'bvas-rois-1'"):
        read_rois(file([{"seconds": 0, "box": [1, 2, 3, 4]}], format="bvas-labels-1"))
    with pytest.raises(DataError, match=r"box 1: .*1 more fault"):
        read_rois(file([{"seconds": 0}, {"seconds": 0}]))


def test_an_option_has_a_box_and_maybe_a_time():
    assert parse_roi("310,120,64,150") == Roi(box=(310.0, 120.0, 64.0, 150.0), seconds=0.0)
    assert parse_roi("3.5,-2,64,150@1:30.5") == Roi(box=(3.5, -2.0, 64.0, 150.0), seconds=90.5)


@pytest.mark.parametrize(
    "text",
    ["", "1,2,3", "1,2,3,4,5", "1,2,0,4", "1,2,nan,4", "1,2,inf,4", "a,2,3,4", "1,2,3,4@", "1,2,3,4@x"],
)
def test_other_options_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not a (box|time)"):
        parse_roi(text)


def test_a_box_without_area_cannot_be_made():
    with pytest.raises(ConfigError, match="width and height above 0"):
        Roi(box=(0.0, 0.0, 0.0, 1.0))
