"""What a model's processes print and may read, and what goes from one half to the other."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from remote_registry.errors import ModelFailed
from remote_registry.inputs.rows import Rows
from remote_registry.outcome import Passed
from remote_registry.testing import shut_in
from remote_registry.testing.begin import _hidden
from remote_registry.testing.child import Limits, Ran, Shown, run
from remote_registry.testing.described import Described
from remote_registry.testing.handover import Handover, places_of
from remote_registry.testing.processes import descendants
from remote_registry.testing.python import Maker

SPAWNS = "import subprocess, sys, time; subprocess.Popen(['sleep', '60']); print(1, flush=True); "


class Lines:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def warning(self, text: str) -> None:
        self.lines.append(f"warning: {text}")

    def hide(self, secrets: list[str]) -> None: ...

    def progress(self, text: str) -> None: ...

    def passed(self, passed: Passed) -> None: ...

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        yield


def shown(*pieces: bytes) -> tuple[list[str], list[str]]:
    log = Lines()
    telling = Shown(log)
    for piece in pieces:
        telling.feed(piece)
    telling.end()
    return log.lines, list(telling.last)


def test_lines_are_told_whole_wherever_they_are_cut() -> None:
    assert shown(b"one\ntw", b"o\n\nthr", b"ee") == (
        ["| one", "| two", "| three"],
        ["one", "two", "three"],
    )
    assert shown("é".encode()[:1], "é".encode()[1:] + b"\n")[0] == ["| é"]
    assert shown(b"\xff\xfe\n")[0] == ["| \ufffd\ufffd"]
    assert shown(b"a\rb\r\n")[0] == ["| a", "| b"]


def test_what_is_loud_is_cut() -> None:
    lines, last = shown(*[b"a" * 5000 + b"\n"] * 300)
    assert lines[-1] == "… and 200 more lines"
    assert max(map(len, lines)) <= 1002
    assert len(last) == 15
    endless, _ = shown(*[b"a" * 65536] * 100)
    assert sum(map(len, endless)) < 110_000


def limits(**changed: object) -> Limits:
    given = {"hidden": (), "shown": (), "writable": (), "variables": {}, "seconds": 10.0}
    return Limits(**{**given, "deadline": time.monotonic() + 10, **changed})  # type: ignore[arg-type]


def ran(code: str, folder: Path, **changed: object) -> Ran | str:
    """How it ended, or why it failed; nothing that it has started lives on.

    In a process apart, for all that is below that one is ended: here the servers of other tests.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        ended, living = apart.submit(_ran, code, folder, changed).result()
    assert living == []
    return ended


def _ran(code: str, folder: Path, changed: dict[str, object]) -> tuple[Ran | str, list[int]]:
    command = [sys.executable, "-I", "-c", code, "{answer}"]
    try:
        ended: Ran | str = run(command, folder, limits(**changed), "It", Lines())
    except ModelFailed as failed:
        ended = str(failed)
    return ended, descendants()


def test_an_answer_and_an_exit_code(tmp_path: Path) -> None:
    code = "import os, sys; os.write(int(sys.argv[1]), b'answer'); print('said'); sys.exit(7)"
    assert ran(code, tmp_path) == Ran(7, b"answer", ("said",))


def test_the_variables_are_those_given_and_no_descriptor_is_open(tmp_path: Path) -> None:
    code = "import os, sys; print(sorted(os.environ), len(os.listdir('/proc/self/fd')))"
    said = "['LC_CTYPE', 'ONLY'] 5"  # the listing's own descriptor, and the answer's
    variables = {"ONLY": "this", "LC_CTYPE": "C"}
    assert ran(code, tmp_path, variables=variables) == Ran(0, b"", (said,))


def test_pipes_that_are_closed_early(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; os.close(1); os.close(2); os.close(int(sys.argv[1])); time.sleep(1)"
    )
    assert ran(code, tmp_path) == Ran(0, b"", ())


def test_whoever_is_left_running_is_ended(tmp_path: Path) -> None:
    assert ran(SPAWNS, tmp_path) == Ran(0, b"", ("1",))


WITHOUT_FIRST_THREAD = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_lives_on_without_its_first_thread() -> None:
    command = [sys.executable, "-I", "-c", WITHOUT_FIRST_THREAD]
    with subprocess.Popen(command) as process:
        try:
            deadline = time.monotonic() + 30
            while ") Z " not in (told := Path(f"/proc/{process.pid}/stat").read_text()):
                assert time.monotonic() < deadline, told
                time.sleep(0.02)
            assert process.pid in descendants()
        finally:
            process.kill()


def test_one_that_has_ended_does_not_live() -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert process.pid not in descendants()


def test_too_long(tmp_path: Path) -> None:
    code = f"{SPAWNS} time.sleep(60)"
    told = ran(code, tmp_path, deadline=time.monotonic() + 0.5, seconds=0.5)
    assert "It was not done when the 0.5 seconds" in str(told)


@pytest.mark.parametrize(
    ("code", "told"),
    [(1, "ended with exit code 1"), (-11, "was ended by signal 11"), (-9, "memory runs out")],
)
def test_how_it_ended(code: int, told: str) -> None:
    assert told in Ran(code, b"", ()).ending


def test_only_what_is_hidden_is_hidden(tmp_path: Path) -> None:
    for name in ("a/open", "a/closed/inner", "b"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    hidden = [str(tmp_path / "a/closed")]
    found = list(shut_in.shown_paths(hidden, str(tmp_path)))
    assert sorted(found) == [str(tmp_path / "a/open"), str(tmp_path / "b")]


def test_what_is_hidden_below_what_is_shown_stays_hidden(tmp_path: Path) -> None:
    for name in ("home/python/bin", "home/python/job"):
        (tmp_path / name).mkdir(parents=True)
    hidden = [str(tmp_path / "home"), str(tmp_path / "home/python/job")]
    shown = [str(tmp_path / "home/python"), "/"]
    found = list(shut_in.readable_paths(hidden, shown))
    assert str(tmp_path / "home/python/bin") in found
    assert not {*hidden, *shown, str(tmp_path)} & {*found}


def test_the_folders_of_a_job_are_hidden(tmp_path: Path) -> None:
    runner = tmp_path / "runner"
    workspace = runner / "_work/churn"
    workspace.mkdir(parents=True)
    environment = {"HOME": "/home/x", "RUNNER_WORKSPACE": str(workspace), "RUNNER_TEMP": ""}
    assert str(runner) not in set(_hidden(environment))
    (runner / ".runner").write_text("{}")
    hidden = set(_hidden(environment))
    assert {str(runner), str(workspace), "/home/x", "/tmp", "."} <= hidden
    assert str(tmp_path) not in hidden


def test_a_disk_is_no_device_that_may_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tty", "pts/1", "dri/card0", "sg0", "nvme0", "bsg/0"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    os.mkfifo(tmp_path / "sda")
    (tmp_path / "link").symlink_to("sda")
    monkeypatch.setattr(shut_in.stat, "S_ISBLK", stat.S_ISFIFO)  # who is not root makes no other
    found = {path.removeprefix(f"{tmp_path}/") for path in shut_in.devices(str(tmp_path))}
    assert found == {"tty", "pts/1", "dri/card0"}


def test_what_may_be_read_and_written(tmp_path: Path) -> None:
    for name in ("closed", "closed/needed", "closed/needed/job", "own"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    named = {
        "hidden": [str(tmp_path), str(tmp_path / "closed/needed/job")],
        "shown": [str(tmp_path / "closed/needed"), sys.base_prefix, sys.prefix],
        "writable": [str(tmp_path / "own")],
    }
    code = f"""
import os
print(sorted(os.listdir({str(tmp_path)!r} + "/closed/needed")))
for name in ("closed", "closed/needed", "closed/needed/job", "own"):
    for mode in ("r", "a"):
        try:
            open({str(tmp_path)!r} + f"/{{name}}/file", mode)
            print(name, mode)
        except PermissionError:
            pass
shared = f"/dev/shm/of-the-tests-{{os.getpid()}}"
for path in ("/dev/null", shared):
    open(path, "w")
os.unlink(shared)
try:
    os.mkdir("/dev/of-the-tests")
    os.rmdir("/dev/of-the-tests")
    print("made a device's folder")
except PermissionError:
    pass
"""
    command = [sys.executable, "-I", "-S", shut_in.__file__, json.dumps(named), sys.executable]
    done = subprocess.run([*command, "-I", "-c", code], capture_output=True, text=True, check=True)
    listed, *opened = done.stdout.splitlines()
    assert listed == "['file', 'job']"
    assert opened == ["closed/needed r", "own r", "own a"]


def test_the_launcher_tells_what_cannot_be_run(tmp_path: Path) -> None:
    named = json.dumps({"hidden": [], "shown": [], "writable": []})
    command = [sys.executable, "-I", "-S", shut_in.__file__, named, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{tmp_path}: Permission denied" in done.stderr


def test_all_goes_over_as_it_was() -> None:
    handover = Handover(
        folder="/tmp/x",
        lock=5,
        outcome={"model_name": "churn"},
        described=Described((3, 11), "", ("pandas",), "3.1", True),
        maker=Maker("", "/usr/bin/python3", "a warning", ("/usr",)),
        rows=Rows("inputs", [1, None], {"n": 1}, (1, None)),
        expected=([1.5],),
        tolerance=0.1,
        timeout=5.0,
        variables={"PATH": "/bin"},
        hidden=("/root",),
        shown=(),
        places={},
        as_json=True,
        begun=1.5,
    )
    again = Handover.parse(handover.text)
    assert again.text == handover.text
    assert (again.described, again.maker.python) == (handover.described, "/usr/bin/python3")


def test_places_to_report_are_told_to_the_second_half_alone() -> None:
    environment = {"GITHUB_OUTPUT": "/x", "GITHUB_TOKEN": "a secret", "GITHUB_ACTIONS": "true"}
    assert places_of(environment) == {"GITHUB_OUTPUT": "/x", "GITHUB_ACTIONS": "true"}
