import json
import re
from contextlib import nullcontext
from dataclasses import replace

import cv2
import numpy as np
import pytest
from browser_page import opened
from class_samples import LABELS, bars_experiment, write_bars

from bvas import cli
from bvas.data.matches import find_matches
from bvas.evaluation.class_evaluation import ClassEvaluation
from bvas.metrics.class_scores import classification_scores
from bvas.report.class_examples import class_examples
from bvas.report.class_page import class_page_data, class_report, write_class_folder
from bvas.report.class_pictures import write_class_pictures
from bvas.report.confusion_plot import confusion_png, most_confused
from bvas.report.example_clips import sample_frames, write_example
from bvas.report.history_plot import history_png
from bvas.report.moving_sheet import write_moving_sheet
from bvas.results.sample_predictions import SamplePredictions
from bvas.tasks.clip import ClipKind
from bvas.video.decode.open_video import open_video
from bvas.video.index.video_index import build_index


def predictions(truth, scores, labels=LABELS, names=None):
    scores = np.array(scores, np.float32)
    return SamplePredictions(
        labels=tuple(labels),
        names=tuple(names or (f"s{number}" for number in range(len(truth)))),
        groups=tuple(f"g{number % 3}" for number in range(len(truth))),
        sides=("test",) * len(truth),
        folds=np.zeros(len(truth), np.int64),
        truth=np.array(truth, np.int64),
        scores=scores,
        made_with={},
    )


def evaluation_of(found):
    scores = classification_scores(found.truth, found.scores, found.labels, found.groups)
    return ClassEvaluation(predictions=found, scores=scores, folds={})


def picture_of(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """Samples of a data root by name."""
    root = write_bars(tmp_path_factory.mktemp("bars"), num_groups=4)
    experiment = bars_experiment()
    videos = ClipKind(experiment).sample_videos(find_matches(experiment.task, root))
    return {video.name: video for video in videos}


def test_the_surest_examples_come_first():
    found = predictions([0, 0, 0, 0, 1], [[0.7, 0.3], [0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.5, 0.5]])

    left, right = class_examples(found, most=8)

    assert [one.name for one in left.right] == ["s1", "s0"]
    assert [(one.name, round(one.confidence, 2)) for one in left.wrong] == [("s3", 0.8), ("s2", 0.6)]
    assert left.wrong[0].true_confidence == pytest.approx(0.2)
    # Of equal probabilities the first class is the predicted one.
    assert (right.num_right, right.num_wrong, right.wrong[0].predicted) == (0, 1, 0)


def test_wrong_examples_are_shared_among_the_pairs_by_their_counts():
    # Of class 0, 30 are taken for 1, 4 for 2 and 3 for 3.
    taken = [1] * 30 + [2] * 4 + [3] * 3
    scores = np.full((37, 4), 0.1)
    scores[np.arange(37), taken] = 0.7

    found = class_examples(predictions([0] * 37, scores, "abcd"), most=8)[0]

    counts = [sum(one.predicted == label for one in found.wrong) for label in (1, 2, 3)]
    # Quotients: 30, 10, 6, 4.3, 4, 3.3, 3, 2.7.
    assert (found.num_wrong, counts) == (37, [6, 1, 1])


def test_of_many_classes_the_most_confused_are_drawn():
    matrix = np.diag([5] * 30)
    matrix[28, 29] = 4
    matrix[3, 28] = 1

    assert most_confused(matrix, 3) == [3, 28, 29]
    assert most_confused(matrix[:3, :3], 3) == [0, 1, 2]
    # Of 30 classes 25 are drawn, and a column of the others; of 5, 5.
    names = [f"c{number}" for number in range(30)]
    large = picture_of(confusion_png([("", matrix)], names, heading="30")).shape
    small = picture_of(confusion_png([("", matrix[:5, :5])], names[:5], heading="5")).shape
    assert large[0] - small[0] == pytest.approx(20 * 0.46 * 110, abs=20)


def test_two_matrices_stand_beside_each_other_and_a_class_may_have_no_sample():
    matrix = np.array([[3, 1], [0, 0]])
    one, two = (
        picture_of(confusion_png([("training", matrix)] * number, LABELS, heading="h")).shape
        for number in (1, 2)
    )
    assert one[0] == two[0]
    assert two[1] > 1.2 * two[0] > 0


def test_curves_have_a_panel_for_each_figure():
    row = {"train_loss": 1.0, "val_loss": 2.0, "learning_rate": 0.1, "seconds": 1.0, "waiting_share": 0.0}
    few = picture_of(history_png([row, row], heading="run", best=1))
    more = {f"val_{name}": 0.5 for name in ("accuracy", "macro_f1")}
    many = picture_of(history_png([row | more], heading="run", best=None))
    # Loss and rate in one row; four panels take two.
    assert many.shape[0] > 1.5 * few.shape[0]


def test_an_example_holds_the_frames_of_its_range_only(bars, tmp_path):
    video = next(iter(bars.values()))
    part = replace(video, ranges=np.array([[2, 5, 0]]))

    write_example(part, tmp_path / "part.mp4")

    index, info = build_index(tmp_path / "part.mp4")
    assert (index.num_frames, float(index.rate), info.height, info.width) == (3, 10.0, 32, 48)
    with open_video(video.path) as source, open_video(tmp_path / "part.mp4") as copy:
        # Full-range RGB on the way costs a few levels.
        difference = source.read([2, 3, 4]).float() - copy.read([0, 1, 2]).float()
    assert difference.abs().mean() < 6
    assert sample_frames(part)[0] == [2, 3, 4]


def test_the_sheet_says_where_a_class_has_no_wrong_example_and_plays_the_others(bars, tmp_path):
    names = list(bars)
    found = predictions([0, 0], [[0.9, 0.1], [0.2, 0.8]], names=names[:2])
    classes = class_examples(found)

    write_moving_sheet(tmp_path / "sheet.mp4", classes, bars, heading="bars")

    index, _ = build_index(tmp_path / "sheet.mp4")
    # Eight frames at 10 a second, repeated until six seconds are full.
    assert (index.num_frames, float(index.rate)) == (64, 10.0)
    with open_video(tmp_path / "sheet.mp4") as reader:
        first, second, again = reader.read([0, 1, 8]).numpy().astype(int)
    assert np.abs(first - second).mean() > 3
    # The clips begin again; nothing else changes.
    assert np.abs(first - again).mean() < 0.5


def test_the_page_has_examples_of_each_pair_and_asks_for_nothing_outside(bars, tmp_path):
    names = list(bars)
    found = predictions([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], names=names[:3])
    report = class_report(evaluation_of(found), "bars", 8)

    page = write_class_folder(
        report,
        bars,
        tmp_path,
        max_height=240,
        made_from="here",
        progress=lambda name: nullcontext(lambda *counts: None),
    )

    text = page.read_text()
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert data["confusion"] == [[1, 1], [0, 1]]
    assert [(one["truth"], one["predicted"], one["confidence"]) for one in data["examples"]] == [
        (0, 0, 0.9),
        (0, 1, 0.8),
        (1, 1, 0.7),
    ]
    assert all((tmp_path / one["href"]).is_file() for one in data["examples"])
    assert (tmp_path / data["sheet"]).is_file()
    assert data["classes"][0] | {"takenFor": 1, "taken": 1} == data["classes"][0]
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "")


def test_in_a_browser_a_cell_leads_to_the_examples_of_its_pair(browser, bars, tmp_path):
    found = predictions([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], names=list(bars)[:3])
    page_path = write_class_folder(
        class_report(evaluation_of(found), "bars", 8),
        bars,
        tmp_path,
        max_height=240,
        made_from="here",
        progress=lambda name: nullcontext(lambda *counts: None),
    )

    with opened(browser, page_path) as page:
        assert page.locator(".card").count() == 3
        page.locator("#matrix td button").nth(1).click()
        assert page.locator(".card").count() == 1
        assert page.locator(".card.wrong b").inner_text() == "RIGHT 0.80"
        assert "true: LEFT 0.20" in page.locator(".card").inner_text()
        page.locator("#all").click()
        assert page.locator(".card").count() == 3


def test_figures_of_the_page_stand_beside_the_majority_class():
    found = predictions([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    data = class_page_data(class_report(evaluation_of(found), "bars", 8), {}, 0)
    figures = {one["name"]: (one["value"], one["remark"]) for one in data["figures"]}
    assert figures["majority class"] == ("0.667", "always LEFT")
    assert figures["accuracy"][0] == "0.667"
    assert " to " in figures["accuracy"][1]
    # Nothing was written for them.
    assert {one["href"] for one in data["examples"]} == {None}


def test_samples_that_are_ranges_of_a_long_video_are_found_by_their_names(tmp_path):
    root = write_bars(tmp_path)
    ranges = [
        {"from_frame": 0, "to_frame": 4, "label": "LEFT"},
        {"from_frame": 4, "to_frame": 8, "label": "RIGHT"},
    ]
    matches = [
        {"name": f"m{fold}", "videos": [f"clips/{fold}_LEFT.mp4"], "fold": fold, "annotations": ranges}
        for fold in (0, 1)
    ]
    content = {"format": "bvas-dataset-2", "labels": list(LABELS), "matches": matches}
    (root / "dataset.json").write_text(json.dumps(content))
    kind = ClipKind(bars_experiment())
    matches = find_matches(bars_experiment().task, root)
    names = [video.name for video in kind.sample_videos(matches)]

    found = kind.named_samples(matches, names[1:2])

    assert (len(names), list(found)) == (4, [names[1]])
    assert sample_frames(found[names[1]])[0] == [4, 5, 6, 7]


def test_an_evaluation_has_both_pictures(tmp_path):
    found = predictions([0, 1], [[0.9, 0.1], [0.2, 0.8]])
    paths = write_class_pictures(evaluation_of(found), "bars", tmp_path)
    assert [path.name for path in paths] == ["confusion.png", "reliability.png"]
    assert all(picture_of(path.read_bytes()) is not None for path in paths)


def test_training_evaluation_and_report_write_their_pictures(tmp_path, capsys):
    root, runs = write_bars(tmp_path / "data"), tmp_path / "runs"
    (runs / "bars").mkdir(parents=True)
    (runs / "bars" / "experiment.json").write_text(bars_experiment().to_json())
    folders = ["--data", str(root), "--runs", str(runs)]
    train = ["train", "--experiment", "bars", *folders, "--device", "cpu", "--workers", "1"]
    # Bars of all groups look alike.
    assert cli.main([*train, "--allow-siblings"]) == 0
    fold = runs / "bars" / "fold_0"
    assert picture_of((fold / "curves.png").read_bytes()) is not None
    assert picture_of((fold / "confusion.png").read_bytes()) is not None
    predict = ["predict", "--experiment", "bars", *folders, "--device", "cpu"]
    assert cli.main(predict) == 0
    assert cli.main(["evaluate", "--experiment", "bars", *folders]) == 0
    assert (runs / "bars" / "confusion.png").is_file()
    capsys.readouterr()
    assert cli.main(["report", "bars", *folders, "--examples", "1"]) == 0
    printed = capsys.readouterr().out
    assert "index.html" in printed
    assert "MiB" in printed
    assert (runs / "bars" / "report" / "moving_sheet.mp4").is_file()
    assert cli.main(["report", "bars", *folders, "--match", "x"]) == 2
