"""A machine for `entrypoint` to run on, and indexes for its pip."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHON = os.path.realpath(sys.executable)
TOOLS = ("bash", "dirname", "find", "mkdir", "mktemp", "mv", "rm", "sed", "sleep")


class Machine:
    """A machine with a home and the wheels, and with no Python but those that a test puts there."""

    def __init__(
        self, folder: Path, checkout: Path, wheels: Path, home: Path | None = None
    ) -> None:
        self.folder = folder
        self.checkout = checkout
        self.home = home or folder / "home"
        self.home.mkdir(exist_ok=True)
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)
        self.variables = {
            "PATH": str(self.bin),
            "HOME": str(self.home),
            "TMPDIR": str(folder),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
        }

    @property
    def cache(self) -> Path:
        return self.home / ".cache/register-remote-model"

    def put_python(self, path: str | Path, script: str = f'exec "{PYTHON}" "$@"') -> Path:
        """A Python at a path that is relative to the machine's folder of programs."""
        program = self.bin / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!{shutil.which('bash')}\n{script}\n")
        program.chmod(0o755)
        return program

    def start(
        self, *arguments: str, cwd: Path | None = None, **changes: Any
    ) -> subprocess.Popen[str]:
        variables = {**self.variables, **changes}
        return subprocess.Popen(
            [self.checkout / "entrypoint", *arguments],
            env={name: str(value) for name, value in variables.items() if value is not None},
            cwd=cwd or self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, cwd: Path | None = None, **changes: Any) -> Result:
        process = self.start(*arguments, cwd=cwd, **changes)
        return Result(process, *process.communicate(timeout=60))


class Result:
    def __init__(self, process: subprocess.Popen[str], stdout: str, stderr: str) -> None:
        self.pid = process.pid
        self.code = process.returncode
        self.stdout = stdout
        self.stderr = stderr

    @property
    def report(self) -> dict[str, Any]:
        """What the program told; its line is all that stdout holds."""
        assert self.code == 0, self.stderr
        return json.loads(self.stdout)


class Index:
    """A package index; `serve` says what becomes of a file's bytes."""

    def __init__(self, wheels: Path, serve: Callable[[bytes], bytes] = bytes) -> None:
        self.requests: list[str] = []
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.requests.append(self.path)
                name = self.path.rstrip("/").rpartition("/")[2]
                file = wheels / name
                body = serve(file.read_bytes()) if file.is_file() else links(name)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        def links(project: str) -> bytes:
            found = wheels.glob(f"{project.replace('-', '_')}-*.whl")
            return "".join(f'<a href="/{file.name}">{file.name}</a>' for file in found).encode()

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # a pip that was stopped takes no reply
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple"

    def __enter__(self) -> Index:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Hanging:
    """A first run whose pip waits for an index that doesn't answer."""

    def __init__(self, machine: Machine, wheels: Path, **changes: Any) -> None:
        self._reached, self._released = threading.Event(), threading.Event()
        with Index(wheels, self._hang) as index:
            source = {"PIP_NO_INDEX": None, "PIP_FIND_LINKS": None, "PIP_INDEX_URL": index.url}
            self.process = machine.start(**source, **changes)
            assert self._reached.wait(30)
            self._folder = machine.folder

    def _hang(self, content: bytes) -> bytes:
        self._reached.set()
        self._released.wait(30)
        return content

    def processes(self) -> dict[str, str]:
        """Command lines and variables of all processes that know the machine's folder."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_text().replace("\0", " ")
                variables = (folder / "environ").read_text()
            except OSError:
                continue
            if f"HOME={self._folder}/" in variables:
                found[command] = variables
        return found

    def end(self, number: signal.Signals) -> float:
        """Seconds until the process had ended."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        self.process.communicate()
        self._released.set()
        return time.monotonic() - started
