"""A sandbox with the sample workspace, and a client that knows no Notion library."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from integrations.sandbox.notion.routing import find_route
from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import RunningSandbox, running_sandbox
from tests.integrations.sandbox.notion import contract, sample

Json = dict[str, Any]


@dataclass
class Reply:
    status: int
    body: Json
    headers: dict[str, str]

    @property
    def ids(self) -> list[str]:
        return [entry["id"] for entry in self.body["results"]]


@dataclass
class Caller:
    """Sends one request at a time and checks what was accepted against Notion's own document."""

    base_url: str
    token: str = sample.TOKEN
    version: str | None = "2026-03-11"
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, method: str, path: str, body: Any = None) -> Reply:
        raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        status, headers, content = self.raw(method, path, raw)
        reply = Reply(status, json.loads(content), headers)
        if status == 200 and contract.is_available and path.startswith("/v1/"):
            if "/queries" not in path:  # views list pages by their ids alone
                contract.assert_objects_conform(reply.body)
            if self.version == "2026-03-11":
                self._check(method, path, body, reply.body)
        return reply

    def raw(self, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
        where = urlsplit(self.base_url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if self.version is not None:
            headers["Notion-Version"] = self.version
        try:
            connection.request(method, path, body, headers | self.headers)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> Reply:
        return self("GET", path)

    def post(self, path: str, body: Any = None) -> Reply:
        return self("POST", path, {} if body is None else body)

    def patch(self, path: str, body: Any) -> Reply:
        return self("PATCH", path, body)

    def query(self, **body: Any) -> Reply:
        return self.post(f"/v1/data_sources/{sample.TASKS}/query", body)

    def _check(self, method: str, path: str, body: Any, answered: Json) -> None:
        found = find_route(method, path.partition("?")[0])
        assert found is not None
        if method in ("POST", "PATCH"):
            contract.assert_request_conforms(found[0].endpoint, body)
        contract.assert_conforms_to_client(found[0].endpoint, body, answered)
        contract.assert_response_conforms(found[0].endpoint, answered)


@pytest.fixture
def sandbox() -> Sandbox:
    """The sample workspace with five tasks at a clock that stands at noon of 10 July 2026."""
    made = Sandbox()
    made.add_workspace(sample.workspace_line(), [*sample.frame_objects(), *sample.tasks(5)])
    made.clock.stop_at(sample.NOON)
    return made


@pytest.fixture
def running(sandbox: Sandbox) -> Iterator[RunningSandbox]:
    with running_sandbox(sandbox=sandbox) as server:
        yield server


@pytest.fixture
def notion(running: RunningSandbox) -> Caller:
    return Caller(running.base_url)


@pytest.fixture
def with_tasks(sandbox: Sandbox) -> Callable[..., None]:
    """Load more rows: `with_tasks(*sample.tasks(250), sample.task(9, Hours=3))`."""

    def load(*rows: Json) -> None:
        workspace = sandbox.workspace("Test Workspace")
        for row in rows:
            workspace.put("page", json.loads(json.dumps(row)))
        sandbox.save()

    return load
