"""One listening port: a thread per connection, bodies in big pieces, files by sendfile."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from ..control.throttle import Brake, Lanes
from .body import Body
from .message import FileSlice, Reply, Request

Exchange = Callable[[Request], Reply]
BODILESS = (204, 304)


class Listener(ThreadingHTTPServer):
    """Hands each request to `exchange` and carries its reply out."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, origin: str, port: int, exchange: Exchange, lanes: Lanes) -> None:
        super().__init__(("127.0.0.1", port), Connection)
        self.origin = origin
        self.exchange = exchange
        self.lanes = lanes

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener
    inward: Brake
    outward: Brake

    def setup(self) -> None:
        super().setup()
        self.inward, self.outward = self.server.lanes.brakes()

    def log_message(self, *args: Any) -> None:
        """The access log is kept elsewhere."""

    def serve(self) -> None:
        request = self._request()
        reply = self.server.exchange(request)
        if not reply.drop:
            self._send(reply)
        if reply.reset_after is not None:
            self._reset()
        self.close_connection = self.close_connection or reply.drop

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = serve  # noqa: N815

    def _request(self) -> Request:
        path, _, query = self.path.partition("?")
        length = self.headers.get("Content-Length")
        body = Body(
            stream=self.rfile,
            length=int(length) if length else None,
            chunked=self.headers.get("Transfer-Encoding", "").lower() == "chunked",
            brake=self.inward,
            piece=self.inward.piece,
        )
        decoded = unquote(path, errors="surrogateescape")
        return Request(self.server.origin, self.command, decoded, query, self.headers, body)

    def _send(self, reply: Reply) -> None:
        head = self._head(reply)
        if reply.status in BODILESS or self.command == "HEAD":
            self.connection.sendall(head)
            return
        limit = reply.length if reply.reset_after is None else reply.reset_after
        if isinstance(reply.body, FileSlice):
            self.connection.sendall(head)
            self._send_file(reply.body, min(limit, reply.length))
        else:
            self._send_bytes(head + reply.body[:limit])

    def _head(self, reply: Reply) -> bytes:
        lines = [f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('',))[0]}"]
        if reply.status not in BODILESS:
            reply.headers.setdefault("Content-Length", str(reply.length))
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _send_bytes(self, data: bytes) -> None:
        piece = self.outward.piece()
        for start in range(0, len(data), piece):
            part = data[start : start + piece]
            self.outward(len(part))
            self.connection.sendall(part)

    def _send_file(self, part: FileSlice, length: int) -> None:
        offset, end = part.offset, part.offset + length
        with part.path.open("rb") as file:
            while offset < end:
                count = min(end - offset, self.outward.piece())
                self.outward(count)
                sent = os.sendfile(self.connection.fileno(), file.fileno(), offset, count)
                if not sent:
                    raise ConnectionError("the file became shorter while it was sent")
                offset += sent

    def _reset(self) -> None:
        """Close with RST, so that the client sees a reset and not an early end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
