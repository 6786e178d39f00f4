"""The rooms of the package: which may import which, and what each holds."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "bvas"

# Rooms from the lowest to the highest: a module imports its own room and lower ones only.
ROOMS = [
    "errors",
    "values",
    "system",
    "video/container",
    "video/index",
    "video/decode",
    "video/encode",
    "video/live",
    "metrics",
    "tracking",
    "data",
    "models",
    "augment",
    "experiment",
    "loading",
    "tasks",
    "inference",
    "detection",
    "results",
    "players",
    "lromul",
    "training",
    "predicting",
    "evaluation",
    "report",
    "cutting",
    "onnx",
    "synthetic",
    "commands",
    "cli",
]
HEIGHT = {room: number for number, room in enumerate(ROOMS)}
# Modules of the package's root beside `errors.py` and `cli.py`: each is a command line.
COMMAND_LINES = {"__main__", "train", "predict", "evaluate"}
# Without torch: values and rules that can be read, tested and imported in milliseconds.
WITHOUT_TORCH = {"errors", "values", "metrics", "data", "synthetic"}


def _modules():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def _rooms():
    """Return the folders that hold modules."""
    return sorted({path.parent for path in _modules()} - {PACKAGE, PACKAGE / "commands"})


def _ids(path):
    return str(path.relative_to(PACKAGE))


def _room_of(parts):
    """Return the room of a module by the parts of its name below the package, or of its path."""
    if parts[0] in COMMAND_LINES:
        return "cli"
    return "/".join(parts[:2]) if parts[0] == "video" and len(parts) > 1 else parts[0]


def _room(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return _room_of([part for part in parts if part != "__init__"])


def _names(path):
    """Yield the modules that a file imports, at any level, and those that it names for types alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            for alias in node.names:
                module = PACKAGE.parent.joinpath(*node.module.split("."), alias.name)
                is_module = module.is_dir() or module.with_suffix(".py").is_file()
                yield f"{node.module}.{alias.name}" if is_module else node.module


@pytest.mark.parametrize("path", _modules(), ids=_ids)
def test_a_module_imports_its_own_room_and_lower_ones(path):
    own = _room(path)
    if own == "video":
        return
    for name in _names(path):
        if name.startswith("bvas."):
            other = _room_of(name.split(".")[1:])
            assert HEIGHT[other] <= HEIGHT[own], f"{_ids(path)} imports {name}: {other} lies above {own}"


def test_no_modules_import_each_other_in_a_circle():
    imports = {}
    for path in _modules():
        name = ".".join(["bvas", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
        imports[name] = {other for other in _names(path) if other.startswith("bvas.") and other != name}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


def test_no_folders_import_each_other():
    imports = {}
    for path in _modules():
        for name in _names(path):
            if name.startswith("bvas."):
                other = PACKAGE.parent.joinpath(*name.split("."))
                folder = other if other.is_dir() else other.parent
                if PACKAGE not in (folder, path.parent) and folder != path.parent:
                    imports.setdefault(path.parent, set()).add(folder)
    both = {(a, b) for a, others in imports.items() for b in others if a in imports.get(b, ())}
    assert sorted(f"{a.relative_to(PACKAGE)} <-> {b.relative_to(PACKAGE)}" for a, b in both) == []


@pytest.mark.parametrize("path", _rooms(), ids=_ids)
def test_a_room_lists_its_files_with_a_line_each(path):
    text = ast.get_docstring(ast.parse((path / "__init__.py").read_text()))
    listed = re.findall(r"^([a-z0-9_]+(?:\.py|/)) +\S", text, flags=re.MULTILINE)
    files = {file.name for file in path.glob("*.py")} - {"__init__.py"}
    folders = {f"{file.name}/" for file in path.iterdir() if file.is_dir() and file.name != "__pycache__"}
    assert sorted(listed) == sorted(files | folders)


@pytest.mark.parametrize("path", _modules(), ids=_ids)
def test_the_first_line_of_a_module_names_the_thing(path):
    first = path.read_text().splitlines()[0]
    assert not re.match(r'"""(What|Which|Who|How|Whether)\b', first), first


def test_the_root_of_the_package_holds_rooms_and_command_lines_only():
    entries = {path.name for path in PACKAGE.iterdir() if path.name not in ("__pycache__", "py.typed")}
    rooms = {room.split("/")[0] for room in ROOMS} - {"errors", "cli"}
    files = {f"{name}.py" for name in {"__init__", "errors", "cli", *COMMAND_LINES}}
    assert sorted(entries) == sorted(rooms | files)


@pytest.mark.parametrize("path", _modules(), ids=_ids)
def test_rooms_for_plain_numbers_do_not_import_torch(path):
    if _room(path) in WITHOUT_TORCH:
        tree = ast.parse(path.read_text())
        # What is imported for types alone costs nothing.
        at_import = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {alias.name for node in at_import if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in at_import if isinstance(node, ast.ImportFrom)}
        assert not {"torch", "timm", "kornia"} & {name.split(".")[0] for name in names}


def test_the_package_imports_neither_configs_nor_scripts_nor_tests():
    for path in _modules():
        assert not {"configs", "scripts", "tests"} & {name.split(".")[0] for name in _names(path)}, path


def test_only_command_lines_print_or_read_arguments():
    found = []
    for path in _modules():
        if _room(path) in ("commands", "cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            prints = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
            reads_arguments = isinstance(node, ast.Attribute) and node.attr == "argv"
            if prints or reads_arguments:
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert found == []
