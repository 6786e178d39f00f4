"""Classes of a video in one call, from Python: one answer for a clip, rows for a long video."""

from pathlib import Path

from bvas.errors import ConfigError
from bvas.experiment.experiment import Experiment
from bvas.inference.class_rows import DEFAULT_TOP, ClassRow, check_top, class_rows
from bvas.inference.class_windows import DEFAULT_EVERY, classify_windows, plan_windows
from bvas.inference.classifier import VideoClassifier, load_classifier, published_classifier


def classify_clip(
    path: Path | str,
    model: str | VideoClassifier | None = None,
    *,
    experiment: Experiment | str | None = None,
    weights: Path | str | None = None,
    runs: Path | str = "runs",
    device: str = "auto",
    top: int = DEFAULT_TOP,
    clips: int | None = None,
) -> list[tuple[str, float]]:
    """Return the most probable classes of a video as a whole, with their probabilities.

    >>> classify_clip("dive.mp4", "r3d_18")[0]  # doctest: +SKIP
    ('springboard diving', 0.87)

    Args:
        path: The video file.
        model: One of `VIDEO_MODELS`; or a classifier, to use one for several videos.
        experiment: A trained experiment of kind clip, or its name, in place of `model`; its folds are averaged.
        weights: File of the published weights of `model`; None: download them.
        runs: The runs folder, for `experiment`.
        device: As `load_spotter` takes it.
        top: So many classes, or all where there are fewer.
        clips: Evenly spaced clips whose probabilities are averaged; None: as many as the experiment is tested with.

    Raises:
        ConfigError: neither or both of `model` and `experiment`, or a value breaks a rule.
        CheckpointError: the weights are unavailable.
        DataError: the file is missing.
        DecodeError: it is not a video that can be read.
    """
    check_top(top)
    classifier = _chosen(model, experiment, weights, runs, device)
    clips = classifier.experiment.classes.test_clips if clips is None else clips
    found = classify_windows(plan_windows(path, classifier.experiment, clips=clips), classifier)
    return list(class_rows(found.curve, top)[0].top)


def classify_video(
    path: Path | str,
    model: str | VideoClassifier | None = None,
    *,
    experiment: Experiment | str | None = None,
    weights: Path | str | None = None,
    runs: Path | str = "runs",
    device: str = "auto",
    top: int = DEFAULT_TOP,
    every: float = DEFAULT_EVERY,
) -> list[ClassRow]:
    """Return the classes of a video every so many seconds; memory does not grow with the video's length.

    Windows that cannot be decoded have no row.

    >>> [row.label for row in classify_video("pool.mp4", "r3d_18", every=2)]  # doctest: +SKIP
    ['springboard diving', 'springboard diving', 'swimming backstroke']

    Args:
        path: The video file.
        model: As `classify_clip` takes it, as are the others.
        experiment: See there.
        weights: See there.
        runs: See there.
        device: See there.
        top: See there.
        every: Seconds from the center of one window to that of the next.

    Raises:
        ConfigError, CheckpointError, DataError, DecodeError: as `classify_clip`.
    """
    check_top(top)
    classifier = _chosen(model, experiment, weights, runs, device)
    return class_rows(
        classify_windows(plan_windows(path, classifier.experiment, every=every), classifier).curve, top
    )


def _chosen(
    model: str | VideoClassifier | None,
    experiment: Experiment | str | None,
    weights: Path | str | None,
    runs: Path | str,
    device: str,
) -> VideoClassifier:
    if (model is None) == (experiment is None):
        raise ConfigError("give either a model, such as 'r3d_18', or a trained experiment")
    if weights is not None and not isinstance(model, str):
        raise ConfigError(
            f"weights {weights} are of a published model, and none is named; give model='r3d_18'"
        )
    if experiment is not None:
        return load_classifier(experiment, runs, device=device)
    assert model is not None
    return published_classifier(model, weights, device=device) if isinstance(model, str) else model
