"""Trained models over the files of a recording: choice of models, results of each part, estimate, sum."""

import argparse
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands.console import DONE_IN_PART, OK, progress_bar
from bvas.errors import CheckpointError, DataError, DecodeError
from bvas.system.text_files import read_json
from bvas.values.plural import count_text
from bvas.values.progress import Progress
from bvas.values.units import duration_text
from bvas.video.container.read_options import Source

if TYPE_CHECKING:
    from bvas.experiment.experiment import Experiment, TaskKindName
    from bvas.inference.spotter import Spotter, VideoSpotter
    from bvas.report.recording_outputs import PlannedPart
    from bvas.results.recording_folder import FileRecords
    from bvas.results.video_result import VideoResult

logger = logging.getLogger(__name__)

_ESTIMATE_AFTER_FRAMES = 200
_LONG_SECONDS = 3600
_VERBS = {"spot": "bvas spot", "interval": "bvas intervals", "clip": "bvas classify"}
_NO_SPOTTER = """Get the published weights of the reference system:
  bvas weights download ball
  bvas spot VIDEO --experiment ball
or train one: bvas train --experiment NAME"""
_NO_INTERVALS = """Label stretches of your own recordings and train one:
  bvas label VIDEO --labels IN_FRAME --ranges --out data/dataset.json
  bvas train --experiment presence
  bvas intervals VIDEO --experiment presence"""

_NO_CLASSIFIER = """Take a network with its published weights:
  bvas classify VIDEO --model r3d_18 [--weights FILE]
or train one on clips of your own classes: bvas train --experiment NAME
To follow players without naming what they do: bvas players VIDEO --no-actions"""
_MISSING: "Mapping[TaskKindName, tuple[str, str]]" = {
    "spot": ("trained or imported model", _NO_SPOTTER),
    "interval": ("trained model for intervals", _NO_INTERVALS),
    "clip": ("trained model for clips", _NO_CLASSIFIER),
}


def trained_spotter(
    args: argparse.Namespace,
    kind: "TaskKindName",
    changed: "Callable[[Experiment], Experiment] | None" = None,
) -> "Spotter":
    """Return the models that --experiment and --folds name; by default the newest of a kind.

    Args:
        args: With the options of `add_inference` and those that choose models.
        kind: Kind of the experiment.
        changed: Changes the experiment's rules.

    Raises:
        ConfigError: the experiment is of another kind.
        CheckpointError: no model was found.
    """
    from bvas.experiment.checkpoint import trained_among
    from bvas.experiment.experiment import load_experiment
    from bvas.inference.spotter import load_spotter
    from bvas.results.tuned_peaks import with_postprocessing
    from bvas.system.extras import need_train
    from bvas.tasks.kind_choice import check_kind

    need_train()
    name = args.experiment or newest_experiment(args.runs, kind)
    experiment = load_experiment(name, args.runs)
    check_kind(experiment, kind, _VERBS[kind])
    experiment = with_postprocessing(experiment, args.postprocessing)
    if changed is not None:
        experiment = changed(experiment)
    folds = trained_among(experiment, args.runs, args.folds)
    return load_spotter(
        experiment,
        args.runs,
        folds=folds,
        device=args.device,
        precision=args.precision,
        stride=args.stride,
        share_repeats=not args.compute_repeats,
        engine=args.engine,
    )


def newest_experiment(runs: Path, kind: "TaskKindName" = "spot") -> str:
    """Return the trained or imported experiment of a kind whose weights are the newest, the demo left out.

    Raises:
        CheckpointError: no model was found; the message tells how to get one.
    """
    from bvas.experiment.checkpoint import FILE_NAME

    found: dict[str, float] = {}
    for path in runs.glob(f"*/fold_*/{FILE_NAME}"):
        name = path.parent.parent.name
        if name != "demo" and _kind_in(runs / name) == kind:
            found[name] = max(path.stat().st_mtime, found.get(name, 0.0))
    if not found:
        what, remedy = _MISSING[kind]
        raise CheckpointError(f"no {what} in {runs}. {remedy}")
    return max(found, key=lambda name: found[name])


def _kind_in(folder: Path) -> str:
    """Return the kind of a trained experiment; version 0.1 had spotting alone."""
    try:
        content = read_json(folder / "experiment.json")
    except DataError:
        return "spot"
    return str(content.get("kind", "spot")) if isinstance(content, dict) else "spot"


def run_parts(
    args: argparse.Namespace,
    plans: "Sequence[PlannedPart]",
    sources: Sequence[Source],
    spotter: "VideoSpotter",
    out: Path,
    records: "FileRecords | None" = None,
) -> int:
    """Find what the parts of a recording hold, and write the results of each as soon as they are there.

    Args:
        args: Options of `bvas spot` or `bvas intervals`.
        plans: The parts.
        sources: All files of the recording, or one stream.
        spotter: The models.
        out: Folder of the results, which is locked.
        records: Those of the sources where some were fetched.

    Returns:
        The exit code.

    Raises:
        KeyboardInterrupt: Ctrl-C; the results are of the frames before.
    """
    from bvas.inference.spot_video import spot_video
    from bvas.inference.spotter import Spotter
    from bvas.report.recording_outputs import write_outputs
    from bvas.results.recording_folder import FileRecords, stale_files
    from bvas.results.video_result import VideoResult
    from bvas.values.match_clock import MatchClock

    stale = stale_files(out, [plan.video.name for plan in plans])
    is_stream = not sources[0].is_indexable
    is_growing = sources[0].kind == "growing file"
    clock = MatchClock(kickoff_seconds=getattr(args, "kickoff", 0.0))
    num_models = len(spotter.models) if isinstance(spotter, Spotter) else 1
    results: list[VideoResult] = []
    if records is None:
        records = FileRecords([] if is_stream else [source.path for source in sources])
    for plan in plans:
        video = plan.video
        assert video.path is not None
        with progress_bar(video.path.name, "frame", quiet=args.quiet) as bar:
            estimate = with_estimate(bar, len(sources), num_models, str(spotter.device).partition(":")[0])
            found = spot_video(
                sources[0].location if is_stream else video.path,
                spotter,
                backend=args.backend,
                from_seconds=plan.from_seconds,
                to_seconds=plan.to_seconds,
                strict=args.strict,
                growing=is_growing,
                stream=video.reading.stream,
                rate=video.reading.rate,
                tone=video.reading.tone,
                # The length of a stream is unknown.
                progress=bar if is_stream else estimate,
                in_part=True,
            )
        results.append(
            VideoResult(
                video=replace(video, match=out.name),
                curve=found.curve,
                spots=found.spots,
                intervals=found.intervals,
                spot_frames=found.source_frames,
                gaps=found.gaps,
                peaks=spotter.experiment.drawn_peaks,
            )
        )
        failure = found.failure
        in_part = _in_part(results, failure, len(plans))
        # At once: hours of work on one part are not lost with the next.
        made_from = records.known(wait=not in_part)
        length = found.duration_seconds
        write_outputs(out, spotter.experiment, clock, results, length, made_from=made_from, in_part=in_part)
        if failure is not None:
            break
    for path in stale:
        path.unlink(missing_ok=True)
    _sum_up(results, spotter.experiment, out, in_part)
    if failure is None:
        return OK
    if isinstance(failure, KeyboardInterrupt):
        raise failure
    logger.error("%s: %s", _VERBS[spotter.experiment.kind], failure)
    return DONE_IN_PART


def _in_part(
    results: "Sequence[VideoResult]", failure: DecodeError | KeyboardInterrupt | None, num_plans: int
) -> str:
    """Return the reason why results cover a part of the recording only; empty where they are complete."""
    if isinstance(failure, KeyboardInterrupt):
        last = results[-1]
        return f"interrupted at {last.required_curve.seconds[-1]:.1f} s of {last.video.name}"
    if failure is not None:
        return str(failure)
    return "" if len(results) == num_plans else f"{len(results)} of {num_plans} files"


def with_estimate(bar: Progress, num_videos: int, num_models: int, device: str) -> Callable[[int, int], None]:
    """Report progress, and once 200 frames are done say how long the whole takes and what would shorten it."""
    # Counted from the first frames on: opening and indexing the file comes once, whatever its length.
    start: tuple[float, int] | None = None
    said = False

    def report(done: int, total: int) -> None:
        nonlocal start, said
        bar(done, total)
        if start is None:
            start = time.monotonic(), done
            return
        if said or done < _ESTIMATE_AFTER_FRAMES:
            return
        said = True
        left = (time.monotonic() - start[0]) / (done - start[1]) * (total - done)
        each = " for this file" if num_videos > 1 else ""
        logger.info("%d of %d frames done; about %s left%s", done, total, duration_text(left), each)
        if left > _LONG_SECONDS:
            ways = ["a part of the video (--from, --to)", "every other row (--stride 2)"]
            if num_models > 1:
                ways.insert(0, f"one of the {num_models} folds (--folds 0) takes 1/{num_models} of it")
            if device == "cpu":
                ways.insert(0, "a CUDA device (--device cuda)")
            logger.info("what would shorten it: %s", "; ".join(ways))

    return report


def _sum_up(results: "Sequence[VideoResult]", experiment: "Experiment", out: Path, in_part: str) -> None:
    """Print what was found, and where it lies."""
    if experiment.kind == "interval":
        stretches = [one for result in results for one in result.intervals]
        total = sum(one.end_seconds - one.start_seconds for one in stretches)
        print(f"{count_text(len(stretches), 'interval')}, {total:.1f} s in all")
        print(f"results in {out}" + (f", in part: {in_part}" if in_part else ""))
        return
    found = [spot for result in results for spot in result.shown]
    counts = ", ".join(f"{sum(s.label == label for s in found)} {label}" for label in experiment.task.labels)
    points = experiment.peaks.operating_points(experiment.task.labels)
    shown = "from " + ", ".join(f"{label} {point:g}" for label, point in points.items())
    if len(set(points.values())) == 1:
        shown = f"{min(points.values()):g} or more"
    print(f"{counts} (confidence {shown})")
    print(f"results in {out}" + (f", in part: {in_part}" if in_part else ""))
