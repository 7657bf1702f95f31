"""``make check``: read the config, every sheet and what lies beside them, and say what is wrong."""

import sys

from .review.checking import main

if __name__ == "__main__":
    sys.exit(main())
