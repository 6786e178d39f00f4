"""The design page: its rooms and files are those of the package."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "bvas"
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")


def section(title):
    return DESIGN.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text):
    return [cells[0] for line in text.splitlines() if (cells := re.findall(r"^\| (.*?) \|", line))]


def test_the_rooms_of_the_page_are_the_folders_of_the_package():
    listed = {cell.strip("`") for cell in first_cells(section("Rooms")) if cell.startswith("`")}
    folders = {path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    rooms = {f"{path.name}/" for path in folders - {PACKAGE / "video"}}
    rooms |= {
        f"video/{path.name}/" for path in (PACKAGE / "video").iterdir() if (path / "__init__.py").is_file()
    }
    assert listed == rooms | {"errors.py"}


def test_rooms_stand_in_the_order_in_which_they_may_import():
    order = (ROOT / "tests" / "test_layers.py").read_text(encoding="utf-8")
    listed = [cell.strip("`").rstrip("/").removesuffix(".py") for cell in first_cells(section("Rooms"))[2:]]
    places = [order.index(f'"{room}"') for room in listed]
    assert places == sorted(places)


def test_every_file_of_the_page_is_there():
    paths = re.findall(r"`([\w./-]+(?:\.\w+|/))`", DESIGN)
    assert len(paths) > 60
    missing = [
        path for path in paths if "/" in path and not ((PACKAGE / path).exists() or (ROOT / path).exists())
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("column to `spots.csv`", "spots_csv.py"),
        ("which frame has number 500", "frame_numbering.py"),
        ("a tracker", "tracker.py"),
        ("unfinished file after a kill", "atomic_files.py"),
    ],
)
def test_a_question_has_one_line_with_its_answer(question, answer):
    (line,) = [line for line in section("Where a new line goes").splitlines() if question in line]
    assert answer in line
