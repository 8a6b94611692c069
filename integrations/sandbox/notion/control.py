"""`/_sandbox/…`: the control paths, without token, from this machine only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from integrations.sandbox.notion.errors import Json, NotionError
from integrations.sandbox.notion.oauth.control import VERBS as OAUTH_VERBS
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sandbox.notion.webhooks.control import VERBS as WEBHOOK_VERBS

PREFIX = "/_sandbox/"
Query = dict[str, list[str]]
Verb = Callable[[Sandbox, Json, Query], Any]


def is_loopback(address: str) -> bool:
    return address.startswith("127.") or address in ("::1", "::ffff:127.0.0.1")


def answer_control(sandbox: Sandbox, method: str, name: str, body: Json, query: Query) -> tuple[int, Any]:
    """Status and JSON of one control call; what the caller got wrong is a 400 with a sentence."""
    verb = VERBS.get((method, name))
    if verb is None:
        known = ", ".join(sorted(f"{one[0]} {PREFIX}{one[1]}" for one in VERBS))
        return 404, {"error": f"unknown control path; known: {known}"}
    try:
        return 200, verb(sandbox, body, query)
    except NotionError as refused:
        return 400, {"error": refused.message}
    except KeyError as missing:
        return 400, {"error": f"{missing} is missing"}
    except (ValueError, TypeError) as wrong:
        return 400, {"error": str(wrong)}


def _state(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.state()


def _ledger(sandbox: Sandbox, body: Json, query: Query) -> Json:
    workspace, token, strategy = (query.get(name, [None])[0] for name in ("workspace", "token", "strategy"))
    return sandbox.report(
        workspace, token=token, strategy=strategy, with_calls="calls" in query, reset="reset" in query
    )


def _change_ledger(sandbox: Sandbox, body: Json, query: Query) -> Json:
    with sandbox.lock:
        if body.get("reset"):
            sandbox.ledger.reset()
        if "strategy" in body:
            sandbox.ledger.strategy = str(body["strategy"])
        return {"strategy": sandbox.ledger.strategy}


def _queue_fault(sandbox: Sandbox, body: Json, query: Query) -> Json:
    with sandbox.lock:
        if "seed" in body:
            sandbox.faults.seed(int(body.pop("seed")))
            if not body:
                return {"faults": sandbox.faults.waiting()}
        return {"id": sandbox.fault(**body).id}


def _list_faults(sandbox: Sandbox, body: Json, query: Query) -> Json:
    with sandbox.lock:
        return {"faults": sandbox.faults.waiting()}


def _clear_faults(sandbox: Sandbox, body: Json, query: Query) -> Json:
    with sandbox.lock:
        sandbox.faults.clear()
    return {"faults": []}


def _clock(sandbox: Sandbox, body: Json, query: Query) -> Json:
    with sandbox.lock:
        mode = body.get("mode")
        if mode == "real":
            sandbox.clock.use_real_time()
        elif mode == "offset":
            sandbox.clock.shift_by(float(body["offset_seconds"]))
        elif mode == "manual":
            now = body.get("now")
            sandbox.clock.stop_at(datetime.fromisoformat(now) if now else sandbox.clock.now())
        elif mode is not None:
            raise ValueError("mode is real, offset or manual")
        if "advance_seconds" in body:
            sandbox.clock.advance(float(body["advance_seconds"]))
        return {"mode": sandbox.clock.mode, "now": sandbox.clock.now().isoformat()}


def _limits(sandbox: Sandbox, body: Json, query: Query) -> Json:
    values = dict(body)
    workspace = values.pop("workspace", None)
    return {name: limits.as_json() for name, limits in sandbox.set_limits(workspace, **values).items()}


def _questions(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.set_questions(**body).as_json()


def _share(sandbox: Sandbox, body: Json, query: Query) -> Json:
    sandbox.share(body["id"], body.get("token"))
    return {"shared": body["id"]}


def _unshare(sandbox: Sandbox, body: Json, query: Query) -> Json:
    sandbox.unshare(body["id"], body.get("token"))
    return {"unshared": body["id"]}


def _revoke(sandbox: Sandbox, body: Json, query: Query) -> Json:
    revoked = not body.get("restore", False)
    sandbox.revoke(body["token"], revoked=revoked)
    return {"revoked": revoked}


def _put_user(sandbox: Sandbox, body: Json, query: Query) -> Json:
    user: Json = body["user"]
    if user.get("object") != "user" or "id" not in user:
        raise ValueError("'user' must be a user object with an id")
    sandbox.put_user(body["workspace"], user)
    return user


def _edit(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.edit(body["page_id"], body["as"], body["patch"])


def _create(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.create(body["as"], body["page"], body.get("id"))


def _trash(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.trash(body["page_id"], body["as"], in_trash=bool(body.get("in_trash", True)))


def _schema(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.change_schema(body["data_source_id"], body["as"], body["patch"])


def _append(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.append(body["block_id"], body["as"], body["children"])


def _write(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.write(body["page_id"], body["as"], body["markdown"])


def _move(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.move(body["page_id"], body["as"], body["parent"])


def _duplicate(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.duplicate(body["database_id"], body["as"])


def _comment(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return sandbox.comment(body["id"], body["as"], body["text"])


def _add_template(sandbox: Sandbox, body: Json, query: Query) -> Json:
    made = sandbox.add_template(
        body["data_source_id"],
        body["name"],
        markdown=body.get("markdown", ""),
        properties=body.get("properties"),
        is_default=bool(body.get("is_default", False)),
    )
    return {"id": made}


def _add_custom_emoji(sandbox: Sandbox, body: Json, query: Query) -> Json:
    return {"id": sandbox.add_custom_emoji(body["workspace"], body["name"], body["url"])}


VERBS: dict[tuple[str, str], Verb] = {
    ("GET", "state"): _state,
    ("GET", "ledger"): _ledger,
    ("POST", "ledger"): _change_ledger,
    ("POST", "faults"): _queue_fault,
    ("GET", "faults"): _list_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "clock"): _clock,
    ("POST", "limits"): _limits,
    ("GET", "questions"): _questions,
    ("POST", "questions"): _questions,
    ("POST", "share"): _share,
    ("POST", "unshare"): _unshare,
    ("POST", "revoke"): _revoke,
    ("POST", "users"): _put_user,
    ("POST", "edit"): _edit,
    ("POST", "create"): _create,
    ("POST", "trash"): _trash,
    ("POST", "schema"): _schema,
    ("POST", "append"): _append,
    ("POST", "write"): _write,
    ("POST", "move"): _move,
    ("POST", "duplicate"): _duplicate,
    ("POST", "comment"): _comment,
    ("POST", "templates"): _add_template,
    ("POST", "custom_emojis"): _add_custom_emoji,
    **WEBHOOK_VERBS,
    **OAUTH_VERBS,
}
