"""`python -m chatire_faults`."""

import sys

from chatire_faults.cli import main

if __name__ == "__main__":
    sys.exit(main())
