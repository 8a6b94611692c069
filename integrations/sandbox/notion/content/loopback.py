"""Talks to the sandbox on this machine: control paths as a person, the API with the demo's own token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from integrations.sandbox.notion.content.values import Json
from tenants.foundation.errors import ExternalServiceError, InvalidInput

SERVICE = "notion sandbox"
NOTION_VERSION = "2026-03-11"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TIMEOUT_SECONDS = 20.0


class SandboxCalls:
    """One sandbox on loopback. A development tool: standard library only, one connection a call."""

    def __init__(self, base_url: str) -> None:
        """`base_url` as in `http://127.0.0.1:8790`. Raises InvalidInput for any other machine."""
        parts = urlsplit(base_url)
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
            raise InvalidInput(f"The demo only edits a sandbox on this machine, not {base_url}.")
        self._host = parts.hostname
        self._port = parts.port or 80

    def state(self) -> Json:
        """Return the sandbox's workspaces with their tokens. Raises ExternalServiceError."""
        return self.report("state")

    def report(self, verb: str) -> Json:
        """Return what a control path shows (`ledger`, `webhooks`, …). Raises ExternalServiceError."""
        return self._call("GET", f"/_sandbox/{verb}", None, {})

    def control(self, verb: str, body: Json, *, method: str = "POST") -> Json:
        """Carry out one control call (`edit`, `create`, `append`, …). Raises ExternalServiceError."""
        return self._call(method, f"/_sandbox/{verb}", body, {})

    def pages(self, path: str, body: Json, token: str) -> Iterator[Json]:
        """Yield every result of a paginated API call. Raises ExternalServiceError."""
        cursor: dict[str, str] = {}
        while True:
            headers = {"Authorization": f"Bearer {token}", "Notion-Version": NOTION_VERSION}
            answer = self._call("POST", path, {**body, "page_size": 100, **cursor}, headers)
            yield from answer["results"]
            if not answer["has_more"]:
                return
            cursor = {"start_cursor": answer["next_cursor"]}

    def _call(self, method: str, path: str, body: Json | None, headers: dict[str, str]) -> Json:
        connection = HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        sent = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            status, raw = answer.status, answer.read()
            seconds = answer.getheader("Retry-After")
        except (OSError, HTTPException) as problem:
            raise ExternalServiceError(
                f"The sandbox does not answer: {problem}",
                service=SERVICE,
                is_transient=True,
                reason="connect",
            ) from problem
        finally:
            connection.close()
        if status != 200:
            raise ExternalServiceError(
                f"The sandbox answered {status} to {method} {path}: {raw[:300].decode(errors='replace')}",
                service=SERVICE,
                is_transient=status in (429, 500, 502, 503, 504, 529),
                reason="status",
                retry_after_seconds=float(seconds) if seconds and seconds.isdecimal() else None,
            )
        read: Any = json.loads(raw)
        if not isinstance(read, dict):
            raise ExternalServiceError("The sandbox answered no object.", service=SERVICE, is_transient=False)
        return read
