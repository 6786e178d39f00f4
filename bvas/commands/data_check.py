"""List the faults of a data root, and count its contents.

Reads all labels and indexes all videos, and looks for siblings: samples in different folds or splits that are one. The
exit code is 2 if there is a fault or a sibling. Clips with a class each are counted before and after balancing.
"""

import argparse
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bvas.commands import options
from bvas.commands.clip_check import (
    class_json,
    class_lines,
    drawn_counts,
    size_rows,
    with_clips,
    write_pictures,
)
from bvas.commands.console import OK, WRONG_INPUT, json_shown, progress_bar
from bvas.errors import ConfigError
from bvas.system.log_lines import short_line
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.data.data_check import DataCheck
    from bvas.data.raw_annotations import Form
    from bvas.data.siblings.search import Siblings
    from bvas.experiment.experiment import Experiment

logger = logging.getLogger(__name__)

# More columns do not fit a line; --json has them all.
_MOST_FOLDS, _MOST_SIBLINGS, _MOST_VALUES = 10, 10, 10
_REMEDY = "give them one 'group' or fold, or remove the copies"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas data check`."""
    parser.add_argument(
        "root", type=Path, metavar="DIR", help="data root: with dataset.json or SoccerNet's folders"
    )
    options.add_experiment_option(
        parser, "check what this experiment would read: its labels, matches and folds"
    )
    options.add_decode(parser)
    options.add_json(parser)
    parser.add_argument("--table", type=Path, metavar="FILE", help="CSV to write, a row for each video")
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR",
        help="for clips with a class each: write a histogram and a sheet of first and last frames",
    )
    options.add_scratch(parser)
    options.add_folders(parser, data=False)


def run(args: argparse.Namespace) -> int:
    """Check, and print the findings."""
    from bvas.data.data_check import check_data, tasks_in
    from bvas.data.siblings.samples import samples_of
    from bvas.data.siblings.search import find_siblings
    from bvas.system.scratch import Scratch

    form: Form = "moment"
    experiment: Experiment | None = None
    if args.experiment:
        from bvas.experiment.experiment import load_experiment

        experiment = load_experiment(args.experiment, args.runs)
        tasks, rate = [experiment.task], experiment.input.rate
        form = "moment" if experiment.kind == "spot" else "range"
    else:
        tasks, rate = tasks_in(args.root), 25.0
    checks = []
    for task in tasks:
        with progress_bar(f"checking {task.name}", "video", quiet=args.quiet) as progress:
            check = check_data(
                task,
                args.root,
                rate=rate,
                decode=args.decode,
                progress=progress,
                guessed=not args.experiment,
                form=form,
                scratch=Scratch(args.scratch),
            )
        with progress_bar(f"comparing {task.name}", "video", quiet=args.quiet) as progress:
            siblings = find_siblings(samples_of(check.matches, task), progress=progress)
        checks.append((check, siblings))
    if args.json:
        print(
            json_shown({"decoded": args.decode, "data": [check_json(*both, experiment) for both in checks]})
        )
    else:
        for both in checks:
            print("\n".join(check_lines(*both, experiment)))
        if not args.decode:
            print("frames were not decoded; --decode finds lost frames")
    found = [check for check, _ in checks]
    if args.table is not None:
        _write_table(found, args.table, experiment)
    if args.pictures is not None:
        _write_pictures(found, args.pictures, experiment)
    return WRONG_INPUT if any(check.faults or siblings.pairs for check, siblings in checks) else OK


def _write_table(checks: Sequence["DataCheck"], path: Path, experiment: "Experiment | None") -> None:
    from bvas.data.clip_table import file_rows, rows_text
    from bvas.system.atomic_files import write_text

    rows = [row for check in checks for row in file_rows(check)]
    if experiment is not None and experiment.kind == "clip":
        rows = with_clips(rows, experiment)
    write_text(path, rows_text(rows))
    logger.info("%s: %s", path, count_text(len(rows), "video"))


def _write_pictures(
    checks: Sequence["DataCheck"], folder: Path, experiment: "Experiment | None" = None
) -> None:
    from bvas.data.clip_table import has_samples

    clips = [check for check in checks if has_samples(check)]
    if not clips:
        raise ConfigError(
            "--pictures is for clips with a class each ('samples' of a dataset.json); none found"
        )
    for check in clips:
        write_pictures(check, drawn_counts(check, experiment), folder / check.task.folder)


def check_lines(
    check: "DataCheck", siblings: "Siblings", experiment: "Experiment | None" = None
) -> list[str]:
    """Return a check as lines for people: summary, notes, faults, siblings.

    Args:
        check: The findings.
        siblings: Samples that are one.
        experiment: Of kind clip, decides how clips with a class each are balanced; None: the defaults do.
    """
    from bvas.data.clip_table import file_rows, has_samples

    is_clips = has_samples(check)
    labelled = [match for match in check.matches if match.fold is not None]
    sides = _sides(check)
    infos = [info for _, info in check.videos]
    hours = sum(info.duration_seconds for info in infos) / 3600
    num_challenge = len(check.matches) - len(labelled)
    groups = {match.group for match in labelled}
    is_split = any(match.split for match in labelled)
    division = count_text(len(sides), "split" if is_split else "fold")
    rows = [("matches", f"{len(labelled)} labelled in {division}, {num_challenge} challenge")]
    if is_clips:
        rows = [("clips", f"{len(labelled)} in {division}")]
    if is_split or len(groups) < len(labelled):
        numbers = Counter(match.side for match in labelled)
        shares = ", ".join(f"{side} {100 * numbers[side] / len(labelled):.1f} %" for side in sides)
        rows.append(
            (
                "groups",
                f"{len(groups)}, none of them cut: {shares if len(sides) <= _MOST_FOLDS else division}",
            )
        )
    rows += [
        ("videos", f"{len({info.path for info in infos})}, {hours:.2f} h"),
        *(size_rows(file_rows(check)) if is_clips else []),
        ("pictures", _counted(f"{info.height}x{info.width}" for info in infos)),
        ("rates", _counted(f"{float(info.rate):.6g}" for info in infos)),
        ("keyframes", _counted(f"every {info.keyframe_intervals.median} frames" for info in infos)),
    ]
    lines = [str(check.source), *(f"  {name:<10} {text}" for name, text in rows)]
    if is_clips:
        shown = sides if len(sides) <= _MOST_FOLDS else []
        lines += class_lines(check, shown, drawn_counts(check, experiment))
    else:
        lines += _count_lines(check, sides)
    lines += [f"  note: {note}" for note in check.notes]
    lines += [short_line(f"  fault: {fault}") for fault in check.faults]
    lines += _sibling_lines(siblings)
    return [*lines, f"  {count_text(len(check.faults), 'fault') if check.faults else 'no faults'}"]


def _sibling_lines(siblings: "Siblings") -> list[str]:
    pairs = siblings.pairs
    still = f" ({siblings.num_still} without movement)" if siblings.num_still else ""
    compared = f"{count_text(siblings.num_compared, 'sample')} of equal length compared{still}"
    lines = [short_line(f"  sibling: {pair}") for pair in pairs[:_MOST_SIBLINGS]]
    if len(pairs) > _MOST_SIBLINGS:
        lines.append(f"  and {count_text(len(pairs) - _MOST_SIBLINGS, 'other pair')}; --json has them all")
    if pairs:
        found = count_text(len(pairs), "pair")
        return [*lines, f"  {found} of siblings across folds or splits ({compared}): {_REMEDY}"]
    return [f"  no siblings across folds or splits; {compared}"]


def _sides(check: "DataCheck") -> list[str]:
    """Return the names of the folds or splits in order."""
    labelled = [match for match in check.matches if match.fold is not None]
    used = {match.side for match in labelled}
    if any(match.split for match in labelled):
        return [split for split in ("train", "valid", "test") if split in used]
    return [f"fold {fold}" for fold in sorted({match.fold for match in labelled if match.fold is not None})]


def _counted(texts: Iterable[str]) -> str:
    counts = Counter(texts)
    shown = ", ".join(f"{text} ({count})" for text, count in counts.most_common(_MOST_VALUES)) or "none"
    return f"{shown}, and {len(counts) - _MOST_VALUES} others" if len(counts) > _MOST_VALUES else shown


def _count_lines(check: "DataCheck", sides: Sequence[str]) -> list[str]:
    shown = sides if len(sides) <= _MOST_FOLDS else []
    lines = [f"  {'annotations':<24}{'all':>8}" + "".join(f"{side:>8}" for side in shown)]
    for label in _labels(check):
        total = sum(count for (name, _), count in check.counts.items() if name == label)
        per_side = "".join(f"{check.counts[label, side]:>8}" for side in shown)
        lines.append(f"  {label:<24}{total:>8}{per_side}")
    return lines


def _labels(check: "DataCheck") -> list[str]:
    """Return the labels of the task in its order, then other labels of the files."""
    used = {label for label, _ in check.counts}
    others = sorted(used - set(check.task.labels))
    known = [label for label in check.task.labels if not check.guessed or label in used]
    return [*known, *others]


def check_json(
    check: "DataCheck", siblings: "Siblings", experiment: "Experiment | None" = None
) -> dict[str, Any]:
    """Return a check as plain values."""
    from bvas.data.clip_table import has_samples

    sides = _sides(check)
    return {
        "source": str(check.source),
        "matches": [
            {
                "name": match.name,
                "group": match.group,
                "fold": match.fold,
                "split": match.split,
                "test": match.is_test,
            }
            for match in check.matches
        ],
        "videos": [
            {
                "match": match.name,
                "path": str(info.path),
                "seconds": info.duration_seconds,
                "frames": info.num_frames,
                "rate": str(info.rate),
                "variable_rate": info.variable_rate,
                "height": info.height,
                "width": info.width,
                "keyframe_intervals": info.keyframe_intervals._asdict(),
            }
            for match, info in check.videos
        ],
        "annotations": {
            label: {
                "all": sum(count for (name, _), count in check.counts.items() if name == label),
                "folds": {side.removeprefix("fold "): check.counts[label, side] for side in sides},
            }
            for label in _labels(check)
        },
        "classes": class_json(check, drawn_counts(check, experiment)) if has_samples(check) else {},
        "siblings": asdict(siblings),
        "notes": check.notes,
        "faults": [
            {"file": str(fault.path), "entry": fault.entry, "message": fault.message}
            for fault in check.faults
        ],
    }
