"""``python -m synthesis.build [arguments of Snakemake]``: what `make` runs."""

import sys

from .command import main

sys.exit(main(sys.argv[1:]))
