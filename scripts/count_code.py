"""Code lines of the package, without blank lines, comments and docstrings: python scripts/count_code.py [FOLDER]."""

import ast
import io
import sys
import tokenize
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "bvas"
LIMIT = 53_300
"""Code lines that the package may have; tests/test_code_size.py holds it."""
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def code_lines(text: str) -> int:
    """Return the lines of a Python source that hold code."""
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                prose.update(range(statement.lineno, (statement.end_lineno or 0) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - prose)


def count_rooms(folder: Path) -> Counter[str]:
    """Return the code lines by room: a folder of the package, or a module of its root."""
    counts: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.py")):
        counts[path.relative_to(folder).parts[0]] += code_lines(path.read_text(encoding="utf-8"))
    return counts


def main() -> None:
    """Print the rooms, the largest first, and the total."""
    counts = count_rooms(Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE)
    for room, count in counts.most_common():
        print(f"{count:>7}  {room}")
    print(f"{counts.total():>7}  total")


if __name__ == "__main__":
    main()
