"""Runner of the verbs: exit codes, error lines, progress bars."""

import argparse
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from traceback import format_exception
from types import TracebackType
from typing import Any

from bvas.errors import BvasError, redacted
from bvas.system.extras import missing_train, need_train
from bvas.system.file_names import shown_name, shown_text
from bvas.system.log_lines import set_up_logging, set_up_streams, users_line
from bvas.values.progress import Progress

OK = 0
WRONG_INPUT = 2
DONE_IN_PART = 3
INTERRUPTED = 130


def run_command(
    parser: argparse.ArgumentParser,
    run: Callable[[argparse.Namespace], int | None],
    argv: Sequence[str],
    *,
    needs_train: bool = False,
) -> int:
    """Parse, run, and report faults of users and files as one line and exit code 2; a run that returns None is OK.

    Args:
        parser: Parser with the options.
        run: The verb.
        argv: Words behind the verb.
        needs_train: It does nothing without the extra `train`, and says so before any work.
    """
    parser.add_argument("--quiet", action="store_true", help="no progress bars, warnings only")
    set_up_streams()
    sys.excepthook = _print_failure
    args = _parsed(parser, argv)
    set_up_logging(logging.WARNING if args.quiet else logging.INFO, logging.StreamHandler(sys.stderr))
    try:
        if needs_train:
            need_train()
        code = run(args) or OK
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader, such as `| head`, has closed the pipe. The rest would fail again when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (BvasError, OSError, ModuleNotFoundError) as error:
        message = missing_train(error) if isinstance(error, ModuleNotFoundError) else users_line(error)
        if message is None:
            raise
        print(redacted(f"{parser.prog}: {message}"), file=sys.stderr)
        return WRONG_INPUT


def _print_failure(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of our own failure as Python does, without the secrets of addresses."""
    sys.stderr.write(redacted("".join(format_exception(kind, error, trace))))


def _parsed(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Return the arguments; argparse's messages about wrong ones show no secret of an address."""
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            return parser.parse_args(argv)
    finally:
        sys.stderr.write(redacted(said.getvalue()))


def partial_code(num_failed: int, num_tried: int) -> int:
    """Return the exit code of a verb that continues after failures."""
    if not num_failed:
        return OK
    return DONE_IN_PART if num_failed < num_tried else WRONG_INPUT


def json_shown(value: Any) -> str:
    """Return indented JSON for standard output, in ASCII where that is not UTF-8."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return shown_text(json.dumps(value, indent=2, ensure_ascii=not is_utf8))


@contextmanager
def progress_bar(title: str, unit: str, *, quiet: bool, place: int | None = None) -> Iterator[Progress]:
    """Yield a function of (done, total) that moves a bar with rate and remaining time; silent without a terminal.

    Args:
        title: Text before the bar.
        unit: Unit of the counts.
        quiet: Show nothing.
        place: Line of the bar among several, from 0; the line is free again when the bar is done. None: the only bar.
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
                # Work of an earlier run says nothing about the rate.
                bar.initial = bar.n = bar.last_print_n = done
            bar.total = total
            if note:
                bar.set_postfix_str(note, refresh=False)
            bar.update(done - bar.n)

        yield report
