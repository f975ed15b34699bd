"""`python -m chatire_replay`."""

import sys

from chatire_replay.cli import main

if __name__ == "__main__":
    sys.exit(main())
