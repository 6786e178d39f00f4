"""Options of the verbs: each is spelled and described here, once."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from bvas.commands.option_values import parse_rate, parse_time
from bvas.system.devices import EngineName

if TYPE_CHECKING:
    from bvas.video.container.read_options import ReadOptions

# A parser, or a group of one.
Options = argparse._ActionsContainer
_OF_HUB = "or hf:OWNER/NAME@REVISION of the Hugging Face Hub"


def add_data(parser: Options) -> None:
    """Add --data."""
    parser.add_argument("--data", type=Path, default=Path("data"), help="data root (default: ./data)")


def add_folders(parser: Options, *, data: bool = True) -> None:
    """Add --runs and, where labels or matches are needed, --data."""
    if data:
        add_data(parser)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="runs folder (default: ./runs)")


def add_scratch(parser: Options) -> None:
    """Add --scratch."""
    parser.add_argument(
        "--scratch",
        type=Path,
        metavar="DIR",
        help="where remote videos are copied to while they are used (default: the system's temporary folder)",
    )


def add_experiment(parser: Options, help: str = "config name or path") -> None:
    """Add the argument NAME, as `args.experiment`."""
    parser.add_argument("experiment", metavar="NAME", help=f"{help}; {_OF_HUB}")


def add_experiment_option(
    parser: Options, help: str = "config name or path", *, required: bool = False
) -> None:
    """Add --experiment."""
    parser.add_argument("--experiment", required=required, metavar="NAME", help=f"{help}; {_OF_HUB}")


def add_hub_address(parser: Options, revision: str) -> None:
    """Add the argument hf:OWNER/NAME[@REVISION], as `args.address`; `revision` describes what may follow the @."""
    parser.add_argument(
        "address", metavar="hf:OWNER/NAME[@REVISION]", help=f"repository of models ({revision})"
    )


def add_folds(parser: Options, what: str, *, default: str | None = "all") -> None:
    """Add --folds; `what` describes the folds and the default."""
    parser.add_argument("--folds", default=default, metavar="0,3", help=what)


def add_fold(parser: Options) -> None:
    """Add --fold."""
    parser.add_argument("--fold", type=int, metavar="K", help="held-out fold (default: the lowest)")


def add_seed(parser: Options, what: str, *, default: int | None = None) -> None:
    """Add --seed."""
    parser.add_argument("--seed", type=int, default=default, metavar="S", help=what)


def add_out(
    parser: Options, what: str, *, metavar: str = "DIR", default: Path | None = None, required: bool = False
) -> None:
    """Add --out; `what` names the place that is the default."""
    parser.add_argument("--out", type=Path, default=default, required=required, metavar=metavar, help=what)


def add_overwrite(parser: Options, what: str) -> None:
    """Add --overwrite."""
    parser.add_argument("--overwrite", action="store_true", help=what)


def add_json(parser: Options) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def add_challenge(parser: Options, what: str) -> None:
    """Add --challenge."""
    parser.add_argument("--challenge", action="store_true", help=what)


def add_postprocessing(
    parser: Options, what: str = "rules from 'bvas experiment tune', in place of the experiment's own"
) -> None:
    """Add --postprocessing."""
    parser.add_argument("--postprocessing", type=Path, metavar="FILE", help=what)


def add_confidence(parser: Options, default: str = "the operating point") -> None:
    """Add --confidence."""
    parser.add_argument(
        "--confidence",
        type=float,
        metavar="P",
        help=f"spots with at least this confidence (default: {default})",
    )


def add_tolerance(parser: Options) -> None:
    """Add --tolerance."""
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.5,
        metavar="S",
        help="largest distance in seconds between a spot and its annotation (default: 0.5)",
    )


def add_video_of(parser: Options) -> None:
    """Add --video, the files of the parts of a recording."""
    parser.add_argument(
        "--video",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="video of the results, where it moved or is not recorded (repeat for each part, in order)",
    )


def add_span(parser: Options) -> None:
    """Add --from and --to, as `args.from_seconds` and `args.to_seconds`."""
    for name, default, what in (("from", 0.0, "start"), ("to", None, "end")):
        parser.add_argument(
            f"--{name}",
            dest=f"{name}_seconds",
            type=parse_time,
            default=default,
            metavar="T",
            help=f"{what} in seconds or mm:ss, on the timeline of all parts",
        )


def add_precision(parser: Options) -> None:
    """Add --precision."""
    parser.add_argument(
        "--precision",
        default="auto",
        choices=["auto", "float32", "bfloat16", "float16"],
        help="number format of the computation (default: float16 on CUDA, float32 on a CPU)",
    )


def add_inference(parser: Options) -> None:
    """Add --precision, --engine, --stride, --compute-repeats and --strict: how scores are computed."""
    add_precision(parser)
    parser.add_argument(
        "--engine",
        default="auto",
        choices=get_args(EngineName),
        help="library that computes (default: the one that is measured to be fastest on a CPU, torch on CUDA)",
    )
    parser.add_argument(
        "--stride",
        type=int,
        default=1,
        metavar="N",
        help="compute the scores of every Nth frame and interpolate between them (default: 1)",
    )
    parser.add_argument(
        "--compute-repeats",
        action="store_true",
        help="compute the scores of byte-equal frames again instead of once; the results are the same",
    )
    add_strict(parser)


def add_strict(parser: Options) -> None:
    """Add --strict."""
    parser.add_argument("--strict", action="store_true", help="fail where a frame cannot be decoded")


def add_intervals(parser: Options) -> None:
    """Add --intervals."""
    parser.add_argument(
        "--intervals",
        type=Path,
        metavar="FILE",
        help="intervals: a .csv, ActivityNet's .json, a dataset.json, or a folder that holds intervals.csv",
    )


def add_spots(parser: Options, default: str = "") -> None:
    """Add --spots; `default` ends its description."""
    parser.add_argument(
        "--spots",
        type=Path,
        metavar="SPOTS",
        help=f"a folder that bvas spot wrote, or a file of spots: .json, .csv or .jsonl{default}",
    )


def add_training(parser: Options) -> None:
    """Add --jobs, --on-error and --allow-siblings: how folds are trained."""
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="folds at a time, each in its own process, on the GPUs in turn (default: 1)",
    )
    parser.add_argument(
        "--on-error",
        choices=["raise", "skip"],
        default="raise",
        help="a clip that cannot be decoded: stop, or draw another clip and count it (default: raise)",
    )
    parser.add_argument(
        "--allow-siblings",
        action="store_true",
        help="train although copies of samples are in other folds or splits; the run records it",
    )


def add_reading(parser: Options, rate: str = "") -> None:
    """Add --stream, --rate and --tone: how a video is read; `rate` ends the description of --rate."""
    group = parser.add_argument_group("how a video is read")
    group.add_argument(
        "--stream",
        type=int,
        metavar="N",
        help="number of the video stream, as ffprobe counts all streams of the file (default: the best one)",
    )
    group.add_argument(
        "--rate",
        type=parse_rate,
        metavar="R",
        help="frames per second of a source whose frames have no times, such as .h264 (default: what its headers "
        f"say){rate}",
    )
    group.add_argument(
        "--tone",
        choices=["sdr", "none"],
        default="sdr",
        help="HDR (PQ, HLG) is mapped to SDR, or only shifted to 8 bits (default: sdr)",
    )


def reading_of(args: argparse.Namespace) -> "ReadOptions":
    """Return the options of `add_reading`.

    Raises:
        ConfigError: a stream below 0.
    """
    from bvas.video.container.read_options import ReadOptions

    return ReadOptions(stream=args.stream, rate=args.rate, tone=args.tone)


def add_no_cache(parser: Options) -> None:
    """Add --no-cache."""
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write indexes of videos")


def add_decode(parser: Options) -> None:
    """Add --decode."""
    parser.add_argument("--decode", action="store_true", help="decode every frame, to find lost frames")


def add_crf(parser: Options, default: int = 18) -> None:
    """Add --crf."""
    parser.add_argument(
        "--crf",
        type=int,
        default=default,
        metavar="N",
        help=f"quality, 0 (best) to 51 (default: {default})",
    )


def add_codec(parser: Options) -> None:
    """Add --codec."""
    parser.add_argument("--codec", choices=["h264", "hevc"], default="h264", help="default: h264")


def add_coding(parser: Options, *, keyframe_interval: int) -> None:
    """Add --codec and --keyframe-interval: how a video is written."""
    add_codec(parser)
    parser.add_argument(
        "--keyframe-interval",
        type=int,
        default=keyframe_interval,
        metavar="N",
        help=f"in frames (default: {keyframe_interval})",
    )


def add_device(parser: Options) -> None:
    """Add --device."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")


def add_workers(parser: Options) -> None:
    """Add --device and --workers, the loader's processes: what trains."""
    add_device(parser)
    parser.add_argument(
        "--workers",
        default="auto",
        help="loader processes: a number (of pyav), or by decoder, e.g. nvdec=3,opencv=1; 0 decodes in this "
        "process (default: auto)",
    )


def add_backend(parser: Options) -> None:
    """Add --device and --backend, the decoder: what predicts."""
    from bvas.video.decode.backends import BACKENDS

    add_device(parser)
    parser.add_argument(
        "--backend", default="auto", choices=["auto", *BACKENDS], help="decoder (default: auto)"
    )
