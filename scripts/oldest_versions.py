"""The oldest versions that pyproject.toml allows, as a pip constraints file: `name==lower bound` for each dependency.

Fails where a dependency has no lower bound.
    usage: python scripts/oldest_versions.py > oldest.txt
"""

import re
import sys
import tomllib
from pathlib import Path

# `name[extra]>=1.2; marker`, without upper bounds.
_BOUND = re.compile(r"(?P<name>[\w.-]+)(\[.*\])?>=(?P<version>[\w.]+)(?P<marker>;.*)?")


def oldest_versions(pyproject: Path) -> list[str]:
    """Return the constraints for all dependencies of a project, those of its extras included."""
    project = tomllib.loads(pyproject.read_text())["project"]
    required = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    constraints = []
    for line in required:
        if line.startswith(f"{project['name']}["):  # One extra includes another.
            continue
        bound = _BOUND.fullmatch(line)
        if bound is None:
            raise ValueError(f"{pyproject.name}: '{line}' has no lower bound (name>=version)")
        constraints.append(f"{bound['name']}=={bound['version']}{bound['marker'] or ''}")
    return constraints


if __name__ == "__main__":
    sys.stdout.writelines(
        f"{line}\n" for line in oldest_versions(Path(__file__).parents[1] / "pyproject.toml")
    )
