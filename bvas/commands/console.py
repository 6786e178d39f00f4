"""What all commands share: options, log lines, progress bars, exit codes."""

import argparse
import errno
import io
import json
import logging
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from fractions import Fraction
from pathlib import Path
from traceback import format_exception
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bvas.errors import BvasError, ConfigError, redacted
from bvas.system.file_names import ERROR_HANDLER, shown_name, shown_text

if TYPE_CHECKING:
    from bvas.video.container.read_options import ReadOptions

# What a full or read-only disk and missing permissions give, wherever they strike.
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM)
# What a path in a list or a JSON file can be that no file has.
_NAME_ERRORS = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR)
_MOST_LETTERS = 1000

OK = 0
WRONG_INPUT = 2
DONE_IN_PART = 3
INTERRUPTED = 130


def run_command(
    parser: argparse.ArgumentParser,
    run: Callable[[argparse.Namespace], int],
    argv: Sequence[str] | None,
) -> int:
    """Parse, run, and turn what users and files did wrong into one line and exit code 2."""
    parser.add_argument("--quiet", action="store_true", help="no progress bars, warnings only")
    set_up_streams()
    sys.excepthook = _print_failure
    args = _parsed(parser, argv)
    set_up_logging(logging.WARNING if args.quiet else logging.INFO, logging.StreamHandler(sys.stderr))
    try:
        code = run(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # `| head` has seen enough. What is left would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (BvasError, OSError) as error:
        message = users_line(error)
        if message is None:
            raise
        print(redacted(f"{parser.prog}: {message}"), file=sys.stderr)
        return WRONG_INPUT


def set_up_streams() -> None:
    """Let standard output and error take any text, whatever their encoding: see `ERROR_HANDLER`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERROR_HANDLER)


def _print_failure(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of our own failure as Python does, without the secrets of addresses."""
    sys.stderr.write(redacted("".join(format_exception(kind, error, trace))))


def _parsed(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the arguments; what argparse says of wrong ones shows no secret of an address."""
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            return parser.parse_args(argv)
    finally:
        sys.stderr.write(redacted(said.getvalue()))


class _WithoutSecrets(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the line; an address that another library names shows no secret."""
        return redacted(super().format(record))


def json_shown(value: Any) -> str:
    """Return indented JSON for standard output, in ASCII where that is not UTF-8."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return shown_text(json.dumps(value, indent=2, ensure_ascii=not is_utf8))


def set_up_logging(level: int, handler: logging.Handler) -> None:
    """Send the process's log lines to a handler, without what libraries have to tell."""
    handler.setFormatter(_WithoutSecrets("%(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("timm", "matplotlib", "PIL", "torch", "huggingface_hub", "libav"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def users_line(error: BvasError | OSError) -> str | None:
    """Return the line about an error that users can mend; None about one of the system that they cannot."""
    if isinstance(error, BvasError):
        # Notes say where in the work it happened: which clip, which worker.
        return short_line("; ".join([str(error), *getattr(error, "__notes__", ())]))
    where = error.filename or "a file"
    if error.errno in _NAME_ERRORS:
        return short_line(f"{where}: {error.strerror}; give the path of a file that is there")
    if error.errno not in _DISK_ERRORS:
        return None
    return f"{where}: {error.strerror}; free space, mend the permissions, or choose another folder"


def short_line(text: str) -> str:
    """Return a message without its middle where it is very long: files may hold values of any length."""
    if len(text) <= _MOST_LETTERS:
        return text
    return f"{text[: _MOST_LETTERS * 2 // 3]} ... {text[-_MOST_LETTERS // 3 :]}"


def add_folders(parser: argparse.ArgumentParser, *, data: bool = True) -> None:
    """Add --runs and, where labels or matches are needed, --data."""
    if data:
        parser.add_argument("--data", type=Path, default=Path("data"), help="data root (default: ./data)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="runs folder (default: ./runs)")


def add_postprocessing(
    parser: argparse.ArgumentParser,
    what: str = "rules from 'bvas experiment tune', in place of the experiment's own",
) -> None:
    """Add --postprocessing."""
    parser.add_argument("--postprocessing", type=Path, metavar="FILE", help=what)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add --stream, --rate and --tone: choices about how a video is read."""
    group = parser.add_argument_group("how a video is read")
    group.add_argument(
        "--stream",
        type=int,
        default=None,
        metavar="N",
        help="number of the video stream, as ffprobe counts all streams of the file (default: the best one)",
    )
    group.add_argument(
        "--rate",
        type=parse_rate,
        default=None,
        metavar="R",
        help="frames per second of a source whose frames have no times, such as .h264 (default: what its headers say)",
    )
    group.add_argument(
        "--tone",
        choices=["sdr", "none"],
        default="sdr",
        help="HDR (PQ, HLG) is mapped to SDR, or only shifted to 8 bits (default: sdr)",
    )


def reading_of(args: argparse.Namespace) -> "ReadOptions":
    """Return what `add_reading` was given.

    Raises:
        ConfigError: a stream below 0.
    """
    from bvas.video.container.read_options import ReadOptions

    return ReadOptions(stream=args.stream, rate=args.rate, tone=args.tone)


def add_machine(parser: argparse.ArgumentParser, *, workers: bool) -> None:
    """Add what belongs to this machine: --device, and --workers or --backend."""
    from bvas.video.decode.backends import backend_names

    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    if workers:
        parser.add_argument(
            "--workers",
            default="auto",
            help="loader processes: a number (of pyav), or by decoder, e.g. nvdec=3,opencv=1; 0 decodes in this "
            "process (default: auto)",
        )
    else:
        parser.add_argument(
            "--backend",
            default="auto",
            choices=["auto", *backend_names()],
            help="decoder (default: auto)",
        )


def parse_workers(text: str) -> dict[str, int] | Literal["auto"]:
    """Return the loader's worker mix for `auto`, `0`, `2` or `nvdec=3,opencv=1`.

    Raises:
        ConfigError: the text is none of these.
    """
    from bvas.video.decode.backends import backend_names

    if text == "auto":
        return "auto"
    if text.isdecimal():
        return {"pyav": int(text)} if int(text) else {}
    mix: dict[str, int] = {}
    for part in text.split(","):
        backend, _, count = part.partition("=")
        if backend not in backend_names() or not count.isdecimal():
            raise ConfigError(f"workers must be auto, a number, or like nvdec=3,opencv=1; got {text!r}")
        mix[backend] = int(count)
    return mix


class Progress(Protocol):
    """Moves a bar."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show how much is done and how much there is, and behind it a remark."""
        ...


@contextmanager
def progress_bar(title: str, unit: str, *, quiet: bool, place: int | None = None) -> Iterator[Progress]:
    """Yield a function of (done, total) that moves a bar with rate and time left; silent without a terminal.

    Args:
        title: In front of it.
        unit: What is counted.
        quiet: Show nothing.
        place: Of several bars at a time the line, from 0, which is free again when the bar is done; None: the only one.
    """
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    hidden = quiet or not sys.stderr.isatty()
    with ExitStack() as stack:
        if not hidden and place is None:
            # Log lines go above the bar.
            stack.enter_context(logging_redirect_tqdm())
        bar = stack.enter_context(
            tqdm(
                desc=shown_name(title),
                unit=unit,
                disable=hidden,
                dynamic_ncols=True,
                smoothing=0.05,
                position=place,
                leave=place is None,
            )
        )

        def report(done: int, total: int, note: str = "") -> None:
            if bar.total is None:
                # What was done before this start says nothing about the rate.
                bar.initial = bar.n = bar.last_print_n = done
            bar.total = total
            if note:
                bar.set_postfix_str(note, refresh=False)
            bar.update(done - bar.n)

        yield report


def duration_text(seconds: float) -> str:
    """Return a duration for people: `45 s`, `12 min`, `2 h 05 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def parse_time(text: str) -> float:
    """Return the seconds of `90`, `1:30` or `1:02:03.5`; for argparse."""
    parts = text.split(":")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if not 1 <= len(values) <= 3 or not all(0 <= value < math.inf for value in values):
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write seconds, mm:ss or hh:mm:ss")
    seconds = 0.0
    for value in values:
        seconds = seconds * 60 + value
    return seconds


def parse_rate(text: str) -> Fraction:
    """Return frames per second of `25`, `29.97` or `30000/1001`; for argparse."""
    from bvas.video.container.frame_rate import as_rate

    try:
        return as_rate(Fraction(text) if "/" in text else float(text))
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a rate; write frames per second, such as 25, 29.97 or 30000/1001"
        ) from None


def parse_size(text: str) -> tuple[int, int]:
    """Return (H, W) of a text like 224x400; for argparse."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write HxW, e.g. 224x400")
    return int(parts[0]), int(parts[1])


def bytes_text(num_bytes: float) -> str:
    """Return a size for people, in powers of 1000: `640 kB`, `12.5 MB`, `1.9 GB`."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if num_bytes >= size:
            return f"{num_bytes / size:.1f} {unit}"
    return f"{num_bytes / 1e3:.0f} kB"
