"""`python -m bvas.evaluate`: the verb `bvas evaluate`."""

import sys

from bvas.cli import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))
