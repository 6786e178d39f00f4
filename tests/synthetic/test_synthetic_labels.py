from fractions import Fraction

import pytest

from bvas.synthetic.league_files import LABELS_2023, label_file
from bvas.synthetic.play_record import PlayEvent


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(2997, 100), Fraction(50)])
def test_the_official_formula_gives_every_frame_back(rate):
    frames = range(0, 60 * 50 * 50, 7)
    events = [PlayEvent(frame, "PASS", 0) for frame in frames]

    entries = label_file("a", [events], labels={"PASS": "PASS"}, rate=rate)["annotations"]

    assert [int(float(rate) * int(entry["position"]) / 1000) for entry in entries] == list(frames)


def test_every_value_of_an_entry_is_a_string_as_in_the_published_files():
    halves = [
        [PlayEvent(17, "PASS", 3), PlayEvent(20, "OUT", 3)],
        [PlayEvent(1600, "DRIVE", 15, visible=False)],
    ]

    labels = label_file("england_efl/2019-2020/a", halves, labels=LABELS_2023, rate=Fraction(25))

    assert labels == {
        "UrlLocal": "england_efl/2019-2020/a",
        "UrlYoutube": "",
        "annotations": [
            {
                "gameTime": "1 - 00:00",
                "label": "PASS",
                "position": "680",
                "team": "home",
                "visibility": "visible",
            },
            {
                "gameTime": "2 - 01:04",
                "label": "DRIVE",
                "position": "64000",
                "team": "away",
                "visibility": "not shown",
            },
        ],
    }
