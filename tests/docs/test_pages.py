"""Pages of the documentation: their commands and options exist, and every verb and public name has a place."""

import ast
import contextlib
import importlib
import io
import json
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

import bvas
from bvas.cli import VERBS, main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)


def commands(text):
    """Yield the words of each line of a plain code block that runs `bvas`."""
    fence = None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("```"):
            fence = line if fence is None else None
        elif fence == "```" and (found := re.search(r"(?:^|\| |=\S+ )bvas (.*)", line)):
            yield shlex.split(found[1], comments=True)


def verb_of(words):
    return next((verb for size in (2, 1) if (verb := " ".join(words[:size])) in VERBS), None)


@cache
def help_of(verb):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as ended:
        main([*verb.split(), "--help"])
    assert ended.value.code == 0
    return printed.getvalue()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_of_a_page_is_one(path):
    unknown = []
    for words in commands(path.read_text(encoding="utf-8")):
        verb = verb_of(words)
        if verb is None:
            unknown.append(" ".join(words))
            continue
        named = re.findall(r"--[a-z][\w-]*", help_of(verb))
        unknown += [f"bvas {verb} {word}" for word in words if word.startswith("--") and word not in named]
    assert unknown == []


def test_every_verb_has_a_place_in_the_pages():
    assert [verb for verb in VERBS if not re.search(rf"bvas\s+{verb}\b", TEXT)] == []


def test_the_api_page_has_exactly_the_public_names():
    listed = re.findall(r"\.\. auto\w+:: bvas\.(\w+)", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(set(bvas.__all__) - {"__version__"})


def test_every_page_opens_with_code():
    pages = set((ROOT / "docs").glob("*.md")) - {
        # These hold another file.
        ROOT / "docs" / name
        for name in ("changelog.md", "contributing.md", "installation.md")
    }
    late = [page.name for page in pages if not re.match(r"# .*\n\n```", page.read_text(encoding="utf-8"))]
    assert late == []


def test_the_notebook_is_kept_without_output():
    cells = json.loads((ROOT / "docs" / "five_minutes.ipynb").read_text(encoding="utf-8"))["cells"]
    assert not [
        cell for cell in cells if cell["cell_type"] == "code" and (cell["outputs"] or cell["execution_count"])
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_python_lines_import_is_there(path):
    missing = []
    for block in re.findall(
        r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    ):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "bvas":
                # The public names load when they are used, which would import torch here.
                known = bvas.__all__ if node.module == "bvas" else dir(importlib.import_module(node.module))
                missing += [alias.name for alias in node.names if alias.name not in known]
    assert missing == []
