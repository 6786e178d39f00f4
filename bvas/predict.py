"""`python -m bvas.predict`: the verb `bvas predict`."""

import sys

from bvas.cli import main

if __name__ == "__main__":
    sys.exit(main(["predict", *sys.argv[1:]]))
