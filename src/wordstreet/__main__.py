"""`python -m wordstreet` is the command `wordstreet`."""

import sys

from wordstreet.cli import main

if __name__ == "__main__":
    sys.exit(main())
