"""Scores of files: labels and predictions of any system to a score sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bvas.data.action import action_task
from bvas.data.ball import ball_task
from bvas.data.ball12 import BALL12_LABELS
from bvas.data.osl_json import with_other_spellings
from bvas.errors import DataError
from bvas.evaluation.osl_tree import OslTree, open_files
from bvas.evaluation.scored_files import LabelledResults, ScoredTask, read_videos
from bvas.metrics.score_rules import Metric, ScoreRules
from bvas.metrics.score_sheet import ScoreSheet
from bvas.metrics.scorer import score_sheet
from bvas.metrics.team import sided_label
from bvas.values.annotations import Annotation, AnnotationLists, LabelSet, Spot

_SIDES = (("left", "right"), ("home", "away"))


def scored_tasks() -> dict[str, ScoredTask]:
    """Return the tasks that files can be scored for, by name."""
    action = action_task()
    merged_into = set(action.labels.merged.values())
    # In scoring the cards have their colors.
    action_labels = (*(name for name in action.labels if name not in merged_into), *action.labels.merged)
    ball12 = ScoredTask(
        labels=LabelSet(BALL12_LABELS), label_file="Labels-ball.json", metric="at1", rate=25.0
    )
    return {
        "ball": replace(ball12, labels=ball_task().labels),
        "ball12": ball12,
        "action": ScoredTask(
            labels=LabelSet(action_labels), label_file=action.label_file, metric="tight", rate=2.0
        ),
        "team": replace(ball12, with_teams=True),
    }


def scored_task(name: str | None, labels: Path, *, head: str | None = None) -> ScoredTask:
    """Return the task of a name; None stands for the labels that an OSL JSON file declares, and else for `ball`.

    Args:
        name: One of `scored_tasks`.
        labels: What holds the labels. The labels of OSL JSON are known in capitals and small letters alike.
        head: Of OSL JSON.

    Raises:
        DataError: the OSL JSON is wrong, or names no label.
        ConfigError: it has no such head.
    """
    task = scored_tasks()[name or "ball"]
    if not labels.is_file() or labels.suffix.lower() != ".json":
        return task
    with open_files(labels, head=head) as tree:
        assert isinstance(tree, OslTree)
    if name is None and not tree.osl.labels:
        raise DataError(f"{labels} names no label and has no event; say with --task what is scored")
    known = task.labels if name is not None else LabelSet(tree.osl.labels)
    return replace(task, labels=with_other_spellings(known))


@dataclass(frozen=True, kw_only=True, slots=True)
class FileScores:
    """Scores of files, and what was left out of them."""

    sheet: ScoreSheet
    files: LabelledResults

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            **self.sheet.to_json(),
            "notices": self.files.notices.to_json(),
            "matches_without_predictions": list(self.files.not_predicted),
            "matches_without_labels": list(self.files.not_labelled),
        }


def score_files(
    labels: Path,
    predictions: Path,
    task: ScoredTask,
    *,
    metric: Metric | None = None,
    tolerances_seconds: Sequence[float] = (),
    rate: float | None = None,
    operating_point: float = 0.2,
    operating_points: Mapping[str, float] | None = None,
    matches: Sequence[str] = (),
    partial: bool = False,
    head: str | None = None,
) -> FileScores:
    """Return the scores of predictions against labels.

    Args:
        labels: Folder or zip that holds `<match>/<label file>`, or an OSL JSON file.
        predictions: Folder or zip with a folder of results for each match, a submission; or an OSL JSON file.
        task: Labels, file names, defaults.
        metric: None: the task's.
        tolerances_seconds: Half-widths of the metric `seconds`.
        rate: None: the task's.
        operating_point: Confidence from which spots are counted as hits and false alarms.
        operating_points: Those of single labels, whichever team's, in place of the common one.
        matches: The matches to score; none: all labelled ones.
        partial: Leave out labelled matches that have no predictions.
        head: Of OSL JSON; None: `action`, else the one with the most events.

    Raises:
        ConfigError: settings that do not fit.
        DataError: a file is missing or wrong.
    """
    files = read_videos(labels, predictions, task, matches=matches, partial=partial, head=head)
    annotations = [list(result.annotations or ()) for result in files.videos]
    spots = [list(result.spots) for result in files.videos]
    sides = _sides(annotations, labels) if task.with_teams else None
    points = dict(operating_points or {})
    if sides is not None:
        points = {sided_label(label, side): point for label, point in points.items() for side in sides}
    rules = ScoreRules(
        labels=task.labels,
        metric=metric or task.metric,
        tolerances_seconds=tuple(tolerances_seconds),
        rate=task.rate if rate is None else rate,
        operating_point=operating_point,
        operating_points=points,
        sides=sides,
    )
    if sides is not None:
        annotations = [[_sided_annotation(a, labels) for a in video] for video in annotations]
        spots = [[_sided_spot(s, sides, predictions) for s in video] for video in spots]
    matches = [result.video.match for result in files.videos]
    return FileScores(sheet=score_sheet(annotations, spots, rules, matches=matches), files=files)


def _sides(annotations: AnnotationLists, where: Path) -> tuple[str, str]:
    teams = {a.team for video in annotations for a in video if a.team is not None}
    for sides in _SIDES:
        if teams <= set(sides):
            return sides
    raise DataError(
        f"the labels in {where} name the teams {sorted(teams)}; the team score takes left and right"
    )


def _sided_annotation(annotation: Annotation, where: Path) -> Annotation:
    if annotation.team is None:
        raise DataError(
            f"the {annotation.label} at {annotation.seconds:.2f} s in {where} names no team; the team score needs "
            "'team' in every annotation, the other scores do not"
        )
    return replace(annotation, label=sided_label(annotation.label, annotation.team))


def _sided_spot(spot: Spot, sides: tuple[str, str], where: Path) -> Spot:
    if spot.team is None or spot.team not in sides:
        raise DataError(
            f"the {spot.label} at {spot.seconds:.2f} s in {where} names the team {spot.team!r}; "
            f"the labels name {sides[0]} and {sides[1]}, and the team score needs one of them in every prediction"
        )
    return replace(spot, label=sided_label(spot.label, spot.team))
