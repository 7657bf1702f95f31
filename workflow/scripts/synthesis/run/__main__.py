"""``python -m synthesis.run [arguments of Snakemake]``: what `make` runs."""

import sys

# On a full disk Python leaves half a compiled file, which would stop this command itself ever after.
sys.dont_write_bytecode = True

from .building import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
