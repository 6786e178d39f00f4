"""`python -m bvas.train`: the verb `bvas train`."""

import sys

from bvas.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
