"""Findings about installed versions against tested versions.

`pyproject.toml` holds the oldest version of each package, `constraints.txt` the newest. A wheel carries the first in
its metadata and the second beside its code.
"""

import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from bvas.system.doctor.finding import Finding, note, ok

_PACKAGE = Path(__file__).resolve().parents[2]
_CLONE = _PACKAGE.parent
_CONSTRAINTS = "constraints.txt"
# Its tools do not change what bvas does.
_DEVELOPERS_EXTRAS = ("dev", "docs")


def inspect_versions() -> Finding:
    """Look at the versions of the packages that bvas imports, as far as they are installed."""
    return versions_finding(required_packages(), newest_tested())


def versions_finding(required: Iterable[Requirement], newest: dict[str, Version]) -> Finding:
    """Return which installed packages are outside of the tested versions.

    Args:
        required: Packages with the oldest version tested; those that are not installed are passed over.
        newest: The newest version tested, by normalized name; packages without one have no upper end.
    """
    num_installed = 0
    outside, remedies = [], []
    too_old = False
    for requirement in required:
        name = requirement.name
        try:
            # torch's builds differ after a plus sign, as in 2.14.1+cpu.
            installed = Version(Version(version(name)).public)
        except PackageNotFoundError:
            continue
        num_installed += 1
        tested = newest.get(normalized(name))
        is_old = not requirement.specifier.contains(installed, prereleases=True)
        if not is_old and (tested is None or installed <= tested):
            continue
        too_old |= is_old
        bound = f"bvas needs {requirement.specifier}" if is_old else f"newest tested {tested}"
        outside.append(f"{name} {installed} ({bound})")
        remedies.append(f"'{name}{requirement.specifier}'" if tested is None else f"{name}=={tested}")
    if not num_installed:
        return note(
            "versions",
            "not compared: bvas is not installed, and its pyproject.toml is not beside it",
            "pip install -e . in its clone",
        )
    if not outside:
        return ok("versions", f"all {num_installed} packages are tested versions")
    return Finding(
        topic="versions",
        state="problem" if too_old else "note",
        text=f"outside of what was tested: {', '.join(outside)}",
        remedy=f"where something fails, take tested versions: pip install {' '.join(remedies)}",
    )


def required_packages() -> list[Requirement]:
    """Return the requirements of bvas and its extras on this machine, without those of developers."""
    return [
        requirement
        for requirement, extra in _requirements()
        if extra not in _DEVELOPERS_EXTRAS
        and requirement.name != "bvas"
        and (requirement.marker is None or requirement.marker.evaluate({"extra": extra}))
    ]


def newest_tested() -> dict[str, Version]:
    """Return the versions of `constraints.txt` that hold for this Python, by normalized name."""
    paths = [folder / _CONSTRAINTS for folder in (_PACKAGE, _CLONE)]
    text = next((path.read_text(encoding="utf-8") for path in paths if path.is_file()), "")
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    pins = [Requirement(line) for line in lines if line]
    return {
        normalized(pin.name): Version(next(iter(pin.specifier)).version)
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }


def normalized(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return name.lower().replace("_", "-")


def _requirements() -> Iterator[tuple[Requirement, str]]:
    """Yield (requirement, its extra or ""), from the clone's own file, which an editable install's metadata may lag."""
    if (_CLONE / _CONSTRAINTS).is_file():
        project = tomllib.loads((_CLONE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        groups = {"": project["dependencies"], **project["optional-dependencies"]}
        yield from ((Requirement(line), extra) for extra, lines in groups.items() for line in lines)
        return
    try:
        about = metadata("bvas")
    except PackageNotFoundError:
        return
    extras = about.get_all("Provides-Extra") or []
    for line in about.get_all("Requires-Dist") or []:
        requirement = Requirement(line)
        named = [extra for extra in extras if f'extra == "{extra}"' in str(requirement.marker)]
        yield requirement, named[0] if named else ""
