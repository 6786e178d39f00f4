"""The layers of the package: a module imports only from lower ones."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "bvas"

# Modules and packages by layer, lowest first; the longest matching name decides.
ORDER = [
    ["errors", "redaction"],
    [
        *("clips", "spots", "curve", "luma", "files", "fetch", "devices", "processes", "plain", "quiet"),
        *("text_files", "table_files", "plural", "checks", "names"),
    ],
    ["video", "augment", "models", "losses", "postprocess", "metrics"],
    ["tasks"],
    ["synthetic", "loading", "inference", "report", "spot_stream"],
    ["identity", "experiment", "checkpoint", "predictions", "seen_matches", "postprocessing_file"],
    ["tuning", "ensembling", "spotting", "seed", "exported", "scoring", "machine"],
    ["training", "predicting", "results", "submission", "chain"],
    ["cli", "commands", "train", "predict", "evaluate", "__main__"],
]
LAYER = {name: number for number, names in enumerate(ORDER) for name in names}
# Packages of these layers meet in the layer above, never directly.
APART = {2, 4}
WITHOUT_TORCH = {
    "metrics",
    "clips",
    "spots",
    "postprocess",
    "spot_stream",
    "errors",
    "files",
    "synthetic",
    "tasks",
    "text_files",
    "table_files",
    "plural",
}


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module


def _modules():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def _top(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_lower_layers_only(path):
    own = _top(path)
    for name in _imports(path):
        if name == "bvas" or not name.startswith("bvas."):
            continue
        other = name.split(".")[1]
        if other == own:
            continue
        assert LAYER[other] <= LAYER[own], f"{path.name} (layer {LAYER[own]}) imports {name}"
        if LAYER[other] == LAYER[own] in APART:
            raise AssertionError(f"{path.name} imports {name}: packages of layer {LAYER[own]} stay apart")


def test_every_module_has_a_layer():
    assert sorted({_top(path) for path in _modules()} - LAYER.keys()) == []


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_parts_for_plain_numbers_do_not_import_torch(path):
    if _top(path) in WITHOUT_TORCH:
        heavy = {"torch", "timm", "kornia"} & {name.split(".")[0] for name in _imports(path)}
        assert not heavy


def test_the_package_imports_neither_configs_nor_scripts_nor_tests():
    for path in _modules():
        assert not {"configs", "scripts", "tests"} & {name.split(".")[0] for name in _imports(path)}, path


def test_only_command_lines_print_or_read_arguments():
    found = []
    for path in _modules():
        if LAYER[_top(path)] == len(ORDER) - 1:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            prints = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
            reads_arguments = isinstance(node, ast.Attribute) and node.attr == "argv"
            if prints or reads_arguments:
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert found == []
