"""From a request to an answer: route, fault, token, version, budget, body, handler, ledger."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any
from urllib.parse import parse_qs

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.control import PREFIX, answer_control, is_loopback
from integrations.sandbox.notion.errors import Json, NotionError, invalid, invalid_body
from integrations.sandbox.notion.faults import Asked
from integrations.sandbox.notion.ledger import Entry
from integrations.sandbox.notion.oauth.endpoints import PATHS as OAUTH_PATHS
from integrations.sandbox.notion.oauth.endpoints import answer_oauth
from integrations.sandbox.notion.rendering import VERSIONS, dumped
from integrations.sandbox.notion.routing import Route, find_route
from integrations.sandbox.notion.sandbox import Sandbox, real_now
from integrations.sandbox.notion.spoiling import Answer, Request, spoilt
from integrations.sandbox.notion.uploads import FILES
from integrations.sandbox.notion.validation import MAX_BODY_BYTES
from integrations.sandbox.notion.window.pages import WINDOW
from integrations.sandbox.notion.window.routes import answer_window
from integrations.sandbox.notion.world import Connection

STRATEGY_HEADER = "x-sandbox-strategy"


def answer(sandbox: Sandbox, request: Request) -> Answer:
    """Never raises for what a client sends."""
    if request.path.startswith(PREFIX):
        return _control(sandbox, request)
    if request.path.startswith(FILES):
        return _file(sandbox, request)
    started = time.perf_counter()
    found = find_route(request.method, request.path)
    template = found[0].template if found else request.path
    connection = _connection(sandbox, request)
    workspace_id = connection.workspace.id if connection else None
    with sandbox.lock:
        fault = sandbox.faults.take(
            Asked(request.method, request.path, template, workspace_id, request.token)
        )
        if template in OAUTH_PATHS:
            made = spoilt(request, fault, lambda: answer_oauth(sandbox.oauth, sandbox.world, request))
        else:
            made = spoilt(request, fault, lambda: _ordinary(sandbox, request, found, connection))
        sandbox.ledger.add(
            Entry(
                endpoint=f"{request.method} {template if found or template in OAUTH_PATHS else '(unknown)'}",
                method=request.method,
                path=request.path,
                status=0 if made.broken else made.status,
                workspace=workspace_id,
                at=sandbox.clock.now().isoformat(),
                real_at=real_now(),
                milliseconds=round((time.perf_counter() - started) * 1000, 3),
                token=request.token,
                strategy=request.headers.get(STRATEGY_HEADER) or sandbox.ledger.strategy,
                fault=fault.kind if fault else None,
            )
        )
    latency = connection.limits.latency_ms if connection else 0
    made.delay_seconds = (latency + (fault.delay_ms if fault else 0)) / 1000
    return made


def _connection(sandbox: Sandbox, request: Request) -> Connection | None:
    with sandbox.lock:
        return sandbox.connection_of(request.token) if request.token else None


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
        over = sandbox.world.budget.spend(
            connection.id, connection.workspace.id, connection.limits, found[0].endpoint
        )
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
            body={} if found[0].is_form else _body(request),
            raw=request.body,
            content_type=request.headers.get("content-type", ""),
        )
        sandbox.world.actor = call.actor
        sandbox.world.base_url = f"http://{request.headers.get('host') or '127.0.0.1'}"
        try:
            made = found[0].answer(call, found[1])
        finally:
            sandbox.save()
            sandbox.world.actor = None
        raw = made if isinstance(made, bytes) else dumped(made)
        return Answer(call.status, raw[:-1] + b',"request_id":"' + request_id.encode() + b'"}', headers)
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


def _file(sandbox: Sandbox, request: Request) -> Answer:
    """An attached file, under its signed address, as long as that is good."""
    upload_id = request.path.removeprefix(FILES).partition("/")[0]
    query = parse_qs(request.query_string)
    expires = query.get("expires", ["0"])[0]
    with sandbox.lock:
        held = sandbox.world.files.get(upload_id)
        is_good = expires.isdecimal() and int(expires) > sandbox.clock.now().timestamp()
    if held is None or not is_good or "signature" not in query:
        return Answer(403, b"<Error><Code>AccessDenied</Code></Error>", {"Content-Type": "application/xml"})
    return Answer(200, held[0], {"Content-Type": held[1]})


def _control(sandbox: Sandbox, request: Request) -> Answer:
    if not is_loopback(request.remote_address):
        return Answer(403, dumped({"error": "the control paths answer to this machine only"}))
    if request.path == WINDOW or request.path.startswith(f"{WINDOW}/"):
        return answer_window(sandbox, request)
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
