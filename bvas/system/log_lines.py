"""Log lines and error lines of a process, without the secrets of addresses."""

import errno
import io
import logging
import sys

from bvas.errors import BvasError, redacted
from bvas.system.file_names import ERROR_HANDLER

# Errors of full and read-only disks, and of missing permissions.
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM)
# Errors of paths that no file can have, as lists and JSON files may hold them.
_NAME_ERRORS = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR)
_MOST_LETTERS = 1000


def set_up_streams() -> None:
    """Let standard output and error take any text in any encoding: see `ERROR_HANDLER`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERROR_HANDLER)


class _WithoutSecrets(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the line; addresses in messages of other libraries show no secret."""
        return redacted(super().format(record))


def set_up_logging(level: int, handler: logging.Handler) -> None:
    """Send the log lines of the process to a handler, without remarks of other libraries."""
    handler.setFormatter(_WithoutSecrets("%(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for package in "timm matplotlib PIL torch huggingface_hub libav".split():
        logging.getLogger(package).setLevel(logging.ERROR)
    # They raise what they log, and log it with a traceback.
    for package in "aiobotocore botocore azure fsspec s3fs gcsfs".split():
        logging.getLogger(package).setLevel(logging.CRITICAL)


def users_line(error: BvasError | OSError) -> str | None:
    """Return the line about an error that users can fix; None for an error of the system that they cannot."""
    if isinstance(error, BvasError):
        # Notes name the place in the work: which clip, which worker.
        return short_line("; ".join([str(error), *getattr(error, "__notes__", ())]))
    where = error.filename or "a file"
    if error.errno in _NAME_ERRORS:
        return short_line(f"{where}: {error.strerror}; give the path of an existing file")
    if error.errno not in _DISK_ERRORS:
        return None
    return f"{where}: {error.strerror}; free space, fix the permissions, or choose another folder"


def short_line(text: str) -> str:
    """Return a message; a very long one loses its middle, as files may hold values of any length."""
    if len(text) <= _MOST_LETTERS:
        return text
    return f"{text[: _MOST_LETTERS * 2 // 3]} ... {text[-_MOST_LETTERS // 3 :]}"


def first_line(error: BaseException) -> str:
    """Return the first line of an error of another library, without the advice and traces that follow it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
