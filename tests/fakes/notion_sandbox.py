"""The Notion sandbox behind a real port on loopback, for one test or many."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from wsgiref.handlers import SimpleHandler
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from integrations.sandbox.notion.app import ConnectionBroken, NotionApplication
from integrations.sandbox.notion.sandbox import Sandbox


@dataclass
class RunningSandbox:
    """`base_url` has no path: clients append `/v1` themselves. Another `sandbox` may take the place of the first."""

    base_url: str
    sandbox: Sandbox


@contextmanager
def running_sandbox(
    load: Iterable[Path] = (),
    *,
    sandbox: Sandbox | None = None,
    budget: int | None = 180,
    state: Path | None = None,
    port: int = 0,
) -> Iterator[RunningSandbox]:
    """Serve a sandbox (a given one, or a new one from files) until the block ends. `budget=None` lifts it."""
    held = sandbox or Sandbox(load=load, state=state, budget=budget)
    with _ThreadingServer(("127.0.0.1", port), _Handler) as server:
        running = RunningSandbox(f"http://127.0.0.1:{server.server_port}", held)
        server.set_app(lambda environ, start: NotionApplication(running.sandbox)(environ, start))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()
            if sandbox is None:
                held.close()


class _ThreadingServer(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True

    def server_bind(self) -> None:
        # The parent looks up the host's full name, which takes seconds on some machines.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or a connection broken on purpose, is nothing to report; all else is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm: ClassVar[bool] = True

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ["RAW_URI"] = self.path
        environ["sandbox.socket"] = self.connection
        return environ

    def address_string(self) -> str:
        return str(self.client_address[0])

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the ledger knows every call."""

    def handle(self) -> None:
        # wsgiref answers one request a connection; this goes on until the client closes.
        self.close_connection = False
        while not self.close_connection:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                return
            answering = _Answering(
                self.rfile,
                self.wfile,  # type: ignore[arg-type]
                self.get_stderr(),
                self.get_environ(),
                multithread=True,
            )
            answering.run(self.server.get_app())  # type: ignore[attr-defined]
            if answering.is_broken:
                return


class _Answering(SimpleHandler):
    """Sends one answer; a connection broken on purpose stays broken, without a second answer."""

    http_version = "1.1"
    is_broken = False

    def run(self, application: Any) -> None:
        self.environ: dict[str, Any]
        try:
            self.setup_environ()
            self.result = application(self.environ, self.start_response)
            self.finish_response()
        except (ConnectionBroken, OSError):
            self.is_broken = True


@dataclass(frozen=True)
class ReceivedWebhook:
    """One POST as it arrived: raw bytes, headers as sent."""

    url: str
    raw: bytes
    headers: dict[str, str]

    @property
    def body(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.raw)
        return read


class WebhookInbox:
    """Takes the place of the network: `sandbox.webhooks.sender = inbox`.

    Answers the statuses in `answers` first (0: nobody answers), then 200.
    """

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.received: list[ReceivedWebhook] = []

    def __call__(self, url: str, raw: bytes, headers: Mapping[str, str]) -> int:
        self.received.append(ReceivedWebhook(url, raw, dict(headers)))
        return self.answers.pop(0) if self.answers else 200

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [one.body for one in self.received]

    @property
    def types(self) -> list[str]:
        return [body["type"] for body in self.bodies]

    def clear(self) -> None:
        self.received.clear()
