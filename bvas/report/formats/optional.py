"""Packages that only exports need: the extra `export`."""

from importlib import import_module
from typing import Any

from bvas.errors import ConfigError

_PACKAGES = {
    "srt": "srt",
    "webvtt": "webvtt-py",
    "opentimelineio": "opentimelineio",
    "otio_cmx3600_adapter": "otio-cmx3600-adapter",
}


def needed(module: str) -> Any:
    """Return a module of the extra.

    Raises:
        ConfigError: it is not installed; the message says what to do.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"this format needs the package {_PACKAGES[module]}: pip install -e '.[export]' in bvas's clone"
        ) from error
