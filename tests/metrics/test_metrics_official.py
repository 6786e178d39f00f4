"""The official scores: hand-checkable figures, and equality with the `SoccerNet` package on real files."""

import json
import random
import zipfile

import pytest
from official_package import assert_equal_scores, both_scores, event, prediction, write_zips

from bvas.errors import ConfigError
from bvas.evaluation.file_scores import score_files
from bvas.evaluation.scored_files import ScoredTask
from bvas.metrics.official import full_widths_seconds, official_scores, tolerance_of
from bvas.values.annotations import Annotation, LabelSet, Spot

BALL = LabelSet(("PASS", "DRIVE"))
METRICS = ["at1", "at2", "at3", "at4", "at5", "tight", "loose"]
ACTION = LabelSet(
    (
        "Penalty",
        "Kick-off",
        "Goal",
        "Substitution",
        "Offside",
        "Shots on target",
        "Shots off target",
        "Clearance",
        "Ball out of play",
        "Throw-in",
        "Foul",
        "Indirect free-kick",
        "Direct free-kick",
        "Corner",
        "Yellow card",
        "Red card",
        "Yellow->red card",
    )
)
FOOTPASS = {1: "DRIVE", 2: "PASS", 3: "CROSS", 4: "THROW IN", 5: "SHOT", 6: "HEADER", 7: "TACKLE", 8: "BLOCK"}
FOOTPASS_LABELS = LabelSet(tuple(FOOTPASS.values()))


def seconds_of_frame(frame: int) -> float:
    """A time in milliseconds, as files hold it, that `int(25 * seconds)` brings back to the frame."""
    return (40 * frame + 1) / 1000


def shifted_score(shift_frames: int) -> float:
    """mAP@1 where 200 actions, 100 frames apart, are all spotted the same number of frames late."""
    frames = range(50, 20050, 100)
    annotations = [Annotation("PASS", seconds_of_frame(f)) for f in frames]
    spots = [Spot("PASS", seconds_of_frame(f + shift_frames), 0.9) for f in frames]
    return official_scores([annotations], [spots], LabelSet(("PASS",))).mean


@pytest.mark.parametrize(("shift_frames", "score"), [(0, 1.0), (12, 1.0), (-12, 1.0), (13, 0.0), (-13, 0.0)])
def test_at1_accepts_twelve_frames_at_25_per_second_and_not_thirteen(shift_frames, score):
    assert shifted_score(shift_frames) == score


def test_the_delta_of_soccernet_is_twice_our_tolerance():
    assert tolerance_of(1) == 0.5
    assert tolerance_of(60) == 30.0


def test_tight_is_one_to_five_seconds_and_loose_five_to_sixty():
    assert full_widths_seconds("at3") == (3,)
    assert full_widths_seconds("tight") == (1, 2, 3, 4, 5)
    assert full_widths_seconds("loose") == (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60)


def test_tight_weighs_the_outer_widths_half():
    # 1.9 s late: outside 1 s, 2 s and 3 s of width, inside 4 s and 5 s: (0/2 + 0 + 0 + 1 + 1/2) / 4.
    scores = official_scores(
        [[Annotation("PASS", 10.0)]], [[Spot("PASS", 11.9, 0.5)]], LabelSet(("PASS",)), metric="tight"
    )
    assert scores.mean == pytest.approx(1.5 / 4, abs=1e-12)


def test_a_time_becomes_a_frame_by_rounding_a_float_product_down():
    # 25 * 1.16 is 28.999999999999996: frame 28, so 41 lies 13 frames away, beyond the 12.5.
    annotations = [[Annotation("PASS", 1.16)]]
    assert official_scores(annotations, [[Spot("PASS", 1.641, 1.0)]], BALL).per_label["PASS"] == 0.0
    assert official_scores(annotations, [[Spot("PASS", 1.601, 1.0)]], BALL).per_label["PASS"] == 1.0


def test_of_two_events_on_one_frame_the_later_in_the_file_stays():
    annotations = [[Annotation("PASS", 2.0)]]
    spots = [[Spot("PASS", 2.0, 0.9), Spot("PASS", 2.001, 0.4), Spot("PASS", 50.0, 0.6)]]
    # The hit now holds 0.4, below the false alarm: precision 1/2 at every recall.
    assert official_scores(annotations, spots, LabelSet(("PASS",))).mean == pytest.approx(0.5, abs=1e-12)


def test_times_beyond_two_hours_fall_on_the_last_frame():
    annotations = [[Annotation("PASS", 7300.0)]]
    spots = [[Spot("PASS", 9000.0, 0.9)]]
    assert official_scores(annotations, spots, LabelSet(("PASS",))).mean == 1.0


def test_a_label_without_annotations_counts_zero_in_the_mean():
    scores = official_scores([[Annotation("PASS", 2.0)]], [[Spot("PASS", 2.0, 0.9)]], BALL)
    assert scores.per_label == {"PASS": 1.0, "DRIVE": 0.0}
    assert scores.mean == 0.5


def test_a_spot_does_not_answer_an_annotation_of_another_video():
    annotations = [[Annotation("PASS", 7199.9)], []]
    spots = [[], [Spot("PASS", 0.0, 0.9)]]
    assert official_scores(annotations, spots, BALL, metric="loose").mean == 0.0


def test_a_recall_below_one_caps_a_perfect_label_at_ten_elevenths():
    annotations = [[Annotation("PASS", float(10 * i)) for i in range(20)]]
    spots = [[Spot("PASS", float(10 * i), 0.9) for i in range(19)]]
    assert official_scores(annotations, spots, LabelSet(("PASS",))).mean == pytest.approx(10 / 11, abs=1e-12)


def test_visible_and_unshown_figures_take_the_spots_nearest_to_such_annotations():
    annotations = [[Annotation("PASS", 10.0), Annotation("PASS", 20.0, visible=False)]]
    spots = [[Spot("PASS", 10.0, 0.9), Spot("PASS", 16.0, 0.9)]]  # 16 lies nearer to the unshown one
    scores = official_scores(annotations, spots, LabelSet(("PASS",)))
    assert (scores.visible_mean, scores.unshown_mean) == (1.0, 0.0)


def test_no_videos_score_zero():
    assert official_scores([], [], BALL).mean == 0.0


def test_a_missing_video_is_refused_and_not_paired_with_another():
    with pytest.raises(ConfigError, match="annotations of 2 videos and spots of 1"):
        official_scores([[], []], [[]], BALL)


def test_an_unknown_metric_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="'at9'; use one of at1"):
        official_scores([], [], BALL, metric="at9")


# ---- equality with the package -------------------------------------------------------------------


def netvlad_matches(shared_data, start, stop):
    """Real results files, and annotations made from their surest predictions.

    The ground truth is not among the data, so each prediction of at least 0.3 becomes an
    annotation with a chance of 80 %, up to 1.5 s away, one in ten of them not shown, and one
    in ten twice: the second up to a second later, shown or not.
    """
    draw = random.Random(5 + start)
    matches = []
    with zipfile.ZipFile(shared_data / "spots" / "NETVLAD_v2_results_spotting_test.zip") as archive:
        for name in sorted(archive.namelist())[start:stop]:
            results = json.loads(archive.read(name))["predictions"]
            labels = []
            for result in results:
                if float(result["confidence"]) >= 0.3 and draw.random() < 0.8:
                    position = max(0, int(result["position"]) + round(draw.gauss(0, 500)))
                    for later in (0, draw.randrange(1000))[: 2 if draw.random() < 0.1 else 1]:
                        visibility = "not shown" if draw.random() < 0.1 else "visible"
                        labels.append(event(result["half"], result["label"], position + later, visibility))
            matches.append((name.removesuffix("/results_spotting.json"), labels, results))
    return matches


def footpass_matches(shared_data, system):
    truth = json.loads((shared_data / "spots" / "playbyplay_val.json").read_text())["events"]
    found = json.loads((shared_data / "spots" / f"playbyplay_{system}_val.json").read_text())["events"]
    matches = []
    for half, events in truth.items():
        labels = [event("1", FOOTPASS[e[3]], 40 * e[0]) for e in events]
        results = [prediction("1", FOOTPASS[e[3]], 40 * e[0], e[4]) for e in found[half] if e[3] in FOOTPASS]
        matches.append((f"league/season/{half}", labels, results))
    return matches


@pytest.mark.parametrize(
    ("system", "metric"), [("TAAD", "at1"), ("TAAD", "loose"), ("DST", "at1"), ("DST", "tight")]
)
def test_real_ball_actions_score_as_the_package_scores_them(package, shared_data, tmp_path, system, metric):
    matches = footpass_matches(shared_data, system)[: 1 if metric == "loose" else 2]

    ours, theirs = both_scores(package, tmp_path, matches, FOOTPASS_LABELS, metric, 25)

    assert ours.mean > 0.02
    assert_equal_scores(ours, theirs, FOOTPASS_LABELS)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [2, 25])
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("system", ["TAAD", "DST"])
def test_all_real_ball_actions_score_so_by_every_metric(package, shared_data, tmp_path, system, metric, rate):
    matches = footpass_matches(shared_data, system)

    ours, theirs = both_scores(package, tmp_path, matches, FOOTPASS_LABELS, metric, rate)

    assert_equal_scores(ours, theirs, FOOTPASS_LABELS)


@pytest.mark.parametrize(
    ("metric", "rate", "num_matches"), [("at1", 25, 2), ("at5", 25, 1), ("loose", 2, 2), ("tight", 2, 2)]
)
def test_real_results_files_score_as_the_package_scores_them(
    package, shared_data, tmp_path, metric, rate, num_matches
):
    matches = netvlad_matches(shared_data, 0, num_matches)

    ours, theirs = both_scores(package, tmp_path, matches, ACTION, metric, rate)

    assert ours.unshown_mean > 0.02
    assert_equal_scores(ours, theirs, ACTION)


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_all_hundred_real_results_files_together_score_so_at_2_frames_per_second(
    package, shared_data, tmp_path, metric
):
    ours, theirs = both_scores(package, tmp_path, netvlad_matches(shared_data, 0, 100), ACTION, metric, 2)

    assert_equal_scores(ours, theirs, ACTION)


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_all_hundred_real_results_files_score_so_at_25_frames_per_second(
    package, shared_data, tmp_path, metric
):
    # In groups, since the package holds 150 MB a match.
    for start in range(0, 100, 10):
        matches = netvlad_matches(shared_data, start, start + 10)
        ours, theirs = both_scores(package, tmp_path, matches, ACTION, metric, 25)
        assert_equal_scores(ours, theirs, ACTION)


@pytest.mark.parametrize("shift_frames", [11, 12, 13])
def test_shifted_real_annotations_score_as_measured_with_the_package(shared_data, tmp_path, shift_frames):
    """Files in whole milliseconds: a shift of 12 frames loses some to rounding down, 13 nearly all."""
    matches = [
        (
            name,
            labels,
            [
                {**e, "half": "1", "position": str(int(e["position"]) + 40 * shift_frames), "confidence": "1"}
                for e in labels
            ],
        )
        for name, labels, _ in footpass_matches(shared_data, "TAAD")
    ]
    present = LabelSet(
        tuple(label for label in FOOTPASS_LABELS if any(e["label"] == label for m in matches for e in m[1]))
    )

    truth, found = write_zips(tmp_path, matches)
    task = ScoredTask(labels=present, label_file="Labels.json", metric="at1", rate=25)
    score = score_files(truth, found, task).sheet.official.mean

    low, high = {11: (1.0, 1.0), 12: (0.8, 0.999), 13: (0.0, 0.03)}[shift_frames]
    assert low <= score <= high
