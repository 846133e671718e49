"""The command: one workspace, until it is told to end."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .api.places import TRACKING_ROOT
from .auth import Door
from .control.endpoint import Control
from .control.knobs import Knobs, meanings
from .control.throttle import Lanes
from .front import STORAGE, WORKSPACE, Front
from .mlflow_servers import MlflowServers, ServerSpec
from .registrar import Registrar
from .signer import Signer
from .state import Identity, State
from .storage import Storage
from .uploads import Uploads
from .upstream import Upstream
from .wire.listener import Listener

ARTIFACT_ROOT = f"dbfs:{TRACKING_ROOT}"


def parse(argv: Sequence[str] | None) -> tuple[argparse.Namespace, Knobs]:
    parser = new_parser()
    arguments = parser.parse_args(argv)
    knobs = Knobs()
    try:
        knobs.change({name: getattr(arguments, name) for name in meanings()})
    except ValueError as error:
        parser.error(str(error))
    return arguments, knobs


def new_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tests/workspace",
        description="A stand-in Databricks workspace on 127.0.0.1. Prints one line of JSON when "
        "it is ready, and ends at SIGINT or SIGTERM.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--name", default="workspace")
    parser.add_argument("--workspace-id", help="16 digits (default: made from the name)")
    parser.add_argument("--token", help="the workspace's own token (default: a random one)")
    parser.add_argument("--user", help="that token's user (default: made from the name)")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--storage-port", type=int, default=0, help="for signed URLs")
    parser.add_argument("--control-key", help="(default: a random one)")
    parser.add_argument("--mlflow-url", help="an MLflow server (default: one of its own)")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when stdin closes")
    knobs = parser.add_argument_group("knobs", "also changeable while it runs; values are JSON")
    for name, (default, meaning) in meanings().items():
        option = f"--{name.replace('_', '-')}"
        escaped = meaning.replace("%", "%%")
        kind = str if isinstance(default, str) else json.loads
        knobs.add_argument(option, dest=name, type=kind, default=default, help=escaped)
    return parser


def workspace_id_of(name: str) -> str:
    return str(10**15 + zlib.crc32(name.encode()) * 7919)


def assemble(
    arguments: argparse.Namespace, knobs: Knobs, folder: Path, mlflow_url: str
) -> dict[str, Any]:
    """Build and start the workspace; what its user has to know of it."""
    name = arguments.name
    identity = Identity(
        name=name,
        workspace_id=arguments.workspace_id or workspace_id_of(name),
        user=arguments.user or f"{name}@example.com",
    )
    token = arguments.token or f"dapi{secrets.token_hex(16)}"
    state = new_state(identity, knobs, folder, mlflow_url)
    control = Control(arguments.control_key or secrets.token_hex(16), knobs, state.registrar.wake)
    front = Front(state, control, Door(token, identity.user, knobs))
    state.host, state.signer.base = open_doors(front, arguments.port, arguments.storage_port)
    return {
        "name": name,
        "host": state.host,
        "workspace_id": identity.workspace_id,
        "token": token,
        "user": identity.user,
        "storage": state.signer.base,
        "control_key": control.key,
        "folder": str(folder),
        "pid": os.getpid(),
    }


def new_state(identity: Identity, knobs: Knobs, folder: Path, mlflow_url: str) -> State:
    storage = Storage(folder)
    uploads = Uploads(storage)
    return State(
        identity=identity,
        knobs=knobs,
        storage=storage,
        uploads=uploads,
        signer=Signer(storage, uploads, knobs),
        upstream=Upstream(mlflow_url),
        registrar=Registrar(storage, knobs),
    )


def open_doors(front: Front, port: int, storage_port: int) -> tuple[str, str]:
    """The two origins: the workspace's and its cloud storage's."""
    knobs = front.state.knobs
    lanes = Lanes(
        connection=lambda: knobs.connection_bandwidth,
        total_in=lambda: knobs.total_bandwidth_in,
        total_out=lambda: knobs.total_bandwidth_out,
    )
    urls = []
    for origin, wanted in ((WORKSPACE, port), (STORAGE, storage_port)):
        listener = Listener(origin, wanted, front.exchange, lanes)
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        urls.append(listener.url)
    return urls[0], urls[1]


def leave(number: int, frame: object) -> None:
    sys.exit(0)


def main(argv: Sequence[str] | None = None) -> None:
    arguments, knobs = parse(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix=f"workspace-{arguments.name}-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        ready = assemble(arguments, knobs, folder, arguments.mlflow_url or own_mlflow(stack))
        print(json.dumps(ready), flush=True)
        if arguments.end_with_stdin:
            sys.stdin.read()
        else:
            threading.Event().wait()


def own_mlflow(stack: ExitStack) -> str:
    servers = MlflowServers()
    stack.callback(servers.stop)
    return servers.start([ServerSpec(ARTIFACT_ROOT)])[0]
