"""Spots of a running source as JSON lines: bvas spot SOURCE --live."""

import argparse
import json
import logging
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from bvas.commands.console import DONE_IN_PART, OK
from bvas.commands.options import reading_of
from bvas.errors import ConfigError, DataError, DecodeError
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.inference.live_spots import LiveSpot, LiveSpots
    from bvas.inference.spotter import VideoSpotter
    from bvas.values.match_clock import MatchClock

logger = logging.getLogger(__name__)


def add_live(parser: argparse.ArgumentParser) -> None:
    """Add the options of running sources."""
    group = parser.add_argument_group("running sources")
    group.add_argument(
        "--live",
        action="store_true",
        help="print each spot as soon as it is certain, as a line of JSON; writes no other results",
    )
    group.add_argument(
        "--jsonl", metavar="FILE", default="-", help="where --live prints; - is standard output (default)"
    )
    group.add_argument(
        "--candidates",
        action="store_true",
        help="with --live: every candidate, not only those from the operating point up",
    )
    group.add_argument(
        "--max-lag",
        type=float,
        default=10.0,
        metavar="S",
        help="with --live: seconds behind a broadcast from which frames are skipped (default: 10; 0: never)",
    )
    group.add_argument("--growing", action="store_true", help="the file is still being written")


def check_live(args: argparse.Namespace) -> None:
    """Refuse options that do not go together.

    Raises:
        ConfigError: names them.
    """
    if args.max_lag < 0:
        raise ConfigError(f"--max-lag must not be negative, got {args.max_lag:g}")
    if not args.live:
        for name, is_given in (("--jsonl", args.jsonl != "-"), ("--candidates", args.candidates)):
            if is_given:
                raise ConfigError(f"{name} goes with --live only")
        return
    if len(args.videos) > 1:
        raise ConfigError(f"--live takes one source, got {len(args.videos)}")
    if args.from_seconds or args.to_seconds is not None or args.out is not None:
        raise ConfigError("--from, --to and --out do not go with --live: it follows one source to its end")


def run_live(args: argparse.Namespace, spotter: "VideoSpotter") -> int:
    """Print the spots of a source while it runs; return the exit code."""
    from bvas.inference.lag import LagRule
    from bvas.inference.live_spots import LiveSpots
    from bvas.values.match_clock import MatchClock

    if args.jsonl != "-":
        _check_jsonl(Path(args.jsonl), overwrite=args.overwrite)
    clock = MatchClock(kickoff_seconds=args.kickoff)
    found = LiveSpots(
        spotter,
        args.videos[0],
        candidates=args.candidates,
        backend=args.backend,
        growing=args.growing,
        strict=args.strict,
        reading=reading_of(args),
        lag_rule=LagRule(most_seconds=args.max_lag) if args.max_lag else None,
    )
    num_spots = 0
    with found, _opened(args.jsonl) as out:
        logger.info(
            "following %s; spots come %s behind (%.1f s)",
            found.name,
            count_text(found.bound_frames, "grid frame"),
            found.bound_frames / spotter.experiment.input.rate,
        )
        try:
            for live in found:
                num_spots += 1
                print(_line(live, clock), file=out, flush=True)
        except DecodeError as error:
            if error.lost is not None:
                raise
            logger.error("bvas spot: %s", error)
            return DONE_IN_PART
        finally:
            _sum_up(found, num_spots)
    return OK


def _check_jsonl(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that holds lines already, or that cannot be written; a pipe is neither."""
    from bvas.system.atomic_files import check_writable

    if path.exists() and not path.is_file() and not path.is_dir():
        return
    if path.is_file() and path.stat().st_size and not overwrite:
        raise DataError(f"{path} is there already; name another --jsonl, or replace it with --overwrite")
    if not path.parent.is_dir():
        raise DataError(f"no folder {path.parent}; make it, or choose another --jsonl")
    check_writable(path.parent, path.name)


def _line(live: "LiveSpot", clock: "MatchClock") -> str:
    spot = live.spot
    return json.dumps(
        {
            "seconds": round(spot.seconds, 3),
            "clock": clock.text(spot.seconds),
            "label": spot.label,
            "confidence": round(spot.confidence, 4),
            "latency_frames": live.latency_frames,
            "latency_seconds": round(live.latency_seconds, 3),
        }
    )


def _sum_up(found: "LiveSpots", num_spots: int) -> None:
    gaps, lag = found.rows.gaps, found.rows.lag
    parts = [count_text(num_spots, "spot")]
    if gaps:
        parts.append(
            f"{count_text(sum(gap.num_frames for gap in gaps), 'grid frame')} in "
            f"{count_text(len(gaps), 'gap')} not seen"
        )
    if found.num_reopened:
        parts.append(f"opened again {count_text(found.num_reopened, 'time')}")
    if lag.num_skipped:
        parts.append(f"{count_text(lag.num_skipped, 'frame')} skipped")
    if lag.num_thinned:
        parts.append(f"{count_text(lag.num_thinned, 'frame')} came while only every 2nd or 4th was scored")
    logger.info("%s: %s", found.name, ", ".join(parts))


def _opened(name: str) -> AbstractContextManager[TextIO]:
    # Not beside and renamed: readers follow it while it grows.
    return nullcontext(sys.stdout) if name == "-" else Path(name).open("w", encoding="utf-8")
