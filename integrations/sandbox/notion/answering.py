"""From a request to an answer: route, fault, token, version, budget, body, handler, ledger."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.control import PREFIX, answer_control, is_loopback
from integrations.sandbox.notion.errors import Json, NotionError, invalid, invalid_body, of_status
from integrations.sandbox.notion.faults import Fault
from integrations.sandbox.notion.ledger import Entry
from integrations.sandbox.notion.rendering import VERSIONS, dumped
from integrations.sandbox.notion.routing import Route, find_route
from integrations.sandbox.notion.sandbox import Sandbox, real_now
from integrations.sandbox.notion.validation import MAX_BODY_BYTES
from integrations.sandbox.notion.world import Connection

RETRY_GUIDANCE = "Do not repeat the write: it was saved. Read the resource to confirm."


@dataclass(frozen=True)
class Request:
    """`path` is still URL-encoded; header names are in lower case."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    remote_address: str


@dataclass
class Answer:
    """`broken` says how the server is to fail at sending it."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    broken: Literal["reset", "half"] | None = None


def answer(sandbox: Sandbox, request: Request) -> Answer:
    """Never raises for what a client sends."""
    if request.path.startswith(PREFIX):
        return _control(sandbox, request)
    started = time.perf_counter()
    found = find_route(request.method, request.path)
    template = found[0].template if found else request.path
    connection = _connection(sandbox, request)
    workspace_id = connection.workspace.id if connection else None
    with sandbox.lock:
        fault = sandbox.faults.take(request.method, request.path, template, workspace_id)
        made = _with_fault(sandbox, request, found, connection, fault)
        sandbox.ledger.add(
            Entry(
                endpoint=found[0].endpoint if found else f"{request.method} (unknown)",
                method=request.method,
                path=request.path,
                status=0 if made.broken else made.status,
                workspace=workspace_id,
                at=sandbox.clock.now().isoformat(),
                real_at=real_now(),
                milliseconds=round((time.perf_counter() - started) * 1000, 3),
            )
        )
    latency = connection.limits.latency_ms if connection else 0
    made.delay_seconds = (latency + (fault.delay_ms if fault else 0)) / 1000
    return made


def _connection(sandbox: Sandbox, request: Request) -> Connection | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    with sandbox.lock:
        return sandbox.connection_of(token.strip()) if scheme.lower() == "bearer" else None


def _with_fault(
    sandbox: Sandbox,
    request: Request,
    found: tuple[Route, tuple[str, ...]] | None,
    connection: Connection | None,
    fault: Fault | None,
) -> Answer:
    if fault is None or fault.kind == "delay":
        return _ordinary(sandbox, request, found, connection)
    if fault.kind == "reset":
        return Answer(0, b"", broken="reset")
    if fault.kind == "status":
        return _failed(fault)
    made = _ordinary(sandbox, request, found, connection)
    if fault.kind == "half":
        made.broken = "half"
    elif fault.kind == "malformed":
        made.body = made.body[: len(made.body) // 2] + b"<html>"
    elif fault.kind == "repeat_cursor" and made.status == 200:
        made.body = _with_repeated_cursor(request, made.body)
    elif fault.kind == "commit_then_503" and made.status == 200:
        return _saved_and_503(request, json.loads(made.body))
    return made


def _failed(fault: Fault) -> Answer:
    request_id = str(uuid.uuid4())
    error = of_status(fault.status, fault.code, fault.message, fault.additional_data)
    body: Any = fault.body if fault.body is not None else error.body(request_id)
    headers = dict(fault.headers) | {"x-notion-request-id": request_id}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    return Answer(fault.status, body.encode() if isinstance(body, str) else dumped(body), headers)


def _with_repeated_cursor(request: Request, body: bytes) -> bytes:
    listed: Json = json.loads(body)
    sent = json.loads(request.body or b"{}").get("start_cursor") if request.method == "POST" else None
    sent = sent or parse_qs(request.query_string).get("start_cursor", [None])[0]
    cursor = sent or listed.get("next_cursor") or str(uuid.uuid4())
    return dumped({**listed, "next_cursor": cursor, "has_more": True})


def _saved_and_503(request: Request, saved: Json) -> Answer:
    data: Json = {"retry_guidance": RETRY_GUIDANCE}
    if saved.get("object") == "list":
        data["committed_child_ids"] = [entry["id"] for entry in saved["results"]]
        data["committed_resource_id"] = request.path.split("/")[3]
    else:
        data["committed_resource_id"] = saved.get("id")
    request_id = str(uuid.uuid4())
    error = of_status(503, additional_data=data)
    return Answer(503, dumped(error.body(request_id)), {"x-notion-request-id": request_id})


def _ordinary(
    sandbox: Sandbox,
    request: Request,
    found: tuple[Route, tuple[str, ...]] | None,
    connection: Connection | None,
) -> Answer:
    request_id = str(uuid.uuid4())
    headers = {"x-notion-request-id": request_id}
    try:
        if found is None:
            raise NotionError(400, "invalid_request_url", "Invalid request URL.")
        if connection is None:
            raise NotionError(401, "unauthorized", "API token is invalid.")
        version = _version(request)
        over = sandbox.world.budget.spend(connection.id, connection.workspace.id, connection.limits)
        if over is not None:
            raise over
        call = Call(
            workspace=connection.workspace,
            cursors=sandbox.cursors,
            limits=connection.limits,
            actor=connection.bot,
            connection=connection,
            version=version,
            query=parse_qs(request.query_string, keep_blank_values=True),
            body=_body(request),
        )
        sandbox.world.actor = call.actor
        try:
            made = found[0].answer(call, found[1])
        finally:
            sandbox.save()
            sandbox.world.actor = None
        raw = made if isinstance(made, bytes) else dumped(made)
        return Answer(200, raw[:-1] + b',"request_id":"' + request_id.encode() + b'"}', headers)
    except NotionError as refused:
        return Answer(refused.status, dumped(refused.body(request_id)), headers | refused.headers)


def _version(request: Request) -> str:
    version = request.headers.get("notion-version")
    if not version:
        raise NotionError(
            400,
            "missing_version",
            "Notion-Version header failed validation: Notion-Version header should be defined, "
            "instead was `undefined`.",
        )
    if version not in VERSIONS:
        expected = " or ".join(f'`"{one}"`' for one in VERSIONS)
        raise NotionError(
            400,
            "validation_error",
            "Notion-Version header failed validation: Notion-Version header should be "
            f'{expected}, instead was `"{version}"`.',
        )
    return version


def _body(request: Request) -> Json:
    if request.method not in ("POST", "PATCH") or not request.body:
        return {}
    if len(request.body) > MAX_BODY_BYTES:
        raise invalid(f"body failed validation: body should be ≤ {MAX_BODY_BYTES // 1024}KB.")
    try:
        body = _parsed(request.body)
    except (ValueError, RecursionError) as problem:
        raise NotionError(400, "invalid_json", "Error parsing JSON body.") from problem
    if not isinstance(body, dict):
        raise invalid_body("body", "an object", body)
    return body


def _parsed(body: bytes) -> Any:
    """What a body says. Raises: ValueError, RecursionError for what no page could hold or be sent with."""
    value = json.loads(body, parse_constant=_no_constant)
    if b"\\u" in body:
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _control(sandbox: Sandbox, request: Request) -> Answer:
    if not is_loopback(request.remote_address):
        return Answer(403, dumped({"error": "the control paths answer to this machine only"}))
    try:
        body = _parsed(request.body) if request.body else {}
    except (ValueError, RecursionError):
        return Answer(400, dumped({"error": "the body is not JSON"}))
    if not isinstance(body, dict):
        return Answer(400, dumped({"error": "the body must be an object"}))
    query = parse_qs(request.query_string, keep_blank_values=True)
    name = request.path.removeprefix(PREFIX)
    status, made = answer_control(sandbox, request.method, name, body, query)
    return Answer(status, dumped(made))
