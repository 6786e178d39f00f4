import json
from fractions import Fraction

import pytest

from bvas.data.ball import ball_task, found_ball_task
from bvas.data.matches import Match, annotated_halves, find_matches, match_halves
from bvas.data.soccernet_files import game_time, position_ms, read_label_file
from bvas.data.spotting_task import SpottingTask
from bvas.errors import DataError
from bvas.results.store import read_results, write_results
from bvas.values.annotations import LabelSet, Spot

LABELS = LabelSet(("PASS", "DRIVE"))


def _write_labels(path, annotations):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"annotations": annotations}))


def _entry(label="PASS", position="3120", time="1 - 00:03", **more):
    return {"gameTime": time, "label": label, "position": position, **more}


@pytest.mark.parametrize("rate", [25.0, 29.97, float(Fraction(30000, 1001)), 50.0, 24.0])
def test_a_written_position_gives_the_same_frame_back_to_the_official_reader(rate):
    for frame in [*range(2000), 67_499, 143_001]:
        assert int(rate * (position_ms(frame / rate, rate) / 1000)) == frame


def test_game_time_counts_minutes_beyond_the_hour():
    assert game_time(1, 3.12) == "1 - 00:03"
    assert game_time(2, 6005) == "2 - 100:05"


def _annotations(folder, *, labels=LABELS, visible_only=False):
    """Annotations of each half of a match that has two videos."""
    for half in (1, 2):
        (folder / f"{half}_720p.mkv").touch()
    task = SpottingTask(name="x", labels=labels, visible_only=visible_only)
    return [annotations for _, annotations in annotated_halves(Match("m", folder, 0), task)]


def test_annotations_come_by_half_in_seconds_and_in_order(tmp_path):
    _write_labels(
        tmp_path / "Labels-ball.json",
        [
            _entry("DRIVE", "9000", "2 - 00:09", team="left", visibility="visible"),
            _entry("PASS", 4000),
            _entry("PASS", "680"),
        ],
    )

    first, second = _annotations(tmp_path)

    assert [(a.label, a.seconds) for a in first] == [("PASS", 0.68), ("PASS", 4.0)]
    assert [(a.label, a.seconds, a.team) for a in second] == [("DRIVE", 9.0, "left")]


def test_a_label_that_the_config_does_not_know_is_an_error_that_says_what_to_do(tmp_path):
    _write_labels(
        tmp_path / "Labels-ball.json", [_entry("PASS"), _entry("SHOT"), _entry("GOAL"), _entry("SHOT")]
    )

    with pytest.raises(
        DataError,
        match=r"Labels-ball\.json: annotation 1: label 'SHOT' is not among the config's PASS, DRIVE; "
        r".*'ball12'.*'merged' or 'ignored' of its LabelSet; unknown in this file: SHOT \(2\), GOAL \(1\)",
    ):
        _annotations(tmp_path)


def test_ignored_labels_are_left_out(tmp_path):
    _write_labels(tmp_path / "Labels-ball.json", [_entry("SHOT"), _entry("PASS")])

    first, _ = _annotations(tmp_path, labels=LabelSet(("PASS", "DRIVE"), ignored=("SHOT",)))

    assert [a.label for a in first] == ["PASS"]


def test_unshown_annotations_are_left_out_where_asked_for(tmp_path):
    _write_labels(
        tmp_path / "Labels-ball.json", [_entry(visibility="not shown"), _entry(visibility="visible")]
    )

    assert len(_annotations(tmp_path)[0]) == 2
    assert len(_annotations(tmp_path, visible_only=True)[0]) == 1


def test_cards_are_merged_under_one_name(tmp_path):
    labels = LabelSet(("Card",), merged={"Red card": "Card"})
    _write_labels(tmp_path / "Labels-ball.json", [_entry("Red card")])

    assert _annotations(tmp_path, labels=labels)[0][0].label == "Card"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"label": "PASS"}, "annotation 0: needs 'gameTime', a game time like '1 - 00:03', got nothing"),
        (_entry(position="three"), "'position' must be milliseconds, a whole number, got 'three'"),
        (_entry(time="3 - 00:00"), "half 3"),
        (_entry(position="-5"), "not negative"),
        ("PASS", "annotation 0"),
    ],
)
def test_a_wrong_annotation_is_named(tmp_path, entry, message):
    _write_labels(tmp_path / "Labels-ball.json", [entry])

    with pytest.raises(DataError, match=message):
        _annotations(tmp_path)


def test_a_label_file_that_is_no_json_or_no_label_file_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("<html>")
    assert "a.json: is not JSON" in str(read_label_file(tmp_path / "a.json")[1][0])
    (tmp_path / "b.json").write_text("[]")
    assert "no list 'annotations'" in str(read_label_file(tmp_path / "b.json")[1][0])


def test_results_go_there_and_back(tmp_path):
    path = tmp_path / "league/match/results_spotting.json"
    spots = {1: [Spot("PASS", 0.52, 0.25), Spot("DRIVE", 0.04, 1.0)], 2: [Spot("PASS", 61.0, 0.011)]}

    write_results(path, "league/match", spots, rate=25.0)

    content = json.loads(path.read_text())
    assert content["UrlLocal"] == "league/match"
    assert content["predictions"][2] == {
        "gameTime": "2 - 01:01",
        "label": "PASS",
        "position": "61000",
        "half": "2",
        "confidence": "0.011000",
    }
    assert read_results(path) == {1: [spots[1][1], spots[1][0]], 2: spots[2]}


def _league(root, *, challenge=True):
    base = root / "spotting-ball-2023" / "league"
    for name in ("b", "a"):
        _write_labels(base / name / "Labels-ball.json", [_entry()])
        for half in (1, 2):
            for resolution in ("224p", "720p"):
                (base / name / f"{half}_{resolution}.mkv").touch()
    if challenge:
        (base / "c").mkdir()
        (base / "c" / "224p.mp4").touch()
    return root


def test_found_matches_are_a_fold_each_and_those_without_labels_the_challenge(tmp_path):
    matches = find_matches(found_ball_task(), _league(tmp_path))

    assert [(match.name, match.fold) for match in matches] == [
        ("league/a", 0),
        ("league/b", 1),
        ("league/c", None),
    ]


def test_the_wanted_rendition_is_taken_and_another_where_it_is_absent(tmp_path):
    matches = find_matches(found_ball_task(), _league(tmp_path))

    assert [(half.number, half.path.name) for half in match_halves(matches[0], "224p")] == [
        (1, "1_224p.mkv"),
        (2, "2_224p.mkv"),
    ]
    assert [half.path.name for half in match_halves(matches[0], "480p")] == ["1_720p.mkv", "2_720p.mkv"]
    assert [(half.number, half.path.name) for half in match_halves(matches[2], "720p")] == [(1, "224p.mp4")]


def test_folds_over_found_matches_may_hold_several(tmp_path):
    task = SpottingTask(name="x", labels=LABELS, folder="spotting-ball-2023", num_folds=2)
    base = tmp_path / "spotting-ball-2023"
    for name in "abcde":
        _write_labels(base / name / "Labels-ball.json", [])
        (base / name / "1_720p.mkv").touch()

    matches = find_matches(task, tmp_path)

    assert [(match.name, match.fold) for match in matches] == [
        ("a", 0),
        ("c", 0),
        ("e", 0),
        ("b", 1),
        ("d", 1),
    ]


def test_a_missing_data_root_says_where_to_get_one(tmp_path):
    with pytest.raises(DataError, match=r"no folder .*spotting-ball-2023 .*bvas data synth"):
        find_matches(found_ball_task(), tmp_path / "nowhere")


def test_an_incomplete_data_root_names_the_first_missing_match(tmp_path):
    with pytest.raises(DataError, match=r"Leeds United.*is missing.*\(6 more"):
        find_matches(ball_task(), _league(tmp_path))


def test_a_match_without_videos_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no video like 1_720p\.mkv"):
        match_halves(Match("m", tmp_path, 0), "720p")


def test_annotations_of_a_match_are_read_from_its_folder(tmp_path):
    matches = find_matches(found_ball_task(), _league(tmp_path))

    halves = annotated_halves(matches[0], found_ball_task())
    assert [(half.number, [a.seconds for a in annotations]) for half, annotations in halves] == [
        (1, [3.12]),
        (2, []),
    ]
