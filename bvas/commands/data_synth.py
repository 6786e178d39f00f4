"""Make synthetic matches in SoccerNet's layout, recordings of an empty pitch, or clips of actions, with labels."""

import argparse
import logging
from typing import TYPE_CHECKING

from bvas.commands import options, ray_options
from bvas.commands.console import progress_bar
from bvas.commands.option_values import parse_size
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.system.jobs.job import MakeExecutor

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas data synth`."""
    options.add_out(parser, "data root of the matches", required=True)
    parser.add_argument(
        "--matches",
        type=int,
        metavar="N",
        help="labelled matches (default: 7), recordings (default: 40), or matches of clips (default: 20)",
    )
    parser.add_argument(
        "--challenge-matches",
        type=int,
        metavar="N",
        help="matches without labels (default: 2, or 0 where --matches is given)",
    )
    parser.add_argument(
        "--task",
        choices=["ball", "ball12", "action", "presence", "clips"],
        default="ball",
        help="annotated labels: 2 or 12 of ball spotting, the 17 of Action Spotting, the ranges in which a player "
        "is before a fixed camera, or one of ten actions for each clip of a player (default: ball)",
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
    parser.add_argument("--clips", type=int, metavar="N", help="clips of all matches (default: 3000)")
    parser.add_argument(
        "--balanced",
        action="store_true",
        help="clips: as many of each action, and not in SpaceJam's proportions",
    )
    options.add_seed(parser, "random seed of labels and pixels (default: 0)", default=0)
    parser.add_argument(
        "--size",
        type=parse_size,
        metavar="HxW",
        help="default: 224x400, 180x320 for presence, 176x128 for clips",
    )
    parser.add_argument(
        "--fps", type=float, metavar="F", help="frames per second (default: 25, or 10 for clips)"
    )
    options.add_coding(parser, keyframe_interval=250)
    parser.add_argument(
        "--gray", action="store_true", help="without chroma: the files of leagues made before there was color"
    )
    parser.add_argument(
        "--sound", action="store_true", help="a tone whose pitch codes the second (docs/synthetic.md)"
    )
    parser.add_argument(
        "--boxes",
        action="store_true",
        help="matches: true boxes and actions of all players, beside each video (docs/synthetic.md); those of a "
        "league that is there are added",
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (default: one per core)")
    ray_options.add_ray(parser, gpus=False)


def run(args: argparse.Namespace) -> None:
    """Render the league, the recordings, or the clips."""
    from bvas.errors import ConfigError
    from bvas.system.atomic_files import check_writable

    check_writable(args.out)
    make_executor = ray_options.ray_maker(args, args.out, "jobs")
    if args.boxes and args.task in ("presence", "clips"):
        raise ConfigError(f"--boxes are of matches; --task {args.task} has none")
    if args.task == "clips":
        _make_clips(args, make_executor)
        return
    if args.clips is not None or args.balanced:
        raise ConfigError(f"--clips and --balanced are of --task clips; --task {args.task} has neither")
    if args.task == "presence":
        _make_recordings(args, make_executor)
    else:
        _make_league(args, make_executor)


def _make_league(args: argparse.Namespace, make_executor: "MakeExecutor | None") -> None:
    from bvas.synthetic.config import SyntheticConfig, with_preset
    from bvas.synthetic.league import make_league
    from bvas.synthetic.player_truth import add_player_truth
    from bvas.video.container.frame_rate import as_rate

    challenge = args.challenge_matches
    if challenge is None:
        challenge = 2 if args.matches is None else 0
    config = SyntheticConfig(
        matches=7 if args.matches is None else args.matches,
        challenge_matches=challenge,
        minutes=10.0 if args.minutes is None else args.minutes,
        size=args.size or (224, 400),
        rate=as_rate(25.0 if args.fps is None else args.fps),
        codec=args.codec,
        keyframe_interval=args.keyframe_interval,
        seed=args.seed,
        task=args.task,
        color=not args.gray,
        sound=args.sound,
    )
    config = with_preset(config, args.preset)
    with progress_bar("rendering", "frame", quiet=args.quiet) as progress:
        league = make_league(
            args.out,
            config,
            progress=lambda done: progress(done, config.num_frames),
            jobs=args.jobs,
            make_executor=make_executor,
        )
    if args.boxes:
        with progress_bar("boxes", "half", quiet=args.quiet) as progress:
            add_player_truth(league, config, progress=progress, jobs=args.jobs, make_executor=make_executor)
    logger.info(
        "in %s: %s and %s",
        args.out,
        count_text(config.matches, "labelled match"),
        count_text(challenge, "challenge match"),
    )


def _make_recordings(args: argparse.Namespace, make_executor: "MakeExecutor | None") -> None:
    from bvas.errors import ConfigError
    from bvas.synthetic.presence import PresenceConfig
    from bvas.synthetic.presence_files import make_recordings

    if args.preset != "plain" or args.challenge_matches:
        raise ConfigError("--preset and --challenge-matches are of matches; --task presence has neither")
    given = {"recordings": args.matches, "minutes": args.minutes, "size": args.size, "rate": args.fps}
    config = PresenceConfig(
        **{name: value for name, value in given.items() if value is not None},
        codec=args.codec,
        keyframe_interval=args.keyframe_interval,
        seed=args.seed,
        color=not args.gray,
        sound=args.sound,
    )
    with progress_bar("rendering", "recording", quiet=args.quiet) as progress:
        make_recordings(args.out, config, progress=progress, jobs=args.jobs, make_executor=make_executor)
    logger.info("in %s: %s", args.out, count_text(config.recordings, "recording"))


def _make_clips(args: argparse.Namespace, make_executor: "MakeExecutor | None") -> None:
    from bvas.errors import ConfigError
    from bvas.synthetic.clip_config import LABELS, ClipSetConfig
    from bvas.synthetic.clip_files import make_clips

    if args.preset != "plain" or args.challenge_matches or args.minutes is not None or args.sound:
        raise ConfigError(
            "--preset, --challenge-matches, --minutes and --sound are of matches or recordings; --task clips has none"
        )
    given = {"matches": args.matches, "clips": args.clips, "size": args.size, "rate": args.fps}
    if args.balanced:
        given["proportions"] = (1.0,) * len(LABELS)
    config = ClipSetConfig(
        **{name: value for name, value in given.items() if value is not None},
        codec=args.codec,
        keyframe_interval=args.keyframe_interval,
        seed=args.seed,
        color=not args.gray,
    )
    with progress_bar("rendering", "clip", quiet=args.quiet) as progress:
        make_clips(args.out, config, progress=progress, jobs=args.jobs, make_executor=make_executor)
    logger.info(
        "in %s: %s of %s",
        args.out,
        count_text(config.clips, "clip"),
        count_text(config.matches, "match"),
    )
