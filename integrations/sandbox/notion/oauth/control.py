"""The control paths of OAuth: `/_sandbox/oauth…`."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.sandbox import Sandbox

Query = dict[str, list[str]]


def _clients(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return {"clients": [one.as_json() for one in sandbox.oauth.clients()]}


def _register(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.oauth.register(
        body.get("client_id"),
        body.get("client_secret"),
        name=body.get("name", "Task Sync"),
        redirect_uris=body.get("redirect_uris", ()),
    ).as_json()


def _allow(sandbox: Sandbox, body: Json, query: Query) -> Json:
    location = sandbox.oauth.allow(
        body["client_id"],
        body["workspace"],
        body["as"],
        redirect_uri=body["redirect_uri"],
        state=body.get("state", ""),
        shared=body.get("shared", "*"),
    )
    return {"location": location}


def _deny(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return {
        "location": sandbox.oauth.deny(
            body["client_id"], redirect_uri=body["redirect_uri"], state=body.get("state", "")
        )
    }


def _withdraw(sandbox: Sandbox, body: Json, query: Query) -> Json:
    sandbox.oauth.withdraw(body["client_id"], body["workspace"])
    return {"withdrawn": body["client_id"]}


VERBS: dict[tuple[str, str], Any] = {
    ("GET", "oauth/clients"): _clients,
    ("POST", "oauth/clients"): _register,
    ("POST", "oauth/allow"): _allow,
    ("POST", "oauth/deny"): _deny,
    ("POST", "oauth/withdraw"): _withdraw,
}
