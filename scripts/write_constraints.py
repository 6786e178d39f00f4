"""constraints.txt from environments in which the tests passed, one for each Python that asks for other versions.

    usage: python scripts/write_constraints.py .venv/bin/python .venvs/3.12/bin/python

Environments come in ascending order of their Pythons. Each one's versions hold up to the next one's Python, the last
one's from there on.
"""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

_OUT = Path(__file__).parents[1] / "constraints.txt"
_HEADER = """\
# The versions that the tests were run with; `make` installs these, `make LATEST=1` the newest. Written by
# scripts/write_constraints.py. CUDA's libraries and Triton are missing here: torch names them exactly itself.
"""
_OF_TORCH = ("nvidia-", "cuda-", "triton")
_TOOLS = ("pip", "setuptools", "bvas")


def installed(python: str) -> tuple[str, dict[str, str]]:
    """Return an environment's ("3.11", {name: version})."""
    version = subprocess.check_output(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], text=True
    )
    listed = subprocess.check_output([python, "-m", "pip", "list", "--format", "json"], text=True)
    return version.strip(), {
        package["name"].lower().replace("_", "-"): package["version"].partition("+")[0]
        for package in json.loads(listed)
        if package["name"] not in _TOOLS and not package["name"].startswith(_OF_TORCH)
    }


def constraint_lines(environments: list[tuple[str, dict[str, str]]]) -> list[str]:
    """Return the lines of a constraints file, with markers where a package's versions differ by Python."""
    lines = []
    for name in sorted({name for _, packages in environments for name in packages}):
        found = [(python, packages[name]) for python, packages in environments if name in packages]
        # The first Python of each version.
        steps = [found[0], *(later for earlier, later in pairwise(found) if earlier[1] != later[1])]
        for place, (python, version) in enumerate(steps):
            markers = [f'python_version >= "{python}"'] if place else []
            markers += [f'python_version < "{after}"' for after, _ in steps[place + 1 : place + 2]]
            lines.append(f"{name}=={version}" + (f"; {' and '.join(markers)}" if markers else ""))
    return lines


if __name__ == "__main__":
    _OUT.write_text(
        _HEADER + "".join(f"{line}\n" for line in constraint_lines([*map(installed, sys.argv[1:])]))
    )
