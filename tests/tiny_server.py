"""A server on loopback that says what it is told to say, right or wrong, and what it was asked."""

from __future__ import annotations

import json
import select
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Request:
    """What came in; the path with its query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes:
        sent: How many bytes of the body go out before the connection is closed; all if `None`.
        drop: `reset` or `close`, instead of any answer.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    drop: str = ""

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> Reply:
        """JSON; an underscore in a header's name stands for its dash."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, json.dumps(value).encode(), named)


class TinyServer:
    """Gives its replies in their order, and the last of them from then on.

    Attributes:
        replies: What it answers; by path, where a path is a key of `pages`.
    """

    def __init__(self, scheme: str, port: int) -> None:
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.replies = [Reply()]
        self.pages: dict[str, Reply] = {}
        self.requests: list[Request] = []
        self.silence = threading.Event()
        self.silence.set()

    def next_reply(self, request: Request) -> Reply:
        self.requests.append(request)
        if page := self.pages.get(request.path.partition("?")[0]):
            return page
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tiny: TinyServer

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.tiny.next_reply(Request(self.command, self.path, dict(self.headers), body))
        self.tiny.silence.wait(30)
        if reply.drop or reply.sent is not None:
            self.close_connection = True
        if reply.drop == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if reply.drop:
            return
        self.send_response(reply.status)
        for name, text in reply.headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: reply.sent])


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def _listening(handler: type[BaseHTTPRequestHandler], certificate: Path | None) -> Iterator[int]:
    with _Quiet(("127.0.0.1", 0), handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[TinyServer]:
    """One that listens, with TLS where it has a certificate and its key (one PEM file)."""
    handler = type("Handler", (_Handler,), {})
    with _listening(handler, certificate) as port:
        handler.tiny = TinyServer("https" if certificate else "http", port)
        try:
            yield handler.tiny
        finally:
            handler.tiny.silence.set()


@dataclass
class Proxy:
    """A proxy that leads every tunnel to one port, whatever host was asked for.

    Attributes:
        refusing: Whether it refuses them.
    """

    url: str = ""
    refusing: bool = False
    requests: list[Request] = field(default_factory=list)


@contextmanager
def tunnelling_proxy(upstream: TinyServer) -> Iterator[Proxy]:
    """A proxy on loopback."""
    proxy = Proxy()
    port = int(upstream.url.rpartition(":")[2])

    class Handler(_Handler):
        def do_CONNECT(self) -> None:
            proxy.requests.append(Request("CONNECT", self.path, dict(self.headers), b""))
            self.close_connection = True
            if proxy.refusing:
                self.send_error(502)
                return
            with socket.create_connection(("127.0.0.1", port)) as other:
                self.send_response(200)
                self.end_headers()
                _pump(self.connection, other)

        def _answer(self) -> None:
            proxy.requests.append(Request(self.command, self.path, dict(self.headers), b""))
            self.send_error(502)

    with _listening(Handler, None) as own_port:
        proxy.url = f"http://127.0.0.1:{own_port}"
        yield proxy


def _pump(one: socket.socket, other: socket.socket) -> None:
    while True:
        readable, _, _ = select.select([one, other], [], [], 30)
        for end in readable or [one]:
            data = end.recv(1 << 16) if readable else b""
            if not data:
                return
            (other if end is one else one).sendall(data)
