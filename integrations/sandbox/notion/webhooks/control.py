"""The control paths of webhooks: `/_sandbox/webhooks…`."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.rendering import VERSION
from integrations.sandbox.notion.sandbox import Sandbox

Query = dict[str, list[str]]


def _report(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.webhooks.report()


def _subscribe(sandbox: Sandbox, body: Json, query: Query) -> Json:
    made = sandbox.webhooks.subscribe(
        body["workspace"],
        body["url"],
        body.get("events", ("*",)),
        api_version=body.get("api_version", VERSION),
    )
    return made.as_json()


def _confirm(sandbox: Sandbox, body: Json, query: Query) -> Json:
    made = sandbox.webhooks.confirm(body["id"], body["verification_token"])
    return made.as_json()


def _pause(sandbox: Sandbox, body: Json, query: Query) -> Json:
    made = sandbox.webhooks.pause(body["id"], paused=bool(body.get("paused", True)))
    return made.as_json()


def _handshake(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return {"status": sandbox.webhooks.send_handshake(body["id"])}


def _unsubscribe(sandbox: Sandbox, body: Json, query: Query) -> Json:
    sandbox.webhooks.unsubscribe(body["id"])
    return {"gone": body["id"]}


def _deliver(sandbox: Sandbox, body: Json, query: Query) -> Json:
    webhooks = sandbox.webhooks
    made = webhooks.deliver_now() if body.get("now") else webhooks.deliver_due()
    return {"attempts": [one.as_json() for one in made], "waiting": webhooks.waiting()}


def _rules(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.webhooks.rules(**body)


def _mishap(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return {"id": sandbox.webhooks.mishap(**body).id}


def _clear_mishaps(sandbox: Sandbox, body: Json, query: Query) -> Json:
    with sandbox.lock:
        sandbox.webhooks.mishaps.clear()
    return {"mishaps": []}


VERBS: dict[tuple[str, str], Any] = {
    ("GET", "webhooks"): _report,
    ("POST", "webhooks"): _subscribe,
    ("DELETE", "webhooks"): _unsubscribe,
    ("POST", "webhooks/confirm"): _confirm,
    ("POST", "webhooks/pause"): _pause,
    ("POST", "webhooks/handshake"): _handshake,
    ("POST", "webhooks/deliver"): _deliver,
    ("POST", "webhooks/rules"): _rules,
    ("POST", "webhooks/mishaps"): _mishap,
    ("DELETE", "webhooks/mishaps"): _clear_mishaps,
}
