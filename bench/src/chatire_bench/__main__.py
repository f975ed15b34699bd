"""`python -m chatire_bench`."""

import sys

from chatire_bench.cli import main

if __name__ == "__main__":
    sys.exit(main())
