"""The `SoccerNet` package and our scores on the same zips, figure by figure."""

import contextlib
import io
import json
import zipfile

import numpy as np

from bvas.evaluation.file_scores import score_files
from bvas.evaluation.scored_files import ScoredTask


def event(half, label, position, visibility="visible"):
    minutes, seconds = divmod(position // 1000, 60)
    return {
        "gameTime": f"{half} - {minutes:02d}:{seconds:02d}",
        "label": label,
        "position": str(position),
        "visibility": visibility,
    }


def prediction(half, label, position, confidence):
    return {**event(half, label, position), "half": str(half), "confidence": str(confidence)}


def write_zips(folder, matches):
    """Write (name, annotations, predictions) of each match; return the zips of labels and of predictions."""
    paths = []
    for file_name, column, key in (
        ("Labels.json", 1, "annotations"),
        ("results_spotting.json", 2, "predictions"),
    ):
        paths.append(folder / f"{key}.zip")
        with zipfile.ZipFile(paths[-1], "w") as archive:
            for match in matches:
                archive.writestr(f"{match[0]}/{file_name}", json.dumps({key: match[column]}))
    return paths


def both_scores(package, folder, matches, labels, metric, rate):
    """Return (ours, theirs) for the same files."""
    truth, found = write_zips(folder, matches)
    task = ScoredTask(labels=labels, label_file="Labels.json", metric=metric, rate=rate)
    # Empty recalls and precisions divide by zero there, and turn into 0.
    with np.errstate(divide="ignore", invalid="ignore"), contextlib.redirect_stderr(io.StringIO()):
        theirs = package.evaluate(
            str(truth),
            str(found),
            framerate=rate,
            metric=metric,
            label_files="Labels.json",
            dataset=None,
            EVENT_DICTIONARY={label: i for i, label in enumerate(labels)},
        )
    return score_files(truth, found, task).sheet.official, theirs


def assert_equal_scores(ours, theirs, labels):
    for kind, prefix in (("", ""), ("_visible", "visible_"), ("_unshown", "unshown_")):
        per_label = getattr(ours, f"{prefix}per_label")
        np.testing.assert_allclose(
            [getattr(ours, f"{prefix}mean"), *(per_label[label] for label in labels)],
            [theirs[f"a_mAP{kind}"], *theirs[f"a_mAP_per_class{kind}"]],
            rtol=0,
            atol=1e-9,
        )
