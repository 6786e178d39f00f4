"""Make synthetic matches: bvas data synth --out DIR."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from bvas.commands.console import OK, parse_size, progress_bar, run_command
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)


def build_parser(prog: str | None) -> argparse.ArgumentParser:
    """Return the command's parser."""
    parser = argparse.ArgumentParser(
        prog=prog or "bvas data synth",
        description="Make synthetic matches in SoccerNet's layout, with labels.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="data root to write to")
    parser.add_argument(
        "--matches", type=int, default=None, metavar="N", help="labelled matches (default: 7)"
    )
    parser.add_argument(
        "--challenge-matches",
        type=int,
        default=None,
        metavar="N",
        help="matches without labels (default: 2, or 0 where --matches is given)",
    )
    parser.add_argument(
        "--task",
        choices=["ball", "ball12", "action"],
        default="ball",
        help="what is annotated: 2 or 12 labels of ball spotting, or the 17 of Action Spotting (default: ball)",
    )
    parser.add_argument(
        "--preset",
        choices=["plain", "broadcast"],
        default="plain",
        help="broadcast adds cuts, close-ups, replays, feints, one-touch play and changing light (default: plain)",
    )
    parser.add_argument(
        "--minutes", type=float, default=10.0, metavar="M", help="per match, both halves (default: 10)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="S", help="same seed, same labels and pixels (default: 0)"
    )
    parser.add_argument("--size", type=parse_size, default=(224, 400), metavar="HxW", help="default: 224x400")
    parser.add_argument(
        "--fps", type=float, default=25.0, metavar="F", help="frames per second (default: 25)"
    )
    parser.add_argument("--codec", choices=["h264", "hevc"], default="h264", help="default: h264")
    parser.add_argument(
        "--keyframe-interval", type=int, default=250, metavar="N", help="in frames (default: 250)"
    )
    parser.add_argument(
        "--jobs", type=int, default=None, metavar="N", help="processes (default: one per core)"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Render the league."""
    from bvas.synthetic.config import SyntheticConfig
    from bvas.synthetic.league import make_league
    from bvas.synthetic.presets import with_preset
    from bvas.system.atomic_files import check_writable

    challenge = args.challenge_matches
    if challenge is None:
        challenge = 2 if args.matches is None else 0
    config = SyntheticConfig(
        matches=7 if args.matches is None else args.matches,
        challenge_matches=challenge,
        minutes=args.minutes,
        size=args.size,
        rate=args.fps,
        codec=args.codec,
        keyframe_interval=args.keyframe_interval,
        seed=args.seed,
        task=args.task,
    )
    config = with_preset(config, args.preset)
    check_writable(args.out)
    with progress_bar("rendering", "frame", quiet=args.quiet) as progress:
        make_league(args.out, config, progress=lambda done: progress(done, config.num_frames), jobs=args.jobs)
    logger.info(
        "in %s: %s and %s",
        args.out,
        count_text(config.matches, "labelled match"),
        count_text(challenge, "challenge match"),
    )
    return OK


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(build_parser(prog), run, argv)
