"""Make synthetic matches in SoccerNet's layout, or recordings of a mostly empty pitch, with labels."""

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
    parser.add_argument(
        "--matches", type=int, metavar="N", help="labelled matches (default: 7), or recordings (default: 40)"
    )
    parser.add_argument(
        "--challenge-matches",
        type=int,
        metavar="N",
        help="matches without labels (default: 2, or 0 where --matches is given)",
    )
    parser.add_argument(
        "--task",
        choices=["ball", "ball12", "action", "presence"],
        default="ball",
        help="annotated labels: 2 or 12 of ball spotting, the 17 of Action Spotting, or the ranges in which a player "
        "is before a fixed camera (default: ball)",
    )
    parser.add_argument(
        "--preset",
        choices=["plain", "broadcast"],
        default="plain",
        help="broadcast adds cuts, close-ups, replays, feints, one-touch play and changing light (default: plain)",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="per match, both halves (default: 10), or per recording (default: 2)",
    )
    options.add_seed(parser, "random seed of labels and pixels (default: 0)", default=0)
    parser.add_argument(
        "--size", type=parse_size, metavar="HxW", help="default: 224x400, or 180x320 for presence"
    )
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
    """Render the league, or the recordings."""
    from bvas.system.atomic_files import check_writable

    check_writable(args.out)
    if args.task == "presence":
        _make_recordings(args)
    else:
        _make_league(args)


def _make_league(args: argparse.Namespace) -> None:
    from bvas.synthetic.config import SyntheticConfig, with_preset
    from bvas.synthetic.league import make_league

    challenge = args.challenge_matches
    if challenge is None:
        challenge = 2 if args.matches is None else 0
    config = SyntheticConfig(
        matches=7 if args.matches is None else args.matches,
        challenge_matches=challenge,
        minutes=10.0 if args.minutes is None else args.minutes,
        size=args.size or (224, 400),
        rate=args.fps,
        codec=args.codec,
        keyframe_interval=args.keyframe_interval,
        seed=args.seed,
        task=args.task,
        color=not args.gray,
        sound=args.sound,
    )
    config = with_preset(config, args.preset)
    with progress_bar("rendering", "frame", quiet=args.quiet) as progress:
        make_league(args.out, config, progress=lambda done: progress(done, config.num_frames), jobs=args.jobs)
    logger.info(
        "in %s: %s and %s",
        args.out,
        count_text(config.matches, "labelled match"),
        count_text(challenge, "challenge match"),
    )


def _make_recordings(args: argparse.Namespace) -> None:
    from bvas.errors import ConfigError
    from bvas.synthetic.presence import PresenceConfig
    from bvas.synthetic.presence_files import make_recordings

    if args.preset != "plain" or args.challenge_matches:
        raise ConfigError("--preset and --challenge-matches are of matches; --task presence has neither")
    given = {"recordings": args.matches, "minutes": args.minutes, "size": args.size}
    config = PresenceConfig(
        **{name: value for name, value in given.items() if value is not None},
        rate=args.fps,
        codec=args.codec,
        keyframe_interval=args.keyframe_interval,
        seed=args.seed,
        color=not args.gray,
        sound=args.sound,
    )
    with progress_bar("rendering", "recording", quiet=args.quiet) as progress:
        make_recordings(args.out, config, progress=progress, jobs=args.jobs)
    logger.info("in %s: %s", args.out, count_text(config.recordings, "recording"))
