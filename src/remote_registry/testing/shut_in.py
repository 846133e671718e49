"""A script: shuts this process in for good, then becomes the command that it is given.

`python -I -S shut_in.py <limits as JSON> <command> …`, with nothing but the standard library. With
`--check` instead it tells whether this machine's kernel can hide folders.

No rights can be gained any more (`sudo`), and root has no more than others. Where the kernel has
Landlock (Linux 5.19 and newer) the folders named in the limits can't be read, nothing but the
writable ones can be written, and no process outside can be looked into or, from Linux 6.12 on, be
sent a signal.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

# From linux/prctl.h, linux/capability.h, linux/landlock.h and asm-generic/unistd.h.
NO_NEW_PRIVILEGES, DROP_FROM_BOUNDING_SET, SIGNAL_OF_PARENTS_DEATH = 38, 24, 1
CAPABILITIES, CAPABILITY_VERSION = 64, 0x20080522
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
OLDEST_ABI = 2
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
ALL_OF_ABI_2, TRUNCATE, OF_FILES = (1 << 14) - 1, 1 << 14, EXECUTE | WRITE_FILE | READ_FILE
SCOPES = 3  # abstract sockets, and signals
READ = EXECUTE | READ_FILE | READ_DIR
# Ways to a disk past its block device: SCSI generic, and what NVMe passes through.
DISKS = ("bsg", "ng", "nvme", "sg")

libc = ctypes.CDLL(None, use_errno=True)


class Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def give_up_rights() -> None:
    """No capability is left, for root neither, and none comes by running another program.

    With CAP_PERFMON, for one, the environment of any process can be read, Landlock or not.
    """
    for number in range(CAPABILITIES):
        libc.prctl(DROP_FROM_BOUNDING_SET, number, 0, 0, 0)  # root may; others have none
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.capset(header, none):
        sys.exit("the kernel refuses to take rights away")


def landlock_abi() -> int:
    """The version of Landlock that the kernel has; 0 where it has none that will do."""
    if sys.platform != "linux":
        return 0
    abi: int = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    return abi if abi >= OLDEST_ABI else 0


def shown_paths(hidden: Sequence[str], top: str = "/") -> Iterator[str]:
    """What covers the whole tree but the hidden folders."""
    try:
        entries = list(os.scandir(top))
    except OSError:
        return
    for entry in entries:
        path = entry.path
        if path in hidden or entry.is_symlink():
            continue
        if any(folder.startswith(f"{path}/") for folder in hidden):
            yield from shown_paths(hidden, path)
        else:
            yield path


def readable_paths(hidden: Sequence[str], shown: Sequence[str]) -> Iterator[str]:
    """The same, and what is shown of the hidden folders; below that, too, some may be hidden."""
    yield from shown_paths(hidden)
    for path in shown:
        if any(folder.startswith(f"{path.rstrip('/')}/") for folder in hidden):
            yield from shown_paths(hidden, path)
        else:
            yield path


def devices(top: str = "/dev") -> Iterator[str]:
    """Those that a program may use: no disk, which root could read past all rules."""
    try:
        entries = list(os.scandir(top))
    except OSError:
        return
    for entry in entries:
        if entry.is_symlink() or entry.name.startswith(DISKS) or entry.path == "/dev/shm":  # noqa: S108
            continue
        if entry.is_dir() and entry.path != "/dev/pts":
            yield from devices(entry.path)
        elif not stat.S_ISBLK(entry.stat().st_mode):
            yield entry.path


def hide(limits: dict[str, Any]) -> None:
    """Lets this process and its children read and write what they may, and no more."""
    abi = landlock_abi()
    rights = ALL_OF_ABI_2 | (TRUNCATE if abi >= 3 else 0)
    ruleset = Ruleset(rights, 0, SCOPES if abi >= 6 else 0)
    size = 24 if abi >= 6 else 8
    rules = libc.syscall(CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), 0)
    for path in readable_paths([*limits["hidden"], "/dev"], limits["shown"]):
        allow(rules, path, READ)
    for path in limits["shown"]:
        allow(rules, path, READ_DIR)  # the names, even where some of it is hidden: pip lists it
    for path in devices():
        allow(rules, path, READ | WRITE_FILE | (TRUNCATE & rights))
    shared = "/dev/shm"  # noqa: S108
    is_free = not any(f"{folder}/".startswith(f"{shared}/") for folder in limits["hidden"])
    for path in [*limits["writable"], *([shared] if is_free else ())]:
        allow(rules, path, rights)
    if rules < 0 or libc.syscall(RESTRICT_SELF, rules, 0) != 0:
        sys.exit("the kernel refuses to hide folders")
    os.close(rules)


def allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # gone, or out of reach anyway
    if not Path(path).is_dir():
        rights &= OF_FILES | TRUNCATE
    rule = PathBeneath(rights, place)
    libc.syscall(ADD_RULE, rules, 1, ctypes.byref(rule), 0)
    os.close(place)


def main() -> None:
    if sys.argv[1] == "--check":
        sys.exit(0 if landlock_abi() else 1)
    limits = json.loads(sys.argv[1])
    command = sys.argv[2:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        give_up_rights()
        libc.prctl(SIGNAL_OF_PARENTS_DEATH, signal.SIGKILL, 0, 0, 0)  # where the step is killed
    if landlock_abi():
        hide(limits)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    try:
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
