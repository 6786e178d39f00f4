"""Classification of one video file on the command line: estimate, progress, printed table, results."""

import argparse
import logging
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bvas.commands.console import progress_bar
from bvas.errors import DataError
from bvas.models.video.published import VIDEO_MODELS
from bvas.system.file_names import shown_name
from bvas.values.match_clock import MatchClock
from bvas.values.plural import count_text
from bvas.values.progress import Progress
from bvas.values.units import duration_text
from bvas.video.container.read_options import Source

if TYPE_CHECKING:
    from bvas.inference.class_windows import VideoClasses, Windows
    from bvas.inference.classifier import VideoClassifier
    from bvas.results.recording_folder import FileRecords

logger = logging.getLogger(__name__)

_LONG_SECONDS = 60.0
# Fewer windows than this take no minute; timing the network would take as long.
_MANY_WINDOWS = 20
# Of the first batches, which pay for the start of workers.
_ESTIMATE_AFTER_SECONDS = 10.0
# The lightest published network: half the work of r3d_18.
_LIGHTEST = "s3d"


class ClassRun:
    """Classifies videos with one classifier, by the options of `bvas classify`."""

    def __init__(
        self,
        args: argparse.Namespace,
        classifier: "VideoClassifier",
        workers: Mapping[str, int] | Literal["auto"],
    ) -> None:
        self._args = args
        self._classifier = classifier
        self._workers = workers

    def classify(self, source: Source, name: str, out: Path) -> None:
        """Classify a video, print its classes, and write its results.

        Args:
            source: The file.
            name: Name of its results.
            out: Folder of its results.

        Raises:
            KeyboardInterrupt: Ctrl-C; the results are of the windows before.
            DataError: the file is missing, or the folder holds results of another video.
            DecodeError: it is not a video that can be read.
        """
        from bvas.inference.class_windows import classify_windows, plan_windows
        from bvas.results.recording_folder import FileRecords, check_same_recording
        from bvas.system.locks import locked

        args, classifier = self._args, self._classifier
        if not source.path.exists():
            raise DataError(f"no file {source.path}")
        if not args.overwrite:
            check_same_recording(out, [source])
        windows = plan_windows(source.path, classifier.experiment, every=args.every, clips=args.clips)
        self._say_estimate(windows)
        with locked(out):
            if not args.overwrite:
                check_same_recording(out, [source])
            records = FileRecords([source.path])
            with progress_bar(source.path.name, "window", quiet=args.quiet) as bar:
                found = classify_windows(
                    windows,
                    classifier,
                    strict=args.strict,
                    workers=self._workers,
                    progress=with_time_left(bar),
                    in_part=True,
                )
            self._print(found, windows)
            self._write(found, name, out, records)
        if found.failure is not None:
            raise found.failure

    @cached_property
    def _clip_seconds(self) -> float:
        """Seconds that the networks take for one clip."""
        from bvas.inference.class_windows import clip_seconds

        return clip_seconds(self._classifier)

    def _say_estimate(self, windows: "Windows") -> None:
        """Say before work of more than a minute how long it takes, and what would shorten it."""
        number, device = len(windows.centers), str(self._classifier.device).partition(":")[0]
        if number < _MANY_WINDOWS or self._clip_seconds * number < _LONG_SECONDS:
            return
        from bvas.inference.classifier import Classifier

        experiment = self._classifier.experiment
        logger.info(
            "%s: %s of %s, %.2f s each on %s: about %s",
            windows.video.path.name,
            count_text(number, "window"),
            count_text(experiment.clip.num_frames, "frame"),
            self._clip_seconds,
            device,
            duration_text(self._clip_seconds * number),
        )
        ways = []
        if device == "cpu":
            ways.append("a CUDA device (--device cuda)")
        if self._args.model in VIDEO_MODELS and self._args.model != _LIGHTEST:
            ways.append(f"a lighter network (--model {_LIGHTEST})")
        models = self._classifier.models if isinstance(self._classifier, Classifier) else ()
        if len(models) > 1:
            ways.append(f"one of the {len(models)} folds (--folds 0) takes 1/{len(models)} of it")
        if not windows.is_one_answer:
            wider = 2 * windows.index.duration_seconds / number
            ways += [
                f"fewer windows (--every {wider:.2g})",
                f"one answer for the video (--clips {experiment.classes.test_clips})",
            ]
        logger.info("what would shorten it: %s", "; ".join(ways))

    def _print(self, found: "VideoClasses", windows: "Windows") -> None:
        from bvas.inference.class_rows import class_rows

        rows = class_rows(found.curve, self._args.top)
        name = shown_name(found.path.name)
        if windows.is_one_answer:
            print(f"{name} ({count_text(len(windows.centers), 'clip')})")
            for label, confidence in rows[0].top:
                print(f"  {confidence:.4f}  {label}")
            return
        print(f"{name}\n  seconds  confidence  label")
        for row in rows:
            others = ", ".join(f"{label} {confidence:.2f}" for label, confidence in row.top[1:])
            print(
                f"{row.seconds:9.2f}  {row.confidence:10.4f}  {row.label}{f'  ({others})' if others else ''}"
            )

    def _write(self, found: "VideoClasses", name: str, out: Path, records: "FileRecords") -> None:
        from bvas.report.recording_outputs import write_outputs
        from bvas.results.recording_folder import stale_files
        from bvas.results.video_result import VideoFile, VideoResult

        experiment = self._classifier.experiment
        stale = stale_files(out, [name])
        in_part = ""
        if found.failure is not None:
            in_part = f"interrupted at {found.curve.seconds[-1]:.1f} s of {name}"
        result = VideoResult(
            video=VideoFile(name=name, path=found.path, match=out.name),
            curve=found.curve,
            intervals=found.intervals,
            gaps=found.gaps,
            peaks=experiment.drawn_peaks,
        )
        write_outputs(
            out,
            experiment,
            MatchClock(),
            [result],
            found.duration_seconds,
            made_from=records.known(wait=not in_part),
            in_part=in_part,
            top=self._args.top,
        )
        for path in stale:
            path.unlink(missing_ok=True)
        print(f"results in {out}" + (f", in part: {in_part}" if in_part else ""))


def with_time_left(bar: Progress, unit: str = "window") -> Callable[[int, int], None]:
    """Report progress, and once ten seconds have passed say how long the rest takes, if that is more than a minute."""
    # Counted from the first ones on: workers start once, however long the video is.
    start: tuple[float, int] | None = None
    said = False

    def report(done: int, total: int) -> None:
        nonlocal start, said
        bar(done, total)
        now = time.monotonic()
        if start is None:
            start = now, done
            return
        passed = now - start[0]
        if said or passed < _ESTIMATE_AFTER_SECONDS or done <= start[1]:
            return
        said = True
        left = passed / (done - start[1]) * (total - done)
        if left > _LONG_SECONDS:
            logger.info("%d of %s done; about %s left", done, count_text(total, unit), duration_text(left))

    return report
