"""Runs the command from a checkout: `python -I -B src`.

A checkout may be read-only and is not ours to litter: its bytecode goes to the environment. The
libraries are imported before, because theirs is with them and would all be made anew.
"""

import signal
import sys
from pathlib import Path

signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback before somebody listens

import click  # noqa: E402, F401
import requests  # noqa: E402, F401
import yaml  # noqa: E402, F401

sys.pycache_prefix = str(Path(sys.prefix, "bytecode"))
sys.dont_write_bytecode = False

from remote_registry.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
