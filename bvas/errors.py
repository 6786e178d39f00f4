"""What can go wrong that a user or a file did, never what we did.

    BvasError
      x ConfigError      a value that a user wrote (also a ValueError)
      x DataError        a file of labels or results, a data root, a disk
      x BusyError        a folder that another process works in (also a DataError)
      x DecodeError      a video file
      x WorkerError      a loader process that died or does not answer
      x CheckpointError  a file of weights, or of an unfinished run
      x ScoresError      a model whose scores of a video are no numbers
      x TrainingError    a run that came to nothing: its loss is no number any more

A message names the value, the rule and the remedy.
"""

from pathlib import Path

from bvas.redaction import redacted, redacted_url


class BvasError(Exception):
    """The base of all errors that name something the user can fix; no address in its text shows a secret."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(redacted(one) if isinstance(one, str) else one for one in args))


class ConfigError(BvasError, ValueError):
    """A value in a config or on a command line breaks a rule."""


class DataError(BvasError):
    """A file or folder of the data is missing, malformed or cannot be written."""


class BusyError(DataError):
    """A folder is taken by another process."""


class DecodeError(BvasError):
    """A video cannot be opened, or frames of it cannot be decoded.

    Attributes:
        path: The video file; an address without its secrets.
        lost: Indices of the frames that the decoder does not output, half-open;
            None where the file cannot be read at all.
    """

    def __init__(self, message: str, *, path: Path | str, lost: range | None = None) -> None:
        super().__init__(message)
        self.path = Path(redacted_url(str(path)))
        self.lost = lost

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_decode_error, (str(self), self.path, self.lost)


def _rebuild_decode_error(message: str, path: Path, lost: range | None) -> DecodeError:
    return DecodeError(message, path=path, lost=lost)


class WorkerError(BvasError):
    """A loader worker died, or gave no answer in time."""


class CheckpointError(BvasError):
    """A file of weights, or of an unfinished run, is malformed or does not fit."""


class ScoresError(BvasError):
    """A model gives scores of a video that are no numbers; of another video they may be."""


class TrainingError(BvasError):
    """Training cannot go on from where it has come to."""
