"""Make synthetic matches in SoccerNet's layout, with labels."""

import argparse
import logging

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.commands.option_values import parse_size
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas data synth`."""
    options.add_out(parser, "data root of the matches", required=True)
    parser.add_argument("--matches", type=int, metavar="N", help="labelled matches (default: 7)")
    parser.add_argument(
        "--challenge-matches",
        type=int,
        metavar="N",
        help="matches without labels (default: 2, or 0 where --matches is given)",
    )
    parser.add_argument(
        "--task",
        choices=["ball", "ball12", "action"],
        default="ball",
        help="annotated labels: 2 or 12 of ball spotting, or the 17 of Action Spotting (default: ball)",
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
    options.add_seed(parser, "random seed of labels and pixels (default: 0)", default=0)
    parser.add_argument("--size", type=parse_size, default=(224, 400), metavar="HxW", help="default: 224x400")
    parser.add_argument(
        "--fps", type=float, default=25.0, metavar="F", help="frames per second (default: 25)"
    )
    options.add_coding(parser, keyframe_interval=250)
    parser.add_argument(
        "--gray", action="store_true", help="without chroma: the files of leagues made before there was color"
    )
    parser.add_argument(
        "--sound", action="store_true", help="a tone whose pitch codes the second (docs/synthetic.md)"
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (default: one per core)")


def run(args: argparse.Namespace) -> None:
    """Render the league."""
    from bvas.synthetic.config import SyntheticConfig, with_preset
    from bvas.synthetic.league import make_league
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
        color=not args.gray,
        sound=args.sound,
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
