"""Which Python the model's environment is made of, and by what: `uv` where it is, else `venv`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_ASK = """
import os, sys, sysconfig
print(*sys.version_info[:2])
print(os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable))
print(sys.base_prefix)
threads_free = sysconfig.get_config_var("Py_GIL_DISABLED")
usual = sys.implementation.name == "cpython" and sys.version_info[3] == "final"
sys.exit(0 if sys.argv[1] or (usual and not threads_free) else 1)
"""
_NEWEST = 30
_SECONDS = 20


@dataclass(frozen=True)
class Maker:
    """How the environment is made.

    Attributes:
        uv: The program; empty where it is not there.
        python: The interpreter; where `uv` is to bring one, its version.
        warning: Where the Python is not the one that the model was made with.
        needs: Folders that it needs to read.
        brings: Whether `uv` is to bring the Python.
    """

    uv: str
    python: str
    warning: str = ""
    needs: tuple[str, ...] = ()
    brings: bool = False


@dataclass(frozen=True)
class _Python:
    version: tuple[int, int]
    path: str
    prefix: str


def choose(wanted: tuple[int, int] | None, environment: Mapping[str, str]) -> Maker:
    """The maker for a model that was made with a version of Python.

    Args:
        wanted: (major, minor); `None` for any.
        environment: Where programs are looked for: `PATH`, `RUNNER_TOOL_CACHE`.
    """
    own = _asked(sys.executable, environment, of_any_kind=True)
    found = [own] if own else []
    if wanted and not (own and own.version == wanted):
        found += _found(wanted, environment)
    if uv := shutil.which("uv", path=environment.get("PATH")):
        uv = os.path.realpath(uv)
        version = wanted or sys.version_info[:2]
        for one in found:
            if one.version == version:
                return Maker(uv, one.path, needs=(uv, one.prefix))
        return Maker(uv, ".".join(map(str, version)), brings=True, needs=(uv,))
    return _nearest(found, wanted)


def _found(wanted: tuple[int, int], environment: Mapping[str, str]) -> Iterator[_Python]:
    """Those that are there, the wanted one alone where there is one."""
    minors = sorted(range(6, _NEWEST), key=lambda minor: abs(minor - wanted[1]))
    for minor in minors:
        version = (wanted[0], minor)
        for candidate in _candidates(version, environment, by_any_name=minor == wanted[1]):
            python = _asked(candidate, environment)
            if python and python.version == version:
                yield python
                return


def _candidates(
    version: tuple[int, int], environment: Mapping[str, str], *, by_any_name: bool
) -> Iterator[str]:
    major, minor = version
    others = (f"python{major}", "python") if by_any_name else ()
    for name in (f"python{major}.{minor}", *others):
        for folder in environment.get("PATH", os.defpath).split(os.pathsep):
            if on_path := shutil.which(name, path=folder):
                yield on_path
    for name in ("RUNNER_TOOL_CACHE", "AGENT_TOOLSDIRECTORY"):
        if tools := environment.get(name):
            kept = Path(tools, "Python").glob(f"{major}.{minor}.*/*/bin/python")
            yield from map(str, sorted(kept, key=_numbers, reverse=True))


def _numbers(python: Path) -> list[int]:
    """Of `3.13.10/x64/bin/python`, 3, 13 and 10."""
    return [int(number) for number in re.findall(r"\d+", python.parents[2].name)]


def _asked(
    candidate: str, environment: Mapping[str, str], *, of_any_kind: bool = False
) -> _Python | None:
    """What an interpreter tells of itself, a shim of the one that it stands for.

    `None` where it can't be run, or is no CPython of the usual kind: neither a release to come,
    nor free-threaded.
    """
    command = [candidate, "-I", "-S", "-c", _ASK, "any" if of_any_kind else ""]
    try:
        told = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, check=True,
            timeout=_SECONDS, stdin=subprocess.DEVNULL,
        ).stdout.splitlines()  # fmt: skip
        version, path, prefix = told
        major, minor = map(int, version.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return _Python((major, minor), path, prefix)


def _nearest(found: Sequence[_Python], wanted: tuple[int, int] | None) -> Maker:
    if not found:
        return Maker("", sys.executable)
    if wanted is None:
        return Maker("", found[0].path, needs=(found[0].prefix,))
    best = min(found, key=lambda one: abs(one.version[1] - wanted[1]))
    warning = ""
    if best.version != wanted:
        warning = (
            f"The model was made with Python {wanted[0]}.{wanted[1]}, and is tested with Python "
            f"{best.version[0]}.{best.version[1]}, the nearest that is here. Run "
            "actions/setup-python for that version, or astral-sh/setup-uv, in a step before."
        )
    return Maker("", best.path, warning, (best.prefix,))
