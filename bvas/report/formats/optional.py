"""Packages that only exports need: the extra `export`."""

from importlib import import_module
from typing import Any

from bvas.errors import ConfigError

# Those that are called otherwise than their module.
_PACKAGES = {"webvtt": "webvtt-py", "otio_cmx3600_adapter": "otio-cmx3600-adapter"}


def needed(module: str) -> Any:
    """Return a module of the extra.

    Raises:
        ConfigError: it is not installed; the message says what to do.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = _PACKAGES.get(module, module)
        raise ConfigError(
            f"this format needs the package {package}: pip install -e '.[export]' in bvas's clone"
        ) from error
