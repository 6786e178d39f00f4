"""bvas spots pictures: what is drawn of predictions against labels, and what is refused."""

import json

import cv2
import numpy as np
import pytest
from report_samples import shown_video
from video_samples import make_video

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.experiment.peak_config import PeakConfig, PeakRule
from bvas.metrics.analysis import match_spots
from bvas.report import palette
from bvas.report.score_plots import precision_recall_png, timing_png
from bvas.report.worst_events import WorstEvent, worst_events, worst_sheet
from bvas.results.store import RESULTS_NAME, save_curve, write_results
from bvas.results.tuned_peaks import Postprocessing
from bvas.values.annotations import Annotation, LabelSet, Spot
from bvas.values.score_curve import ScoreCurve
from bvas.video.encode.video_writer import VideoWriter

BALL = LabelSet(("PASS", "DRIVE"))
POINTS = dict.fromkeys(BALL, 0.2)
MATCH = "league/2019/a match"
ANNOTATIONS = [Annotation("PASS", 0.4), Annotation("DRIVE", 1.2), Annotation("PASS", 1.8)]
SPOTS = [Spot("PASS", 0.44, 0.9), Spot("PASS", 1.2, 0.7), Spot("DRIVE", 1.64, 0.1), Spot("DRIVE", 0.4, 0.3)]


def picture_of(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def has_color(picture, color):
    return bool((np.abs(picture.astype(int) - palette.rgb(color)).max(axis=2) < 12).sum() > 20)


def pictures(*arguments):
    return main(["spots", "pictures", *map(str, arguments), "--quiet"])


def report(spots=SPOTS, annotations=ANNOTATIONS):
    return shown_video(
        "a match, half 1", spots, BALL, duration_seconds=2.0, operating_point=0.2, annotations=annotations
    )


@pytest.fixture
def league(tmp_path):
    """Labels with their video, and predictions with a score curve."""
    labels, predictions = tmp_path / "labels", tmp_path / "predictions"
    (labels / MATCH).mkdir(parents=True)
    entries = [
        {"gameTime": "1 - 00:00", "label": a.label, "position": str(round(a.seconds * 1000))}
        for a in ANNOTATIONS
    ]
    (labels / MATCH / "Labels-ball.json").write_text(json.dumps({"annotations": entries}))
    make_video(labels / MATCH / "1_224p.mkv", num_frames=50)
    (predictions / MATCH).mkdir(parents=True)
    write_results(predictions / MATCH / RESULTS_NAME, MATCH, {1: SPOTS}, rate=25)
    curve = ScoreCurve(np.full((50, 2), 0.5, np.float32), np.arange(50) / 25, BALL.names)
    save_curve(curve, predictions / MATCH / "1_224p_scores.npz")
    return labels, predictions


def test_the_worst_are_misses_with_nothing_near_and_confident_false_alarms():
    events = worst_events([report()], BALL, tolerance_seconds=0.5, most=1)

    assert [(e.kind, e.label, e.seconds, e.confidence) for e in events] == [
        ("miss", "PASS", 1.8, 0.0),
        ("false alarm", "PASS", 1.2, 0.7),
    ]
    assert events[0].near == "near it: DRIVE 0.10 at -0.16 s"
    assert events[1].near == "nearest annotation: DRIVE at +0.00 s"


def test_a_miss_is_ranked_by_the_best_candidate_of_its_label_that_no_other_has():
    events = worst_events([report()], BALL, tolerance_seconds=0.5, most=9)

    assert [(e.label, e.confidence) for e in events if e.kind == "miss"] == [("PASS", 0.0), ("DRIVE", 0.1)]
    assert [e.confidence for e in events if e.kind == "false alarm"] == [0.7, 0.3]


def test_the_sheet_shows_the_frames_around_each_and_gray_where_there_are_none():
    video = report()
    event = WorstEvent("false alarm", 0, "PASS", 1.2, 0.7, near="")
    frames = np.full((5, 144, 256, 3), (17, 40, 90), np.uint8)

    sheet = worst_sheet([event, event], [frames, None], [video], heading="worst")

    assert (sheet == (17, 40, 90)).all(axis=2).sum() > 4 * 144 * 256
    assert (sheet == 200).all(axis=2).sum() > 4 * 144 * 256 * 0.9
    assert has_color(sheet, palette.FALSE_ALARM)


def test_a_sheet_without_events_says_so():
    assert worst_sheet([], [], [], heading="worst").shape[0] > 50


def test_precision_recall_has_a_panel_for_each_label_that_occurs():
    many = LabelSet(tuple(f"L{number}" for number in range(12)))
    annotations = [Annotation(f"L{number}", 1.0) for number in range(6)]
    ranking = match_spots(annotations, [Spot("L0", 1.0, 0.9)], many)
    options = {"operating_points": dict.fromkeys(many, 0.2) | POINTS, "tolerance_seconds": 0.5}

    few = picture_of(precision_recall_png([match_spots(ANNOTATIONS, SPOTS, BALL)], BALL, **options))
    six = picture_of(precision_recall_png([ranking], many, **options))

    # Six panels are two rows of at most four; two are one.
    assert six.shape[0] > 1.6 * few.shape[0]
    assert has_color(few, palette.MISS)


@pytest.mark.parametrize(("annotations", "spots"), [([], []), (ANNOTATIONS, []), ([], SPOTS)])
def test_pictures_without_annotations_or_spots_are_drawn(annotations, spots):
    def drawn(matching):
        options = {"tolerance_seconds": 0.5}
        return (
            picture_of(precision_recall_png([matching], BALL, operating_points=POINTS, **options)),
            picture_of(timing_png([matching], BALL, **options)),
        )

    curves, timing = drawn(match_spots(annotations, spots, BALL))
    full_curves, full_timing = drawn(match_spots(ANNOTATIONS, SPOTS, BALL))

    # Without a hit there is no bar.
    assert (has_color(timing, palette.HIT), has_color(full_timing, palette.HIT)) == (False, True)
    # Without a spot there is no curve, and no dot on it.
    assert (has_color(curves, palette.MISS), has_color(full_curves, palette.MISS)) == (bool(spots), True)
    assert curves.shape == full_curves.shape


def test_late_hits_stand_on_the_right():
    late = [Annotation("PASS", float(number)) for number in range(9)]
    matching = match_spots(late, [Spot("PASS", number + 0.3, 0.9) for number in range(9)], BALL)

    picture = picture_of(timing_png([matching], BALL, tolerance_seconds=0.5))

    blue = (np.abs(picture.astype(int) - palette.rgb(palette.HIT)).max(axis=2) < 12).any(axis=0)
    panel = np.flatnonzero((picture < 250).any(axis=2).any(axis=0))
    assert np.flatnonzero(blue).mean() > (panel[0] + panel[-1]) / 2 * 0.9


def test_all_pictures_of_files_are_written(tmp_path, league, capsys):
    labels, predictions = league

    assert pictures("--labels", labels, "--predictions", predictions, "--out", tmp_path / "p") == OK

    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == [
        "a_match_1_timeline.png",
        "precision_recall.png",
        "timing.png",
        "worst.png",
    ]
    sheet = cv2.imread(str(tmp_path / "p" / "worst.png"))
    # The frames are those of the video: black and white bars over a texture.
    assert (sheet > 250).all(axis=2).any()
    assert "4 pictures in" in capsys.readouterr().out


def test_the_worst_events_are_shown_in_the_colors_of_the_video(tmp_path, league):
    labels, predictions = league
    video = labels / MATCH / "1_224p.mkv"
    with VideoWriter(video, size=(48, 64), rate=25, crf=1) as writer:
        for _ in range(200):
            writer.write(np.full((48, 64, 3), (200, 40, 90), np.uint8))

    assert (
        pictures(*("--labels", labels, "--predictions", predictions, "--out", tmp_path, "--only", "worst"))
        == OK
    )

    sheet = cv2.imread(str(tmp_path / "worst.png"))[..., ::-1].astype(int)
    assert (np.abs(sheet - (200, 40, 90)).max(axis=2) < 6).sum() > 5 * 100 * 256


def test_pictures_show_what_tuned_rules_show(tmp_path, league):
    labels, predictions = league
    rules = {"DRIVE": PeakRule(operating_point=0.97)}
    tuned = Postprocessing(labels=BALL.names, rate=25.0, peaks=PeakConfig(per_label=rules))
    tuned.save(tmp_path / "rules.json")
    arguments = ["--labels", labels, "--predictions", predictions, "--only", "timeline"]

    assert pictures(*arguments, "--out", tmp_path / "common") == OK
    assert pictures(*arguments, "--out", tmp_path / "own", "--postprocessing", tmp_path / "rules.json") == OK

    def red(folder):
        picture = cv2.imread(str(tmp_path / folder / "a_match_1_timeline.png"))[..., ::-1].astype(int)
        return int((np.abs(picture - palette.rgb(palette.FALSE_ALARM)).max(axis=2) < 12).sum())

    assert red("own") < red("common")


def test_without_videos_there_is_no_sheet_and_it_is_said(tmp_path, league, capsys):
    labels, predictions = league
    (labels / MATCH / "1_224p.mkv").unlink()
    assert pictures("--labels", labels, "--predictions", predictions, "--out", tmp_path / "p") == OK
    assert not (tmp_path / "p" / "worst.png").exists()
    assert "the sheet of the worst events is left out" in capsys.readouterr().err


def test_pictures_that_are_there_are_kept(tmp_path, league, capsys):
    labels, predictions = league
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "timing.png").write_text("old")
    arguments = ["--labels", labels, "--predictions", predictions, "--out", tmp_path / "p"]

    assert pictures(*arguments) == WRONG_INPUT

    assert "timing.png exists already; --overwrite replaces it" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "p").iterdir()] == ["timing.png"]
    assert pictures(*arguments, "--only", "timing", "--overwrite") == OK
    assert [path.name for path in (tmp_path / "p").iterdir()] == ["timing.png"]


def test_predictions_without_labels_and_unknown_labels_are_counted(tmp_path, league, capsys):
    labels, predictions = league
    other = predictions / "league" / "2019" / "another"
    other.mkdir()
    write_results(other / RESULTS_NAME, "another", {1: SPOTS}, rate=25)
    write_results(predictions / MATCH / RESULTS_NAME, MATCH, {1: [*SPOTS, Spot("KICK", 1.0, 0.5)]}, rate=25)

    assert (
        pictures(
            "--labels", labels, "--predictions", predictions, "--out", tmp_path / "p", "--only", "timing"
        )
        == OK
    )

    said = capsys.readouterr().err
    assert "1 match with predictions and no labels left out, the first is 'league/2019/another'" in said
    assert "of unknown label 'KICK' left out" in said


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--operating-point", "2"], "the operating point must lie in [0, 1], got 2"),
        (["--tolerance", "0"], "tolerance_seconds must be positive, got 0"),
        (["--worst", "0"], "num_worst must be at least 1, got 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path, league, capsys, options, expected):
    labels, predictions = league
    assert (
        pictures("--labels", labels, "--predictions", predictions, "--out", tmp_path / "p", *options)
        == WRONG_INPUT
    )
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "p").exists()


def test_a_confidence_that_is_no_number_leaves_no_picture(tmp_path, league, capsys):
    labels, predictions = league
    path = predictions / MATCH / RESULTS_NAME
    content = json.loads(path.read_text())
    content["predictions"][0]["confidence"] = "nan"
    path.write_text(json.dumps(content))
    assert pictures("--labels", labels, "--predictions", predictions, "--out", tmp_path / "p") == WRONG_INPUT
    assert "needs 'confidence', a finite number, got 'nan'" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()
