"""README: short, without placeholders, and true where it quotes figures, names and addresses."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import bvas

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_readme_is_read_in_three_minutes():
    assert len(README.splitlines()) <= 150


def test_the_address_of_the_repository_is_that_of_the_project():
    address = PROJECT["urls"]["Repository"]
    assert f"pip install 'bvas @ git+{address}'" in README
    assert f"repository-code: {address}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_placeholder_is_left(path):
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"\b(?:REPOSITORY|TODO|FIXME|XXX|TBD)\b|example\.(?:com|org)|<(?:url|URL)>", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_to_one(path):
    # CONTRIBUTING is also a page of the site, where its links are those from the root.
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (path.parent / target).exists()]
    assert missing == []


def test_the_weights_stand_before_the_command_that_needs_them():
    assert 0 < README.index("bvas weights download ball") < README.index("--experiment ball")


def test_the_python_lines_use_public_names_only():
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    tree = ast.parse(block)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "bvas"
    }
    assert imported == {"bvas"}
    assert {"open_video", "load_spotter"} <= used <= set(bvas.__all__)
