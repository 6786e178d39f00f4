"""Check what works on this machine, with a remedy for each problem.

The exit code is 2 where something is missing that everything needs, else 0.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from bvas.commands import options
from bvas.commands.console import OK, WRONG_INPUT, json_shown
from bvas.system.doctor.finding import Finding, try_import


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas doctor`."""
    options.add_json(parser)
    options.add_folders(parser, data=False)


def run(args: argparse.Namespace) -> int:
    """Check the machine, and print the findings."""
    from bvas.system.doctor.gpu import inspect_gpu
    from bvas.system.doctor.resources import inspect_resources
    from bvas.system.doctor.software import inspect_software

    found = [*inspect_software(), _versions(), *inspect_gpu(), *inspect_resources(args.runs)]
    works = not any(finding.is_needed for finding in found)
    if args.json:
        findings = [asdict(finding) for finding in found]
        print(json_shown({"works": works, "findings": findings}))
    else:
        print("\n".join(map(finding_text, found)))
        print(summary_text(found))
    return OK if works else WRONG_INPUT


def _versions() -> Finding:
    versions, reason = try_import("bvas.system.doctor.versions")
    if versions is None:
        return Finding(
            topic="versions", state="note", text=f"not compared: {reason}", remedy="pip install packaging"
        )
    found: Finding = versions.inspect_versions()
    return found


def finding_text(finding: Finding) -> str:
    """Return a finding as a line, and its remedy as a second one."""
    line = f"{finding.state:<8} {finding.topic:<16} {finding.text}"
    return line if finding.remedy is None else f"{line}\n{'':<26}-> {finding.remedy}"


def summary_text(found: Sequence[Finding]) -> str:
    """Return the last line: whether bvas works here."""
    needed = [finding.topic for finding in found if finding.is_needed]
    if needed:
        return f"\nbvas does not work here before this is fixed: {', '.join(needed)}"
    problems = [finding.topic for finding in found if finding.state == "problem"]
    return "\nbvas works here" + (f"; to fix: {', '.join(problems)}" if problems else "")
