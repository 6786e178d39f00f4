"""Errors of users and files; our own failures raise other exceptions.

    BvasError
      x ConfigError      a value that a user wrote (also a ValueError)
      x DataError        a file of labels or results, a data root, a disk
      x BusyError        a folder that another process works in (also a DataError)
      x DecodeError      a video file
      x WorkerError      a loader process that died or does not answer
      x CheckpointError  a file of weights, or of an unfinished run
      x ScoresError      a model whose scores of a video are NaN or infinite
      x TrainingError    a run that diverged: its loss is NaN or infinite

A message names the value, the rule and the remedy.
"""

import re
from collections.abc import Sequence
from pathlib import Path

HIDDEN = "***"
_LOCAL = ("file",)
# A path object joins the two slashes of an address.
_START = r"(?:[A-Za-z][A-Za-z0-9+.-]+://|(?i:https?|rtsps?|rtmp[a-z]*|srt|ftps?|sftp|udp|tcp|tls|rtp|mms[a-z]?|wss?):/)"
_URL = re.compile(_START)
_IN_TEXT = re.compile(_START + r"[^\s<>]*")
# What ends a sentence or a quotation behind an address.
_BEHIND = re.compile(r"[.,;:!?'\")\]}]*\Z")
_HOST = re.compile(r"(?:\[[^\]]*\]|[^:@\[\]]*)(?::\d+)?")
_QUERY_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,39}")
_SECRET = (
    r"token|hmac|sig|signature|key|streamkey|auth|authorization|pass|password|passwd|passphrase|pwd|secret|"
    r"hdnts|hdnea|hdntl|policy|credential|session|sessionid|jsessionid|sid|md5|hash|ticket|jwt|code|pin"
)
_SECRET_IN_PATH = re.compile(rf"(?i)(?<![A-Za-z0-9])((?:[a-z0-9]+[-_])?(?:{_SECRET}))=[^/;~&,]+")
_PARAMETER_IN_PATH = re.compile(r";([^/;=]*)=[^/;]*")
# A hash or a signed token.
_CODE_IN_PATH = re.compile(r"(?<=/)(?:[0-9a-fA-F]{32,}|eyJ[A-Za-z0-9_=-]+\.[A-Za-z0-9_.=-]+)(?=/|\Z)")


class BvasError(Exception):
    """Base of all errors that name something the user can fix; no address in its text shows a secret."""

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
    """A loader worker died, or did not answer in time."""


class CheckpointError(BvasError):
    """A file of weights, or of an unfinished run, is malformed or does not fit."""


class ScoresError(BvasError):
    """The model produced NaN or infinite scores for a video; other videos may be fine."""


class TrainingError(BvasError):
    """Training diverged (NaN or infinite loss)."""


# ---- Addresses without their secrets: user and password, values of the query, keys in the path.
# Every message, log line, result and file name that is made of an address goes through `redacted`.


def redacted(text: str) -> str:
    """Return a text in which no address shows a secret; all else stays as it is.

    >>> redacted("no answer from rtsp://admin:P@ss@10.0.0.7/main?key=81; try later")
    'no answer from rtsp://10.0.0.7/main?key=***; try later'
    """
    if "/" not in text:
        return text
    return _IN_TEXT.sub(_redacted_match, text)


def redacted_url(url: str) -> str:
    """Return one address without its secrets; another text, and a local file, as it is.

    User and password end at the last `@` before the path. Where a password holds characters that should have been
    escaped, so that its end is uncertain, more is hidden instead of less. Keys of the query stay, values do not.

    >>> redacted_url("https://me:pw@host/live/main.m3u8?X-Amz-Signature=ab12&id=7#t=3")
    'https://host/live/main.m3u8?X-Amz-Signature=***&id=***'
    """
    start = _URL.match(url)
    if start is None or url[: start.end()].rstrip("/").rstrip(":").lower() in _LOCAL:
        return url
    rest = url[start.end() :]
    return start.group() + _without_secrets(rest, is_rtmp=url.lower().startswith("rtmp"))


def redacted_error(error: BaseException) -> BaseException:
    """Return an error of another library without the address in its arguments, nor in those that it came from."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and all(one is not other for other in chain):
        chain.append(one)
        one.args = _redacted_values(one.args)
        if type(one).__module__ == "builtins" and isinstance(one, OSError) and isinstance(one.filename, str):
            # Python's own keeps it beside its arguments.
            one.filename = redacted(one.filename)
        one = one.__cause__ or one.__context__
    return error


def _redacted_values(values: Sequence[object]) -> tuple[object, ...]:
    return tuple(
        redacted(value)
        if isinstance(value, str)
        else _redacted_values(value)
        if isinstance(value, tuple)
        else value
        for value in values
    )


def _redacted_match(match: re.Match[str]) -> str:
    url = match.group()
    behind = _BEHIND.search(url)
    end = len(url) if behind is None else behind.start()
    return redacted_url(url[:end]) + url[end:]


def _without_secrets(rest: str, *, is_rtmp: bool) -> str:
    """Return what follows `scheme://`."""
    authority, tail = _cut(rest, "/?#")
    path, behind = _cut(tail, "?#")
    has_user = "@" in authority
    host = authority.rpartition("@")[2]
    is_plain = _HOST.fullmatch(host) is not None
    if "@" in behind and not (is_plain and path):
        return HIDDEN
    if "@" in path and (has_user or ":" in host):
        # The password holds a slash, or the path an `@`: both are hidden.
        host, path = _cut(path.rpartition("@")[2], "/")
        is_plain = _HOST.fullmatch(host) is not None
    if not is_plain:
        host = f"{host.partition(':')[0]}:{HIDDEN}"
    path = _PARAMETER_IN_PATH.sub(rf";\1={HIDDEN}", path)
    path = _SECRET_IN_PATH.sub(rf"\1={HIDDEN}", path)
    path = _CODE_IN_PATH.sub(HIDDEN, path)
    if is_rtmp and path.count("/") > 1:
        # The name of a stream is the key to publish it.
        path = f"{path.rpartition('/')[0]}/{HIDDEN}"
    query = behind[1:].partition("#")[0] if behind.startswith("?") else ""
    return host + path + (f"?{_keys(query)}" if query else "")


def _cut(text: str, stops: str) -> tuple[str, str]:
    place = next((place for place, letter in enumerate(text) if letter in stops), len(text))
    return text[:place], text[place:]


def _keys(query: str) -> str:
    fields = []
    for field in query.replace(";", "&").split("&"):
        key, equals, value = field.partition("=")
        is_key = equals and value.strip("=") and _QUERY_KEY.fullmatch(key)
        fields.append(f"{key}={HIDDEN}" if is_key else HIDDEN)
    return "&".join(fields)
