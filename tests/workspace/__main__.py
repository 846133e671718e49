"""`python tests/workspace`: see `--help`."""

import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from workspace.command import main

if __name__ == "__main__":
    main()
