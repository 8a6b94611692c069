"""Loopback servers that answer the way bad networks and bad servers do."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

type Behaviour = Callable[[socket.socket, bytes], None]


class ScriptedServer:
    """A server that reads one request per connection and then does what its script says with the socket."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The base address of the server."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stop listening and wait for the thread."""
        self._is_stopping.set()
        self._thread.join(timeout=5)
        self._listener.close()

    def _serve(self) -> None:
        while not self._is_stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(5)
                request = self._read_request(connection)
                self.requests.append(request)
                try:
                    self._behaviour(connection, request)
                except OSError:
                    continue

    @staticmethod
    def _read_request(connection: socket.socket) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received:
            part = connection.recv(65536)
            received += part
            # A TLS greeting (0x16) has no end of headers to wait for.
            if not part or received.startswith(b"\x16"):
                return received
        head, _, body = received.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":", 1)[1])
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body


@contextmanager
def scripted_server(behaviour: Behaviour) -> Iterator[ScriptedServer]:
    """Run a server for the length of the block."""
    server = ScriptedServer(behaviour)
    try:
        yield server
    finally:
        server.stop()


def answer(status: str, body: bytes = b"", *, headers: dict[str, str] | None = None) -> Behaviour:
    """Make a behaviour that sends one complete answer and closes."""

    def behave(connection: socket.socket, _: bytes) -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return behave
