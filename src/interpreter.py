"""Tells whether this Python can carry a locked environment, and what that environment is called.

Every Python that is found runs this (`python -I -S interpreter.py <lock>`) at every start, so it is
quick, and written so that one that is too old can still say so.
"""

import glob
import hashlib
import importlib.machinery
import os
import sys
import sysconfig

OLDEST = (3, 10)
LIBRARY = os.path.dirname(os.__file__)


def unfitness() -> str:
    if sys.version_info < OLDEST:
        return f"is Python {sys.version_info[0]}.{sys.version_info[1]}"
    if not os.path.isdir(os.path.join(LIBRARY, "venv")) or not pip_program():
        return "has no venv and pip (Debian has them in python3-venv)"
    return ""


def pip_program() -> str:
    """A pip that runs as a script. The installed one starts 2 s sooner than ensurepip's wheel."""
    installed = os.path.join(sysconfig.get_path("purelib"), "pip", "__pip-runner__.py")
    if os.path.isfile(installed):
        return installed
    distribution = sysconfig.get_config_var("WHEEL_PKG_DIR")
    for folder in (distribution, os.path.join(LIBRARY, "ensurepip", "_bundled")):
        for wheel in glob.glob(os.path.join(folder, "pip-*.whl")) if folder else ():
            return os.path.join(wheel, "pip")
    return ""


def environment_name(lock: str) -> str:
    """One name per lock and interpreter, also where machines of several kinds share a folder."""
    machine = os.uname().machine if hasattr(os, "uname") else ""
    abi = importlib.machinery.EXTENSION_SUFFIXES[0]
    identity = (os.path.realpath(sys.executable), sys.version, sys.platform, machine, abi)
    with open(lock, "rb") as file:
        digest = hashlib.sha256(file.read() + repr(identity).encode()).hexdigest()
    stem = os.path.splitext(os.path.basename(lock))[0]
    return f"{stem}-python{sys.version_info[0]}.{sys.version_info[1]}-{digest[:16]}"


if unfitness():
    print(unfitness())
    sys.exit(1)
print(environment_name(sys.argv[1]))
print(pip_program())
