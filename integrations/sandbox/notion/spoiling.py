"""What a fault makes of an answer: refused, broken off, or carried out and then denied."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs

from integrations.sandbox.notion.errors import Json, NotionError, of_status, rate_limited
from integrations.sandbox.notion.faults import REASONS, Fault
from integrations.sandbox.notion.rendering import dumped

RETRY_GUIDANCE = "Do not repeat the write: it was saved. Read the resource to confirm."
READING_POSTS = ("/query", "/search", "/introspect")
DEFAULT_RETRY_AFTER = 5


@dataclass(frozen=True)
class Request:
    """`path` is still URL-encoded; header names are in lower case."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    remote_address: str

    @property
    def is_write(self) -> bool:
        return self.method != "GET" and not self.path.endswith(READING_POSTS)

    @property
    def token(self) -> str:
        """The bearer token, empty without one."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass
class Answer:
    """`broken` says how the server is to fail at sending it."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    broken: Literal["reset", "half"] | None = None


def refusal(error: NotionError, headers: Mapping[str, str] | None = None) -> Answer:
    """The error as Notion sends it."""
    request_id = str(uuid.uuid4())
    return Answer(
        error.status,
        dumped(error.body(request_id)),
        {"x-notion-request-id": request_id, **error.headers, **(headers or {})},
    )


def spoilt(request: Request, fault: Fault | None, ordinary: Callable[[], Answer]) -> Answer:
    """The answer under a fault. `ordinary` carries the call out; it is not called where the fault comes before."""
    if fault is None or fault.kind == "delay":
        return ordinary()
    if fault.kind == "reset":
        return Answer(0, b"", broken="reset")
    if fault.kind == "status":
        return _failed(fault)
    if fault.kind == "rate_limit":
        seconds = DEFAULT_RETRY_AFTER if fault.retry_after is None else fault.retry_after
        return refusal(rate_limited(REASONS[fault.reason], seconds), fault.headers)
    made = ordinary()
    if fault.kind == "half":
        made.broken = "half"
    elif fault.kind == "commit_then_reset":
        made.broken = "reset"
    elif fault.kind == "malformed":
        made.body = made.body[: len(made.body) // 2] + b"<html>"
    elif made.status != 200:
        return made
    elif fault.kind == "repeat_cursor":
        made.body = _with_repeated_cursor(request, made.body)
    elif fault.kind == "commit_then_503":
        return _saved_and_503(request, json.loads(made.body))
    return made


def _failed(fault: Fault) -> Answer:
    error = of_status(fault.status, fault.code, fault.message, fault.additional_data)
    headers = dict(fault.headers)
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    made = refusal(error, headers)
    if fault.body is not None:
        body: Any = fault.body
        made.body = body.encode() if isinstance(body, str) else dumped(body)
    return made


def _with_repeated_cursor(request: Request, body: bytes) -> bytes:
    listed: Json = json.loads(body)
    sent = json.loads(request.body or b"{}").get("start_cursor") if request.method == "POST" else None
    sent = sent or parse_qs(request.query_string).get("start_cursor", [None])[0]
    cursor = sent or listed.get("next_cursor") or str(uuid.uuid4())
    return dumped({**listed, "next_cursor": cursor, "has_more": True})


def _saved_and_503(request: Request, saved: Json) -> Answer:
    """A write names its guidance, what it made and, for an append, the new blocks; a read is a plain 503."""
    if not request.is_write:
        return refusal(of_status(503))
    data: Json = {"retry_guidance": RETRY_GUIDANCE}
    if saved.get("object") == "list":
        data["committed_child_ids"] = [entry["id"] for entry in saved["results"]]
        data["committed_resource_id"] = request.path.split("/")[3]
    elif request.method == "POST" and "id" in saved:
        data["committed_resource_id"] = saved["id"]
    return refusal(of_status(503, additional_data=data))
