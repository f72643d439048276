"""A local server of one file that breaks downloads: it hangs, resets, sends half of the file, another one, or an error.

It answers one connection after the other, which is enough for one client.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Literal

Way = Literal["whole", "hang", "hang in the middle", "reset", "half", "wrong", "error", "no http"]
WAYS: tuple[Way, ...] = ("hang", "hang in the middle", "reset", "half", "wrong", "error", "no http")
"""The ways in which a download can break."""


class BrokenServer:
    """Serves a file at any path, in the way that is set at the time of the request.

    Args:
        content: of the file.

    Attributes:
        way: of the next answers.
        requests: the number of connections so far.
    """

    def __init__(self, content: bytes) -> None:
        self.content, self.requests = content, 0
        self.way: Way = "whole"
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> BrokenServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        socket.create_connection(self._socket.getsockname()).close()  # wakes accept()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self._over.is_set():
                connection.close()
                return
            self.requests += 1
            with connection, suppress(OSError):  # the client has gone
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.recv(1 << 16)
        content = self.content[::-1] if self.way == "wrong" else self.content
        middle = len(content) // 2
        if self.way == "hang":
            self._wait(connection)
        elif self.way == "no http":
            connection.sendall(b"\x16\x03\x01 this is something else")
        elif self.way == "error":
            connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        else:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode())
            if self.way in ("whole", "wrong"):
                connection.sendall(content)
                return
            connection.sendall(content[:middle])
            if self.way == "hang in the middle":
                self._wait(connection)
            if self.way == "reset":  # instead of a proper end
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _wait(self, connection: socket.socket) -> None:
        """Say nothing until the client has gone, or this server ends."""
        connection.settimeout(0.05)
        while not self._over.is_set():
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                continue
