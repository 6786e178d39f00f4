"""Find the players of a video, follow each, and name what he does.

Players are found by a detector, read from a file of detections, or drawn by hand (--roi, --choose). The results are a
table, MOT tracks, JSON, and the video with boxes, names and actions drawn on it.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.classifier_choice import add_classifier, check_classifier, chosen_classifier
from bvas.commands.option_values import parse_roi
from bvas.errors import ConfigError, DataError
from bvas.video.container.read_options import source_of

if TYPE_CHECKING:
    from bvas.players.rois import Roi


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas players`."""
    parser.add_argument("video", metavar="VIDEO", help="any file that FFmpeg reads")
    who = parser.add_argument_group("players")
    found = who.add_mutually_exclusive_group()
    found.add_argument(
        "--detector",
        metavar="NAME|FILE",
        default="auto",
        help="a torchvision detector, an .onnx or .safetensors file, or 'none' to follow drawn boxes (default: by "
        "device, a Faster R-CNN with its published weights)",
    )
    found.add_argument(
        "--detections", type=Path, metavar="FILE", help="detections of any system: MOT, COCO JSON or CSV"
    )
    who.add_argument(
        "--detector-weights",
        type=Path,
        metavar="FILE",
        help="weights of a torchvision detector (default: download them)",
    )
    who.add_argument(
        "--detector-description",
        type=Path,
        metavar="FILE",
        help="what goes into an .onnx detector and comes out of it (default: the .json beside it)",
    )
    who.add_argument(
        "--threshold",
        type=float,
        metavar="P",
        help="least confidence of a detection (default: the detector's); players begin with one of 0.5, or of P where "
        "that is lower",
    )
    who.add_argument(
        "--detector-stride",
        type=float,
        metavar="S",
        help="least seconds from one detection to the next, 0 for each frame (default: 0.033); boxes between them are "
        "interpolated",
    )
    who.add_argument("--players", type=int, metavar="N", help="never more than N players")
    who.add_argument(
        "--roi",
        action="append",
        default=[],
        type=parse_roi,
        metavar="X,Y,W,H[@TIME]",
        help="a box around a player, in pixels; only drawn players are kept (repeat)",
    )
    who.add_argument("--rois", type=Path, metavar="FILE", help="boxes that the page of --choose has saved")
    page = parser.add_argument_group("page")
    page.add_argument(
        "--choose",
        action="store_true",
        help="write a page to draw boxes around players, and to correct the results that are there; nothing else",
    )
    page.add_argument(
        "--corrections",
        type=Path,
        metavar="FILE",
        help="apply what the page has saved to the results, nothing else",
    )
    from bvas.commands.report import add_previews

    add_previews(page)
    add_classifier(parser)
    parser.add_argument("--no-actions", action="store_true", help="tracks only; needs no experiment")
    parser.add_argument(
        "--every",
        type=float,
        default=0.8,
        metavar="S",
        help="seconds from one action of a player to the next (default: 0.8)",
    )
    parser.add_argument("--no-video", action="store_true", help="draw no video")
    options.add_out(parser, "default: ./players/<video's name>")
    options.add_overwrite(parser, "replace results of another video")
    options.add_precision(parser)
    options.add_strict(parser)
    options.add_device(parser)
    options.add_folders(parser, data=False)


def run(args: argparse.Namespace) -> int:
    """Write the page, apply corrections, or find the players."""
    source = source_of(args.video)
    if not source.is_indexable:
        raise ConfigError(f"{source.name} is a {source.kind}; bvas players takes files: {source.remedy}")
    if not source.path.exists():
        raise DataError(f"no file {source.path}")
    rois = _checked_rois(args, source.path)
    from bvas.commands.players_by_hand import correct, write_page
    from bvas.results.recording_folder import default_folder
    from bvas.results.store import PLAYERS_VIDEO_NAME

    out: Path = args.out or default_folder(source, "players")
    if source.path.resolve() == (out / PLAYERS_VIDEO_NAME).resolve():
        raise ConfigError(f"{source.path} would be replaced by the annotated video; take another --out")
    if args.choose:
        write_page(args, source, out)
    elif args.corrections is not None:
        correct(args, source, out)
    else:
        from bvas.commands.players_run import PlayersRun
        from bvas.inference.class_windows import check_spacing

        check_spacing(args.every, None)
        check_classifier(args)
        classifier = None if args.no_actions else chosen_classifier(args, "bvas players")
        PlayersRun(args, source, out, rois).find(classifier)
    return 0


def _checked_rois(args: argparse.Namespace, video: Path) -> "list[Roi]":
    """Return the drawn boxes, and refuse options that do not go together."""
    from bvas.detection.detector_choice import NO_DETECTOR
    from bvas.players.rois import read_rois

    rois = [*args.roi, *(() if args.rois is None else read_rois(args.rois, video))]
    if args.choose and args.corrections is not None:
        raise ConfigError(
            "--choose writes a page, and --corrections applies what it has saved; take one of them"
        )
    if args.detector == NO_DETECTOR and not rois and not args.choose and args.corrections is None:
        raise ConfigError(
            "--detector none follows drawn boxes, and none is given; draw them with --roi X,Y,W,H@TIME, or on the page "
            "of --choose"
        )
    if args.detector == NO_DETECTOR and args.players is not None:
        raise ConfigError("--players limits what a detector finds; drawn boxes are as many as are drawn")
    _check_detector_options(args)
    if args.no_actions and (args.experiment or args.model):
        raise ConfigError("--no-actions needs no --experiment and no --model")
    return rois


def _check_detector_options(args: argparse.Namespace) -> None:
    """Refuse options of a detector where none is used."""
    from bvas.detection.detector_choice import NO_DETECTOR

    if args.detections is not None:
        instead = "--detections, whose boxes are there"
    elif args.detector == NO_DETECTOR:
        instead = "--detector none"
    else:
        return
    names = ["detector_weights", "detector_description", "detector_stride"]
    if args.detections is None:
        names.append("threshold")
    for name in names:
        if getattr(args, name) is not None:
            raise ConfigError(f"--{name.replace('_', '-')} is of a detector, and does not go with {instead}")
