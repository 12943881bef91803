"""`python -m worldmodels` is the same as `wm`."""

import sys

from worldmodels.cli import main

if __name__ == "__main__":
    sys.exit(main())
