"""Settings in which experiments differ, as a search over configs lists them."""

import json
from collections.abc import Sequence
from typing import Any

from bvas.experiment.experiment import Experiment

# The name is not a setting. Labels and data are not searched over.
_LEFT_OUT = ("name", "task")


def differing_settings(experiments: Sequence[Experiment]) -> dict[str, list[str]]:
    """Return `part.setting=value` for each experiment by name, of the settings in which not all are alike."""
    flat = {one.name: _flat(json.loads(one.to_json())) for one in experiments}
    paths = dict.fromkeys(path for settings in flat.values() for path in settings)
    differing = [path for path in paths if len({settings.get(path, "") for settings in flat.values()}) > 1]
    return {
        name: [f"{path}={settings[path]}" for path in differing if path in settings]
        for name, settings in flat.items()
    }


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, item in value.items():
        if not prefix and name in _LEFT_OUT:
            continue
        if isinstance(item, dict) and item:
            found |= _flat(item, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = json.dumps(item, ensure_ascii=False)
    return found
