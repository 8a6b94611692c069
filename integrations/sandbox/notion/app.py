"""The sandbox as a WSGI application."""

from __future__ import annotations

import errno
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import structlog

from integrations.sandbox.notion.answering import answer
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sandbox.notion.spoiling import Answer, Request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = structlog.get_logger(__name__)
READ_AT_MOST = 24 * 1024 * 1024
NO_LINGER = struct.pack("ii", 1, 0)


class ConnectionBroken(ConnectionResetError):
    """Raised on purpose so that the server gives up a connection; servers take it for the client's doing."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "broken on purpose")


class NotionApplication:
    """Answers HTTP requests from one `Sandbox`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = _request(environ)
        made = answer(self.sandbox, request)
        if made.delay_seconds:
            time.sleep(made.delay_seconds)
        if made.broken == "reset":
            _reset(environ)
            raise ConnectionBroken
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Content-Length": str(len(made.body)),
            **made.headers,
        }
        if "gunicorn.socket" not in environ:  # gunicorn writes the header itself, see server.py
            headers["Date"] = self.sandbox.clock.http_date()
        start_response(_status_line(made.status), list(headers.items()))
        if made.broken == "half":
            return _half(environ, made)
        return [made.body]


def _status_line(status: int) -> str:
    known = {one.value: one.phrase for one in HTTPStatus}
    return f"{status} {known.get(status, 'Service Overload')}"


def _request(environ: WSGIEnvironment) -> Request:
    raw = (
        environ.get("RAW_URI")
        or environ.get("REQUEST_URI")
        or quote(environ.get("PATH_INFO", ""), safe="/:@")
    )
    headers = {
        key[5:].replace("_", "-").lower(): str(value)
        for key, value in environ.items()
        if key.startswith("HTTP_")
    } | {"content-type": str(environ.get("CONTENT_TYPE", ""))}
    return Request(
        method=environ["REQUEST_METHOD"],
        path=str(raw).partition("?")[0],
        query_string=environ.get("QUERY_STRING", ""),
        headers=headers,
        body=_read(environ),
        remote_address=environ.get("REMOTE_ADDR", ""),
    )


def _read(environ: WSGIEnvironment) -> bytes:
    length = environ.get("CONTENT_LENGTH")
    if length:
        return bytes(environ["wsgi.input"].read(min(int(length), READ_AT_MOST)))
    if environ.get("wsgi.input_terminated"):  # chunked: the server knows where the body ends
        return bytes(environ["wsgi.input"].read(READ_AT_MOST))
    return b""


def _socket(environ: WSGIEnvironment) -> socket.socket | None:
    found: Any = environ.get("gunicorn.socket") or environ.get("sandbox.socket")
    return found if isinstance(found, socket.socket) else None


def _reset(environ: WSGIEnvironment) -> None:
    """Close so that the peer gets a RST instead of an orderly end."""
    connection = _socket(environ)
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        connection.close()


def _half(environ: WSGIEnvironment, made: Answer) -> Iterator[bytes]:
    yield made.body[: max(1, len(made.body) // 2)]
    connection = _socket(environ)
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionBroken
