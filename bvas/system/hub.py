"""Client of the Hugging Face Hub (extra `hub`), and its errors as lines that name a remedy.

The server is that of `HF_ENDPOINT`. The token is that of `HF_TOKEN` or of `hf auth login`; huggingface_hub alone reads
it.
"""

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from bvas.errors import BvasError, ConfigError, DataError, redacted_error
from bvas.system.log_lines import first_line
from bvas.system.quiet_logging import quieted

logger = logging.getLogger(__name__)

PREFIX = "hf:"
MAIN = "main"
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_ADDRESS = re.compile(rf"hf:({_NAME})/({_NAME})(?:@([^\s@,]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A repository of models on the Hub, and a revision of it."""

    owner: str
    name: str
    revision: str = MAIN
    """Branch, tag or commit."""

    def __str__(self) -> str:
        return f"{PREFIX}{self.repository}@{self.revision}"

    @property
    def repository(self) -> str:
        """Return OWNER/NAME."""
        return f"{self.owner}/{self.name}"

    @property
    def is_commit(self) -> bool:
        """Whether the revision is the full hash of a commit, which never means anything else."""
        return _COMMIT.fullmatch(self.revision) is not None


def parse_address(text: str) -> HubAddress:
    """Return the address of `hf:OWNER/NAME` or `hf:OWNER/NAME@REVISION`.

    Raises:
        ConfigError: it is not written so.
    """
    found = _ADDRESS.fullmatch(text)
    # The Hub refuses these in names, which makes OWNER--NAME unambiguous.
    if found is None or any(pair in name for name in found.groups()[:2] for pair in ("--", "..")):
        raise ConfigError(
            f"{text!r} is not an address on the Hugging Face Hub; write hf:OWNER/NAME or hf:OWNER/NAME@REVISION"
        )
    return HubAddress(found[1], found[2], found[3] or MAIN)


def import_hub() -> Any:
    """Return the package huggingface_hub.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        for part in ("errors", "utils"):
            # It imports its parts late, and then not by their names.
            import_module(f"huggingface_hub.{part}")
        return import_module("huggingface_hub")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{error.name} is not installed; addresses that begin with {PREFIX} need it: pip install 'bvas[hub]'"
        ) from error


@contextmanager
def open_hub(address: HubAddress) -> Iterator[Any]:
    """Yield a `huggingface_hub.HfApi`; its errors in the block become ours.

    Raises:
        ConfigError: huggingface_hub is not installed.
        DataError: the Hub cannot be reached or offline mode is set, it refuses the token, or has no such repository or
            revision.
    """
    hub = import_hub()
    # Its bars of uploads are drawn in log files too.
    if not (sys.stderr.isatty() and logger.isEnabledFor(logging.INFO)):
        hub.utils.disable_progress_bars()
    try:
        with quieted("huggingface_hub", "httpx", "httpx2"):
            yield hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, library_name="bvas")
    except BvasError:
        raise
    # An upload that fails in a thread is a RuntimeError, what the Hub answers wrongly a ValueError.
    except (hub.errors.HTTPError, hub.errors.EntryNotFoundError, OSError, RuntimeError, ValueError) as error:
        raise DataError(_fault(hub, address, error)) from redacted_error(error)


def _fault(hub: Any, address: HubAddress, error: BaseException) -> str:
    """Return what a user reads of an error of huggingface_hub."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    repository = f"{PREFIX}{address.repository}"
    why = "the token has no right to it" if hub.get_token() else "no token was given"
    for one in chain:
        if isinstance(one, hub.errors.OfflineModeIsEnabled):
            return (
                f"{address} is not pulled yet, and HF_HUB_OFFLINE is set; unset it, or give the full commit "
                "of one that was pulled"
            )
        if isinstance(one, hub.errors.RevisionNotFoundError):
            return f"{repository} has no revision {address.revision!r}; give a branch, a tag or a full commit of it"
        if isinstance(one, hub.errors.GatedRepoError):
            return f"{repository} is gated, and {why}; ask for access on its page on the Hub, and log in"
        status = getattr(getattr(one, "response", None), "status_code", None)
        if status in (_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND):
            return (
                f"the Hub refuses {address} ({status}): it does not exist, or {why}; check the name, and log in by "
                "'hf auth login' or set HF_TOKEN"
            )
    reason = first_line(chain[-1])
    return (
        f"{address}: the transfer failed ({reason}); check the network and try again, complete files are kept"
    )
