"""Code lines of the package, and the limit that they keep to."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "scripts" / "count_code.py"
spec = spec_from_file_location("count_code", SCRIPT)
count_code = module_from_spec(spec)
spec.loader.exec_module(count_code)


def test_blank_lines_comments_and_docstrings_are_not_code():
    text = (
        '"""Title.\n\nMore."""\n\n# A remark.\nA = 1  # one\n"""Of A."""\nB = """x\n\ny"""\n\n\n'
        'def f():\n    """Do."""\n    return (\n        1\n    )\n'
    )
    # A; three lines of B; def, and three lines of return.
    assert count_code.code_lines(text) == 8


def test_rooms_are_counted_by_folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.py").write_text("x = 1\ny = 2\n")
    (tmp_path / "data" / "b.py").write_text("z = 3\n")
    (tmp_path / "cli.py").write_text('"""Nothing."""\n')
    assert count_code.count_rooms(tmp_path) == {"data": 3, "cli.py": 0}


def test_the_package_keeps_to_its_limit():
    assert count_code.count_rooms(count_code.PACKAGE).total() <= count_code.LIMIT
