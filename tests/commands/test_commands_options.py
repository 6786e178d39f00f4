"""Options of the verbs: the same option is spelled and described in one place."""

import ast
from collections import defaultdict
from pathlib import Path

import bvas.commands

COMMANDS = Path(bvas.commands.__file__).parent
# The same word for different things: files and folders to score, renditions, counts of another kind.
OWN_MEANING = {
    "--actions": "the actions of tracks to cut out, or true ones to score against",
    "--boxes": "true boxes to be written, or files of them",
    "--clips": "a number to draw or to average, or a folder of cuts",
    "--copy": "copies of videos in a data root, or packets in place of encoding",
    "--every": "frames between pictures, or seconds between windows",
    "--format": "of data to import, or of pictures",
    "--frames": "of a clip, or at most of all videos",
    "--height": "rows of a preview, or of an overlay",
    "--jobs": "folds at a time, or processes that render",
    "--labels": "the labels of one video, or all of a data set",
    "--link": "links to videos in a data root, or beside a page",
    "--matches": "a number to render, or a file that lists them",
    "--model": "an exported model, also a published network",
    "--name": "of an ensemble, or of imported weights",
    "--postprocessing": "rules in place of the experiment's own, or of an operating point",
    "--predictions": "files to score, or scores to import with weights",
    "--rate": "of a source, of an edit list, or of a metric",
    "--size": "of rendered pictures, or of copies",
    "--steps": "of a search for a learning rate, or of the training of a detector",
    "--task": "labels to render, to score, or data to download",
    "--threshold": "of intervals, or of detections",
    "--top": "labels in a row, or suspects",
    "--tracks": "to cut out, or to score",
    "--videos": "folder of videos to import, or to draw",
    "--to": "the end of a span, or a format",
    "--json": "on standard output, or a file",
}


def _spelled():
    """Return the modules of `commands/` that spell each option in a call of add_argument."""
    found = defaultdict(list)
    for path in sorted(COMMANDS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and str(argument.value).startswith("--"):
                        found[argument.value].append(path.name)
    return found


def test_an_option_is_spelled_once_unless_it_means_something_else():
    twice = {name: files for name, files in _spelled().items() if len(files) > 1}
    assert {name: files for name, files in twice.items() if name not in OWN_MEANING} == {}


def test_no_verb_parses_or_ends_the_program_by_itself():
    for path in COMMANDS.glob("*.py"):
        functions = {
            node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)
        }
        assert "main" not in functions, path
