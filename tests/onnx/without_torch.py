"""`bvas` where the extra `train` is not installed: its packages are not found.

Runs one command, or those of a JSON file as {name: words}. It then writes [exit code, error lines] of each as JSON.
    usage: python without_torch.py WORDS...
           python without_torch.py --each COMMANDS.json RESULTS.json
"""

import importlib.machinery
import io
import json
import sys
from contextlib import redirect_stderr
from pathlib import Path

from bvas.system.extras import TRAIN_PACKAGES

# As on a machine that has none of these: also SciPy, which looks for torch among the loaded modules, sees nothing.
_find_spec = importlib.machinery.PathFinder.find_spec


def _find_others(name, path=None, target=None):
    return None if name.partition(".")[0] in TRAIN_PACKAGES else _find_spec(name, path, target)


def run(words):
    """Return the exit code of a command and what it wrote to standard error."""
    from bvas.cli import main

    with redirect_stderr(io.StringIO()) as errors:
        try:
            code = main(words)
        except SystemExit as stop:
            code = stop.code
    return code, errors.getvalue()


if __name__ == "__main__":
    importlib.machinery.PathFinder.find_spec = _find_others
    if sys.argv[1] == "--each":
        commands = json.loads(Path(sys.argv[2]).read_text())
        Path(sys.argv[3]).write_text(json.dumps({name: run(words) for name, words in commands.items()}))
    else:
        from bvas.cli import main

        sys.exit(main(sys.argv[1:]))
