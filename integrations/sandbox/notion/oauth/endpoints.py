"""`/v1/oauth/…`: what an application calls with its client id and secret."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from typing import Any

from integrations.sandbox.notion.errors import Json, NotionError
from integrations.sandbox.notion.oauth.clients import PublicClient
from integrations.sandbox.notion.oauth.consent import answer_consent
from integrations.sandbox.notion.oauth.grants import OAuth
from integrations.sandbox.notion.rendering import dumped
from integrations.sandbox.notion.spoiling import Answer, Request, refusal
from integrations.sandbox.notion.world import Connection, World

PREFIX = "/v1/oauth/"
KEYS = {
    "authorization_code": ("grant_type", "code", "redirect_uri", "external_account"),
    "refresh_token": ("grant_type", "refresh_token"),
}
PATHS = frozenset(f"{PREFIX}{name}" for name in ("authorize", "token", "introspect", "revoke"))


def answer_oauth(oauth: OAuth, world: World, request: Request) -> Answer:
    """Never raises for what a caller sends."""
    if request.path == f"{PREFIX}authorize":
        return answer_consent(oauth, world, request)
    try:
        if request.method != "POST" or request.path not in PATHS:
            raise NotionError(400, "invalid_request_url", "Invalid request URL.")
        client = _client(oauth, request)
        made = _answered(oauth, client, request)
    except NotionError as refused:
        return refusal(refused)
    request_id = str(uuid.uuid4())
    return Answer(200, dumped({**made, "request_id": request_id}), {"x-notion-request-id": request_id})


def _answered(oauth: OAuth, client: PublicClient, request: Request) -> Json:
    body = _body(request)
    if request.path == f"{PREFIX}token":
        return _token(oauth, client, body)
    _only(body, ("token",))
    token = _text(body, "token")
    if request.path == f"{PREFIX}introspect":
        return oauth.introspect(client, token)
    oauth.revoke(client, token)
    return {}


def _token(oauth: OAuth, client: PublicClient, body: Json) -> Json:
    kind = _text(body, "grant_type")
    if kind not in KEYS:
        raise _refused("unsupported_grant_type", f"Unsupported grant type: {kind}")
    _only(body, KEYS[kind])
    connection: Connection | None
    if kind == "refresh_token":
        connection = oauth.refresh(client, _text(body, "refresh_token"))
    else:
        redirect_uri = _text(body, "redirect_uri") if "redirect_uri" in body else None
        connection = oauth.exchange(client, _text(body, "code"), redirect_uri)
    if connection is None:
        what = "refresh token" if kind == "refresh_token" else "authorization code"
        raise _refused("invalid_grant", f"The {what} is invalid, was used before, or was revoked.")
    return {
        "access_token": connection.tokens[0],
        "token_type": "bearer",
        "refresh_token": connection.refresh_token,
        "bot_id": connection.id,
        "workspace_icon": None,
        "workspace_name": connection.workspace.name,
        "workspace_id": connection.workspace.id,
        "owner": connection.bot["bot"]["owner"],
        "duplicated_template_id": None,
    }


def _client(oauth: OAuth, request: Request) -> PublicClient:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        client = oauth.client(client_id)
    except (binascii.Error, UnicodeDecodeError, ValueError) as problem:
        raise _unknown_client() from problem
    if scheme.lower() != "basic" or not client.knows(secret):
        raise _unknown_client()
    return client


def _unknown_client() -> NotionError:
    return NotionError(401, "invalid_client", "Client authentication failed: unknown client or wrong secret.")


def _refused(code: str, message: str) -> NotionError:
    return NotionError(400, code, message)


def _body(request: Request) -> Json:
    try:
        body: Any = json.loads(request.body)
    except (ValueError, RecursionError) as problem:
        raise _refused("invalid_request", "The body is not JSON.") from problem
    if not isinstance(body, dict):
        raise _refused("invalid_request", "The body must be an object.")
    return body


def _only(body: Json, keys: tuple[str, ...]) -> None:
    for key in body:
        if key not in keys:
            raise _refused("invalid_request", f"body.{key} should be not present.")


def _text(body: Json, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise _refused("invalid_request", f"body.{key} should be a string.")
    return value
