"""`bvas spots score` on files that are written here: what is scored, what is refused, what is said."""

import json
import zipfile

import numpy as np
import pytest

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.evaluation.file_scores import scored_tasks
from bvas.experiment.peak_config import PeakConfig, PeakRule
from bvas.results.tuned_peaks import Postprocessing
from bvas.video.encode.video_writer import VideoWriter

MATCH = "england_efl/2019-2020/2019-10-01 - Leeds United - West Bromwich"
OTHER = "england_efl/2019-2020/2019-10-01 - Hull City - Sheffield Wednesday"


def annotation(seconds, label="PASS", half=1, **more):
    clock = f"{half} - {int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
    return {"gameTime": clock, "label": label, "position": str(round(1000 * seconds)), **more}


def prediction(seconds, label="PASS", half=1, confidence=0.9, **more):
    return {**annotation(seconds, label, half), "half": str(half), "confidence": str(confidence), **more}


def write_match(root, annotations=None, predictions=None, match=MATCH, label_file="Labels-ball.json"):
    for folder, name, key, entries in (
        ("labels", label_file, "annotations", annotations),
        ("predictions", "results_spotting.json", "predictions", predictions),
    ):
        if entries is not None:
            path = root / folder / match / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({key: entries}))


def command(root, *more, predictions="predictions"):
    return [
        *("spots", "score", "--labels", str(root / "labels"), "--predictions", str(root / predictions)),
        *more,
    ]


def score(root, capsys, *more, predictions="predictions"):
    """Return (figures, lines of the table, warnings)."""
    assert main([*command(root, *more, predictions=predictions), "--json", str(root / "out.json")]) == OK
    printed = capsys.readouterr()
    return json.loads((root / "out.json").read_text()), printed.out.splitlines(), printed.err


def refusal(root, capsys, *more, predictions="predictions"):
    """Return the one line that refuses; nothing is printed or written besides."""
    out = root / "out.json"
    assert main([*command(root, *more, predictions=predictions), "--json", str(out)]) == WRONG_INPUT
    printed = capsys.readouterr()
    assert printed.out == ""
    assert not out.exists()
    (line,) = printed.err.splitlines()
    return line


PASSES = [annotation(20.0 * i) for i in range(1, 11)]
FOUND = [prediction(20.0 * i + 0.1) for i in range(1, 9)]
BALL = [*PASSES, annotation(300, "DRIVE")]


def test_hits_misses_timing_and_confusion_stand_beside_the_official_score(tmp_path, capsys):
    found = [
        *FOUND,
        prediction(180, "DRIVE"),
        prediction(300, "DRIVE"),
        prediction(400, "DRIVE", confidence=0.1),
    ]
    write_match(tmp_path, BALL, found)

    figures, lines, _ = score(tmp_path, capsys)

    # Eight of ten passes and one drive of two spots, both of the same confidence.
    assert figures["labels"]["PASS"]["score"] == pytest.approx(9 / 11)
    assert figures["labels"]["DRIVE"]["score"] == pytest.approx(0.5)
    assert figures["exact"]["per_label"] == pytest.approx({"PASS": 0.8, "DRIVE": 0.5})
    shown = figures["at_operating_point"]
    passes = shown["per_label"]["PASS"]
    assert (passes["hits"], passes["misses"], passes["false_alarms"]) == (8, 2, 0)
    assert (passes["precision"], passes["recall"], passes["f1"]) == pytest.approx((1, 0.8, 16 / 18))
    assert shown["confusion"]["counts"] == [[8, 1, 1], [0, 1, 0], [0, 0, 0]]
    assert shown["timing_error"]["median_seconds"] == pytest.approx(0.1)
    assert sum(shown["timing_histogram"]["counts"]) == 9
    assert figures["interval_over_matches"] is None
    assert "missed and spotted as another label: PASS for DRIVE 1" in lines
    assert lines[-1] == f"official mAP@1 {(9 / 11 + 0.5) / 2:.4f}"


def test_a_zip_in_submission_layout_scores_as_the_folder(tmp_path, capsys):
    write_match(tmp_path, BALL, FOUND)
    with zipfile.ZipFile(tmp_path / "submission.zip", "w") as archive:
        archive.write(
            tmp_path / "predictions" / MATCH / "results_spotting.json", f"{MATCH}/results_spotting.json"
        )
        archive.writestr(f"__MACOSX/{MATCH}/._results_spotting.json", b"\0")

    from_zip = score(tmp_path, capsys, predictions="submission.zip")[0]

    assert from_zip == score(tmp_path, capsys)[0]


def test_tolerances_in_seconds_are_half_widths_at_exact_times(tmp_path, capsys):
    write_match(tmp_path, [annotation(10), annotation(20)], [prediction(10.2), prediction(20.5)])

    figures, lines, _ = score(tmp_path, capsys, "--metric", "seconds", "0.1,0.2,0.5")

    # One of two within 0.2 s at precision 1/2 (6 of 11 points); DRIVE, that nobody annotated, counts 0.
    assert figures["score_by_tolerance_seconds"] == pytest.approx(
        {"0.1": 0.0, "0.2": 0.5 * 6 / 11 / 2, "0.5": 0.5}
    )
    assert lines[-1].startswith("mAP 0.2121 (0.0000 within 0.1 s, 0.1364 within 0.2 s, 0.5000 within 0.5 s)")


def test_each_task_has_its_labels_file_metric_and_rate(tmp_path, capsys):
    tasks = scored_tasks()
    assert {name: (len(t.labels), t.label_file, t.metric, t.rate) for name, t in tasks.items()} == {
        "ball": (2, "Labels-ball.json", "at1", 25.0),
        "ball12": (12, "Labels-ball.json", "at1", 25.0),
        "action": (17, "Labels-v2.json", "tight", 2.0),
        "team": (12, "Labels-ball.json", "at1", 25.0),
    }
    assert tasks["action"].labels.names[-3:] == ("Yellow card", "Red card", "Yellow->red card")
    annotations = [annotation(100, "Goal"), annotation(200, "Foul", visibility="not shown")]
    write_match(tmp_path, annotations, [prediction(101, "Goal")], label_file="Labels-v2.json")

    figures, lines, _ = score(tmp_path, capsys, "--task", "action")

    # 2 frames late: beyond the half-widths 0.5 s, at those of 1 s to 2.5 s: (0/2 + 1 + 1 + 1 + 1/2) / 4.
    assert figures["labels"]["Goal"]["visible_score"] == pytest.approx(3.5 / 4)
    assert lines[-1].startswith("official mAP tight 0.0515 (visible 0.0515, not shown 0.0000)")


def test_teams_are_scored_by_side(tmp_path, capsys):
    write_match(
        tmp_path,
        [annotation(10, team="left"), annotation(20, team="right")],
        [prediction(10, team="left"), prediction(20, team="left")],
    )

    figures, lines, _ = score(tmp_path, capsys, "--task", "team")

    # PASS-left has a false alarm as sure as its hit: 1/2; PASS-right is missed; 11 labels have nothing.
    assert figures["labels"]["PASS"]["score"] == pytest.approx(0.25)
    assert figures["score"] == pytest.approx(0.25 / 12)
    assert figures["score_without_sides"] == pytest.approx(1 / 12)
    assert lines[-1] == "official team-mAP@1 0.0208 (regardless of team 0.0833)"


def rules_file(path, labels, **points):
    """Write rules that show each label from its own confidence up."""
    own = {label: PeakRule(operating_point=point) for label, point in points.items()}
    Postprocessing(labels=labels, rate=25.0, peaks=PeakConfig(per_label=own)).save(path)
    return str(path)


def test_each_label_counts_from_its_own_operating_point_of_a_file(tmp_path, capsys):
    write_match(
        tmp_path,
        [annotation(10), annotation(20, "DRIVE")],
        [prediction(10, confidence=0.15), prediction(20, "DRIVE", confidence=0.6)],
    )
    rules = rules_file(tmp_path / "rules.json", ("PASS", "DRIVE"), PASS=0.1, DRIVE=0.7)

    common, _, _ = score(tmp_path, capsys, "--operating-point", "0.2")
    own, _, _ = score(tmp_path, capsys, "--postprocessing", rules)

    def hits(figures):
        return {label: one["hits"] for label, one in figures["at_operating_point"]["per_label"].items()}

    assert hits(common) == {"PASS": 0, "DRIVE": 1}
    assert hits(own) == {"PASS": 1, "DRIVE": 0}
    assert own["score"] == common["score"] == 1.0


def test_operating_points_hold_for_both_teams(tmp_path, capsys):
    write_match(
        tmp_path,
        [annotation(10, team="left"), annotation(20, team="right")],
        [prediction(10, team="left", confidence=0.15), prediction(20, team="right", confidence=0.05)],
    )
    rules = rules_file(tmp_path / "rules.json", scored_tasks()["team"].labels.names, PASS=0.1)

    figures, _, _ = score(tmp_path, capsys, "--task", "team", "--postprocessing", rules)

    shown = figures["at_operating_point"]["per_label"]
    assert {label: one["hits"] for label, one in shown.items() if one["hits"] or one["misses"]} == {
        "PASS-left": 1,
        "PASS-right": 0,
    }


def test_rules_of_other_labels_are_refused(tmp_path, capsys):
    write_match(tmp_path, BALL, FOUND)
    rules = rules_file(tmp_path / "rules.json", ("PASS", "SHOT"))

    assert "is for the labels PASS, SHOT, and these files are about PASS, DRIVE" in refusal(
        tmp_path, capsys, "--postprocessing", rules
    )


def test_three_matches_have_intervals(tmp_path, capsys):
    for number in range(3):
        write_match(tmp_path, BALL, FOUND[: 4 * number], match=f"a/b/{number}")

    figures, lines, _ = score(tmp_path, capsys)

    interval = figures["interval_over_matches"]
    assert interval["low"] < figures["score"] < interval["high"]
    assert (interval["num_matches"], interval["num_resamples"]) == (3, 1000)
    assert set(figures["at_operating_point"]["intervals_over_matches"]) == {"precision", "recall", "f1"}
    assert figures["matches"]["a/b/2"]["hits"] == 8
    assert any(line.startswith("interval of the score") for line in lines)


def test_unknown_labels_and_halves_are_left_out_and_counted(tmp_path, capsys):
    write_match(
        tmp_path,
        [*BALL, annotation(5, "Goal")],
        [*FOUND, prediction(1, "GOAL"), prediction(2, "GOAL"), prediction(3, half=3)],
    )

    figures, _, warnings = score(tmp_path, capsys)

    assert "2 of unknown label 'GOAL' left out, the first in " in warnings
    assert "results_spotting.json, prediction 8\n" in warnings
    assert "1 of unknown label 'Goal' left out" in warnings
    assert "1 of half 3 left out" in warnings
    assert {notice["count"] for notice in figures["notices"]} == {1, 2}
    assert figures["labels"]["PASS"]["score"] == pytest.approx(9 / 11)


def test_predictions_of_matches_without_labels_are_left_out_and_counted(tmp_path, capsys):
    write_match(tmp_path, BALL, FOUND)
    write_match(tmp_path, None, FOUND, match=OTHER)

    figures, _, warnings = score(tmp_path, capsys)

    assert f"1 match with predictions and no labels left out, the first is '{OTHER}'" in warnings
    assert figures["matches_without_labels"] == [OTHER]


def test_a_labelled_match_without_predictions_is_an_error_unless_asked_for(tmp_path, capsys):
    write_match(tmp_path, BALL, FOUND)
    write_match(tmp_path, BALL, None, match=OTHER)
    (tmp_path / "names.txt").write_text(f"{MATCH}\n\n")

    line = refusal(tmp_path, capsys)

    assert f"lacks 1 of 2 labelled matches, the first is '{OTHER}'" in line
    partial, _, warnings = score(tmp_path, capsys, "--partial")
    assert list(partial["matches"]) == [MATCH]
    assert "1 match with labels and no predictions left out" in warnings
    named = score(tmp_path, capsys, "--matches", str(tmp_path / "names.txt"))[0]
    assert named["score"] == partial["score"]


def test_confidences_beyond_one_and_times_beyond_two_hours_are_counted(tmp_path, capsys):
    write_match(tmp_path, BALL, [*FOUND, prediction(7300), prediction(50, confidence=3.5)])

    _, _, warnings = score(tmp_path, capsys)

    assert "1 beyond two hours, taken for the last frame as SoccerNet does" in warnings
    assert "1 confidence outside [0, 1]" in warnings


def test_times_after_the_end_of_a_video_beside_the_labels_are_counted(tmp_path, capsys):
    write_match(tmp_path, [annotation(1), annotation(2)], [prediction(1), prediction(2), prediction(30)])
    with VideoWriter(tmp_path / "labels" / MATCH / "1_224p.mkv", size=(48, 64), rate=25) as writer:
        for _ in range(75):
            writer.write(np.zeros((48, 64), np.uint8))

    _, _, warnings = score(tmp_path, capsys)

    assert "1 prediction after the end of the video (half 1)" in warnings


def in_seconds(entries, factor=1000):
    return [{**entry, "position": str(round(int(entry["position"]) / factor))} for entry in entries]


def without_clock(entries):
    return [{key: value for key, value in entry.items() if key != "gameTime"} for entry in entries]


LATE = [annotation(60.0 * i) for i in range(1, 41)]
LATE_FOUND = [prediction(60.0 * i) for i in range(1, 41)]


@pytest.mark.parametrize(
    ("annotations", "predictions", "message"),
    [
        (
            LATE,
            in_seconds(LATE_FOUND),
            "these are seconds, and positions are milliseconds; multiply",
        ),
        (in_seconds(LATE), LATE_FOUND, "Labels-ball.json: position 60 beside a game time of 60 s"),
        (LATE, in_seconds(LATE_FOUND, 1 / 1000), "these are microseconds"),
        (LATE, without_clock(in_seconds(LATE_FOUND)), "their positions look like seconds"),
        (LATE, without_clock(in_seconds(LATE_FOUND, 1 / 1000)), "their positions look like microseconds"),
        (
            BALL,
            [prediction(1, confidence="nan")],
            "prediction 0: needs 'confidence', a finite number, got 'nan'",
        ),
        (BALL, [prediction(1, confidence="inf")], "a finite number, got 'inf'"),
        (BALL, [{**prediction(1), "position": "-40"}], "position -40 is negative"),
        (BALL, [{**prediction(1), "position": "soon"}], "prediction 0: needs 'position', milliseconds"),
        (BALL, [{"label": "PASS"}], "needs 'position', milliseconds, a whole number, got nothing (2 more)"),
        (BALL, ["PASS"], "prediction 0: must be an object, got 'PASS'"),
        ([{"label": "PASS"}], FOUND, "annotation 0: needs 'gameTime', a game time like '1 - 00:03'"),
    ],
)
def test_what_would_make_a_score_meaningless_is_refused(tmp_path, capsys, annotations, predictions, message):
    write_match(tmp_path, annotations, predictions)

    line = refusal(tmp_path, capsys)

    assert message in line
    assert "results_spotting.json" in line or "Labels-ball.json" in line or "predictions" in line


def test_matches_of_other_paths_are_refused_with_both(tmp_path, capsys):
    write_match(tmp_path, BALL, None, match=f"spotting-ball-2023/{MATCH}")
    write_match(tmp_path, None, FOUND)

    line = refusal(tmp_path, capsys)

    assert f"'spotting-ball-2023/{MATCH}'" in line
    assert "must call a match by the same path" in line


@pytest.mark.parametrize(
    "member", ["../../evil/results_spotting.json", "/etc/results_spotting.json", "a\\..\\b"]
)
def test_a_zip_whose_path_climbs_out_is_refused(tmp_path, capsys, member):
    write_match(tmp_path, BALL, FOUND)
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(f"{MATCH}/results_spotting.json", json.dumps({"predictions": FOUND}))
        archive.writestr(member, "{}")

    assert "a path that leads out of it" in refusal(tmp_path, capsys, predictions="bad.zip")


def test_files_that_are_no_submission_are_refused(tmp_path, capsys):
    write_match(tmp_path, BALL, FOUND)
    (tmp_path / "text.zip").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "broken.zip", "w") as archive:
        archive.writestr(f"{MATCH}/results_spotting.json", "{")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass

    assert "neither a folder nor a zip" in refusal(tmp_path, capsys, predictions="text.zip")
    assert "is not JSON" in refusal(tmp_path, capsys, predictions="broken.zip")
    assert "no results_spotting.json below" in refusal(tmp_path, capsys, predictions="empty.zip")
    assert "no folder or zip" in refusal(tmp_path, capsys, predictions="nowhere")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["at9"], "unknown metric 'at9'; known are at1"),
        (["at1", "0.5"], "unknown metric 'at1 0.5'"),
        (["seconds"], "needs tolerances"),
        (["seconds", "0.2,-1"], "tolerances must be positive"),
        (["seconds", "soon"], "tolerances must be seconds"),
    ],
)
def test_a_metric_that_is_none_is_refused(tmp_path, capsys, words, message):
    write_match(tmp_path, BALL, FOUND)

    assert message in refusal(tmp_path, capsys, "--metric", *words)


@pytest.mark.parametrize(
    ("team", "message"),
    [(None, "names the team None"), ("home", "names the team 'home'; the labels name left")],
)
def test_the_team_score_needs_a_team_of_the_labels_everywhere(tmp_path, capsys, team, message):
    more = {} if team is None else {"team": team}
    write_match(tmp_path, [annotation(10, team="left")], [prediction(10, **more)])

    assert message in refusal(tmp_path, capsys, "--task", "team")
