"""The results store: what it writes it reads, a record is true of its files, and no other module spells their names."""

import ast
from pathlib import Path

import numpy as np
import pytest

from bvas.data.spotting_task import SpottingTask
from bvas.errors import DataError
from bvas.experiment.experiment import Experiment
from bvas.experiment.peak_config import PeakConfig
from bvas.results import store
from bvas.results.made_from import Record
from bvas.results.store import (
    RECORD_NAME,
    RESULTS_NAME,
    Split,
    curve_path,
    curves_of_half,
    predictions_folder,
    read_match,
    read_record,
    write_match,
)
from bvas.results.video_result import VideoFile, VideoResult
from bvas.values.annotations import Gap, LabelSet
from bvas.values.score_curve import ScoreCurve

PACKAGE = Path(store.__file__).resolve().parents[1]
STORE = PACKAGE / "results" / "store.py"
BALL = LabelSet(("PASS", "DRIVE"))
PEAKS = PeakConfig(sigma_frames=0.0)
EXPERIMENT = Experiment(name="ball", task=SpottingTask(name="ball", labels=BALL), peaks=PEAKS)
RECORD = Record(rows={"version": 2}, peaks={}, videos={})


def result_of(number=1, *, gap=False):
    scores = np.zeros((50, 2), np.float32)
    scores[10, 0], scores[30, 1] = 0.75, 0.5
    if gap:
        scores[40:45] = np.nan
    video = VideoFile(name=f"{number}_720p", number=number, match="cup/a")
    return VideoResult.from_curve(video, ScoreCurve(scores, np.arange(50) / 25, BALL.names), EXPERIMENT)


def test_a_match_comes_back_as_it_was_written(tmp_path):
    written = [result_of(1), result_of(2, gap=True)]
    write_match(tmp_path, written, rate=25.0, record=RECORD)

    read = read_match(tmp_path, [result.video for result in written], PEAKS)

    for before, after in zip(written, read, strict=True):
        assert [(s.label, s.seconds, s.confidence) for s in after.spots] == [
            ("PASS", 0.4, 0.75),
            ("DRIVE", 1.2, 0.5),
        ]
        assert np.array_equal(after.curve.scores, before.curve.scores, equal_nan=True)
    assert [result.gaps for result in read] == [(), (Gap(1.6, 1.76, 5, "no scores"),)]
    assert read_record(tmp_path) == RECORD


def test_a_record_is_gone_before_the_first_file_changes_and_back_after_the_last(tmp_path, monkeypatch):
    write_match(tmp_path, [result_of()], rate=25.0, record=RECORD)
    (tmp_path / RESULTS_NAME).unlink()
    # A folder of that name: the spots cannot be written.
    (tmp_path / RESULTS_NAME).mkdir()

    with pytest.raises(DataError):
        write_match(tmp_path, [result_of()], rate=25.0, record=RECORD)

    assert read_record(tmp_path) is None


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"rows": {}}', '{"rows": {}, "peaks": {}, "videos": {}, "more": 1}']
)
def test_a_damaged_record_counts_as_none(tmp_path, text):
    (tmp_path / RECORD_NAME).write_text(text)
    assert read_record(tmp_path) is None


def test_a_half_has_the_curve_of_its_number_or_the_only_one(tmp_path):
    for name in ("1_720p", "2_720p"):
        curve_path(tmp_path, name).touch()
    assert [path.name for path in curves_of_half(tmp_path, 2)] == ["2_720p_scores.npz"]

    curve_path(tmp_path, "1_720p").rename(curve_path(tmp_path, "whole"))
    assert [path.name for path in curves_of_half(tmp_path, 1)] == ["whole_scores.npz"]
    assert curves_of_half(tmp_path / "missing", 1) == []


def test_predictions_lie_by_split_and_match():
    assert predictions_folder(Path("runs"), "tiny") == Path("runs/tiny/predictions/cv")
    assert predictions_folder(Path("runs"), "tiny", Split.CHALLENGE) == Path(
        "runs/tiny/predictions/challenge"
    )


def _spelled(path):
    """Yield the texts of a module without those of its docstrings."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize(
    "name",
    [
        "_scores.npz",
        "results_spotting.json",
        "recording.json",
        "made_from.json",
        "spots.csv",
        "_timeline.png",
    ],
)
def test_one_module_spells_the_name_of_a_result_file(name):
    # A sentence for people, as in help, may name a file; a path has no spaces.
    spelling = [
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if any(name in text and " " not in text for text in _spelled(path))
    ]
    assert spelling == ["results/store.py"]


def test_one_module_joins_the_folders_of_predictions():
    joined = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent.name == "lromul":
            continue  # the reference system has folders of the same names
        for node in ast.walk(ast.parse(path.read_text())):
            parts = (
                [node.left, node.right]
                if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
                else []
            )
            names = {part.value for part in parts if isinstance(part, ast.Constant)}
            if names & {"cv", "challenge", "videos", "predictions"}:
                joined.append(f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}")
    assert all(place.startswith("results/store.py:") for place in joined), joined
