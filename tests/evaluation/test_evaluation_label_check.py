"""bvas experiment suspects: from files of predictions and labels to a ranking and its page."""

import json

import numpy as np
import pytest
from task_videos import match, write_dataset, write_video

from bvas.cli import main
from bvas.data.matches import find_matches
from bvas.evaluation.label_check import curve_support, spot_support
from bvas.experiment.experiment import load_experiment
from bvas.results.store import RESULTS_NAME, write_results
from bvas.values.annotations import Annotation, LabelSet, Spot
from bvas.values.score_curve import ScoreCurve

BALL = LabelSet(("PASS", "DRIVE"), merged={"LONG PASS": "PASS"})

CONFIG = '''
"""Labels to check."""
from dataclasses import replace
from bvas.experiment.experiment import load_experiment
from bvas.data.spotting_task import dataset_task

def experiment():
    demo = load_experiment("demo")
    return replace(demo, task=dataset_task(("PASS", "DRIVE")), peaks=replace(demo.peaks, operating_point=0.2))
'''


def test_the_support_is_the_highest_score_of_the_label_within_the_tolerance():
    scores = np.zeros((100, 2), np.float32)
    scores[[30, 38, 63, 64], 0] = 0.3, 0.4, 0.5, 0.9
    scores[50, 1] = 1.0
    curve = ScoreCurve(scores, np.arange(100) / 25, BALL.names)
    # Half a second is 12.5 rows: of row 50, those from 38 to 62.
    assert curve_support(Annotation("PASS", 2.0), curve, BALL, 0.5) == np.float32(0.4)
    assert curve_support(Annotation("LONG PASS", 2.02), curve, BALL, 0.5) == np.float32(0.5)
    scores[38:60] = np.nan
    assert curve_support(Annotation("PASS", 2.0), curve, BALL, 0.5) == 0
    scores[30:70] = np.nan
    assert curve_support(Annotation("PASS", 2.0), curve, BALL, 0.5) is None


def test_without_a_curve_candidates_support():
    spots = [
        Spot("PASS", 2.5, 0.3),
        Spot("LONG PASS", 1.5, 0.4),
        Spot("PASS", 2.6, 0.9),
        Spot("DRIVE", 2.0, 0.9),
    ]
    assert spot_support(Annotation("PASS", 2.0), spots, BALL, 0.5) == 0.4
    assert spot_support(Annotation("PASS", 9.0), spots, BALL, 0.5) == 0.0


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """Two matches of twelve seconds; in the first a drive is annotated as a pass, in the second a drive is missing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "mine.py").write_text(CONFIG)
    true = [(1.0, "PASS"), (4.0, "DRIVE"), (7.0, "PASS"), (10.0, "DRIVE")]
    first = [(1.0, "PASS"), (4.0, "PASS"), (7.0, "PASS"), (10.0, "DRIVE")]

    def listed(events, **more):
        return [{"label": label, "seconds": seconds, **more} for seconds, label in events]

    unshown = listed([(11.5, "PASS")], visible=False)
    write_dataset(
        tmp_path / "data",
        [match("one", listed(first), fold=0), match("two", listed(true[:3]) + unshown, fold=1)],
    )
    for name in ("one", "two"):
        write_video(tmp_path / "data" / f"{name}.mp4", 300)
    experiment = load_experiment("mine")
    for found in find_matches(experiment.task, tmp_path / "data"):
        spots = [Spot(label, seconds, 0.8) for seconds, label in true]
        path = tmp_path / "runs/mine/predictions/cv" / found.name / RESULTS_NAME
        write_results(path, found.name, {1: spots}, rate=25.0)
    return tmp_path


def data_of(page):
    text = page.read_text("utf-8")
    start = text.index('id="data">') + len('id="data">')
    return json.loads(text[start : text.index("</script>", start)])


def test_suspects_are_a_table_a_file_and_first_in_the_page(workplace, capsys):
    assert main(["experiment", "suspects", "mine", "--quiet"]) == 0

    lines = capsys.readouterr().out.splitlines()
    # Two of four drives are right at 0.8. Passes usually have 0.8 and this one 0: 1 - 0.2 * (1 - 0.4).
    assert lines[0] == "2 suspects among 8 annotations and the spots beside them"
    assert lines[2].split() == [
        "1",
        "0.88",
        "one",
        "1",
        "00:04.00",
        *"PASS 0.00 DRIVE 0.80 +0.00 s other label".split(),
    ]
    assert lines[3].split() == ["2", "0.40", "two", "1", "00:10.00", *"DRIVE 0.80 no annotation".split()]
    assert lines[4] == "annotations not judged: 1 of actions that are not shown"

    content = json.loads((workplace / "runs/mine/suspects.json").read_text())
    assert content["annotations"] == 8
    assert content["not_judged"] == {"unshown": 1, "in_gaps": 0}
    first, second = content["suspects"]
    assert (first["rank"], first["match"], first["half"], first["seconds"]) == (1, "one", 1, 4.0)
    assert first["annotation"] == {"label": "PASS", "seconds": 4.0, "support": 0.0, "usual_support": 0.8}
    assert first["spot"] == {"label": "DRIVE", "seconds": 4.0, "confidence": 0.8, "trust": 0.5}
    assert (second["kind"], second["annotation"], second["suspicion"]) == (
        "no annotation",
        None,
        pytest.approx(0.4),
    )

    data = data_of(workplace / "runs/mine/report/index.html")
    assert data["begins_with_suspects"] is True
    assert [video["suspects"]["rank"] for video in data["videos"]] == [[1], [2]]
    assert [video["suspects"]["annotation"] for video in data["videos"]] == [[1], [None]]
    assert [video["suspects"]["spot"] for video in data["videos"]] == [[1], [3]]


def test_the_report_has_them_too_and_matches_are_chosen_by_name(workplace, capsys):
    assert main(["report", "mine", "--match", "TWO", "--quiet"]) == 0
    data = data_of(workplace / "runs/mine/report/index.html")
    assert data["begins_with_suspects"] is False
    assert [video["name"] for video in data["videos"]] == ["two, half 1"]
    assert data["videos"][0]["suspects"]["kind"] == ["no annotation"]
    assert (
        main(["experiment", "suspects", "mine", "--match", "two", "--no-page", "--top", "0", "--quiet"]) == 0
    )
    assert capsys.readouterr().out.splitlines()[-3].startswith("1 suspect among 4")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["suspects", "no_such"], "no experiment named 'no_such'"),
        (["suspects", "mine", "--match", "three"], "no match is called 'three'; there are 2: one; two"),
        (["suspects", "mine", "--top", "-1"], "--top is a number of lines, got -1"),
        (["suspects", "demo"], "no folder data/spotting-ball-2023"),
    ],
)
def test_wrong_use_is_one_line(workplace, capsys, command, message):
    assert main(["experiment", *command, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (workplace / "runs/mine/suspects.json").exists()
