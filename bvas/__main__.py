"""`python -m bvas`: the same as `bvas`."""

import sys

from bvas.cli import main

if __name__ == "__main__":
    sys.exit(main())
