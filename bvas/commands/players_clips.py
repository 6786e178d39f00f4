"""Cut each player's windows out of videos, as a data set of clips with classes to train an experiment of kind clip.

Players and actions come from results of 'bvas players', corrected by hand or not, or from files of tracks and actions.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.class_run import with_time_left
from bvas.commands.console import progress_bar
from bvas.commands.option_values import parse_size
from bvas.errors import ConfigError, DataError

if TYPE_CHECKING:
    from bvas.players.clip_dataset import PlayersOfVideo


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas players clips`."""
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="any file that FFmpeg reads")
    who = parser.add_argument_group("players, of each video in the same order")
    who.add_argument(
        "--results",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="folders that 'bvas players' wrote (default: ./players/<video's name>)",
    )
    who.add_argument(
        "--tracks", nargs="+", type=Path, metavar="FILE", help="MOT files with a box in each frame"
    )
    who.add_argument(
        "--actions", nargs="+", type=Path, metavar="FILE", help="tables: player,from_frame,to_frame,label"
    )
    which = parser.add_argument_group("which clips")
    which.add_argument("--labels", default="", metavar="A,B", help="only these classes (default: all)")
    which.add_argument(
        "--per-class",
        type=int,
        default=100,
        metavar="N",
        help="most clips of a class from each video (default: 100)",
    )
    options.add_seed(which, "random seed of the choice (default: 0)", default=0)
    form = parser.add_argument_group("form of the clips")
    form.add_argument("--frames", type=int, default=16, metavar="T", help="frames (default: 16)")
    form.add_argument("--rate", type=float, default=10.0, metavar="F", help="frames per second (default: 10)")
    form.add_argument(
        "--size",
        type=parse_size,
        default=(176, 128),
        metavar="HxW",
        help="boxes are widened to its aspect (default: 176x128)",
    )
    options.add_out(parser, "data root of the clips, an empty folder", required=True)


def run(args: argparse.Namespace) -> None:
    """Cut the clips, and print how many there are of each class."""
    videos = _videos(args)
    from bvas.players.clip_dataset import make_player_clips
    from bvas.players.labelled_windows import PlayerClipsConfig
    from bvas.system.atomic_files import check_writable
    from bvas.values.plural import count_text

    config = PlayerClipsConfig(
        size=args.size,
        rate=args.rate,
        num_frames=args.frames,
        per_class=args.per_class,
        labels=tuple(label.strip() for label in args.labels.split(",") if label.strip()),
        seed=args.seed,
    )
    check_writable(args.out)
    with progress_bar("clips", "clip", quiet=args.quiet) as bar:
        counts = make_player_clips(args.out, videos, config, progress=with_time_left(bar, "clip"))
    for label, count in counts.items():
        print(f"{count:7} {label}")
    print(f"{count_text(sum(counts.values()), 'clip')} in {args.out / 'dataset.json'}")


def _videos(args: argparse.Namespace) -> "list[PlayersOfVideo]":
    """Return the videos with their files, and refuse options that do not go together."""
    from bvas.players.clip_dataset import PlayersOfVideo
    from bvas.results.recording_folder import default_folder
    from bvas.video.container.read_options import source_of

    for video in args.videos:
        if not video.exists():
            raise DataError(f"no file {video}")
    num_videos = len(args.videos)

    def files(name: str) -> Sequence[Path]:
        given: Sequence[Path] = getattr(args, name)
        if len(given) != num_videos:
            raise ConfigError(
                f"--{name} names {len(given)}, and VIDEO {num_videos}; give one for each video, in their order"
            )
        return given

    if args.tracks is not None or args.actions is not None:
        if args.results is not None or args.tracks is None or args.actions is None:
            raise ConfigError("give --tracks and --actions together, or --results alone")
        rows = zip(args.videos, files("tracks"), files("actions"), strict=True)
        return [
            PlayersOfVideo(video=video, tracks=tracks, actions=actions) for video, tracks, actions in rows
        ]
    folders = (
        [default_folder(source_of(str(video)), "players") for video in args.videos]
        if args.results is None
        else files("results")
    )
    return [
        PlayersOfVideo(video=video, results=folder)
        for video, folder in zip(args.videos, folders, strict=True)
    ]
