"""`/v1/comments`: discussions on pages and blocks."""

from __future__ import annotations

import uuid
from typing import Any

from integrations.sandbox.notion.call import Call, listing
from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.inline_reading import runs_of
from integrations.sandbox.notion.items import Item
from integrations.sandbox.notion.pagination import page_of, question_of
from integrations.sandbox.notion.richtext import rich_text
from integrations.sandbox.notion.uploads import OBJECT as UPLOAD
from integrations.sandbox.notion.uploads import attached
from integrations.sandbox.notion.validation import (
    a_string,
    an_array,
    an_object,
    body_id,
    named_type,
    one_of,
    only_keys,
    page_size,
    path_id,
)

OBJECT = "comment"
CREATE_KEYS = ("parent", "discussion_id", "rich_text", "markdown", "attachments", "display_name")
MAX_ATTACHMENTS = 3
CATEGORIES = {"audio": "audio", "image": "image", "video": "video", "application/pdf": "pdf"}


def create_comment(call: Call) -> Json:
    """On a page or block, or in a discussion there is."""
    body = call.body
    only_keys(body, CREATE_KEYS, "body")
    if ("parent" in body) == ("discussion_id" in body):
        raise invalid_body("body.parent", "defined, or body.discussion_id, and not both")
    parent, discussion_id = _place(call)
    text = _text(call)
    made: Json = {
        "object": OBJECT,
        "id": str(uuid.uuid4()),
        "parent": parent,
        "discussion_id": discussion_id,
        "created_time": call.now(),
        "last_edited_time": call.now(),
        "created_by": call.signature,
        "rich_text": text,
        "display_name": _display_name(call, body.get("display_name")),
    }
    files = [
        _attachment(call, entry, f"body.attachments[{at}]")
        for at, entry in enumerate(
            an_array(body.get("attachments", []), "body.attachments", most=MAX_ATTACHMENTS)
        )
    ]
    if files:
        made["attachments"] = files
    call.workspace.put_thing(made)
    _tell(call, "created", made)
    return dict(made)


def list_comments(call: Call) -> Json:
    """Those of one page or block itself, the oldest first."""
    block_id = path_id("block_id", call.parameter("block_id") or "")
    _holder(call, block_id)
    held = call.workspace.things.get(OBJECT, {}).values()
    found = [one for one in held if block_id in one["parent"].values()]
    size = page_size(call.parameter("page_size"), "query")
    page, cursor = page_of(
        call.cursors,
        found,
        lambda one: one["id"],
        question_of(OBJECT, block_id),
        call.parameter("start_cursor"),
        size,
    )
    return listing(OBJECT, [dict(one) for one in page], cursor)


def retrieve_comment(call: Call, comment_id: str) -> Json:
    return dict(_find(call, comment_id))


def update_comment(call: Call, comment_id: str) -> Json:
    """Another text."""
    comment = _find(call, comment_id)
    only_keys(call.body, ("rich_text", "markdown"), "body")
    made = call.workspace.put_thing({**comment, "rich_text": _text(call), "last_edited_time": call.now()})
    _tell(call, "updated", made)
    return dict(made)


def delete_comment(call: Call, comment_id: str) -> Json:
    comment = _find(call, comment_id)
    call.workspace.drop_thing(comment)
    _tell(call, "deleted", comment)
    return dict(comment)


def _place(call: Call) -> tuple[Json, str]:
    if "discussion_id" in call.body:
        wanted = body_id(call.body["discussion_id"], "body.discussion_id")
        held = call.workspace.things.get(OBJECT, {}).values()
        first = next((one for one in held if one["discussion_id"] == wanted), None)
        if first is None:
            raise call.missing("discussion", wanted)
        _holder(call, first["parent"][first["parent"]["type"]])
        return first["parent"], wanted
    given = an_object(call.body["parent"], "body.parent")
    only_keys(given, ("type", "page_id", "block_id"), "body.parent")
    key = "block_id" if "block_id" in given else "page_id"
    named_type(given, key, "body.parent")
    target = body_id(given.get(key, ...), f"body.parent.{key}")
    holder = _holder(call, target)
    if (holder.kind == "page") != (key == "page_id"):
        raise call.missing(key.removesuffix("_id"), target)
    return {"type": key, key: target}, str(uuid.uuid4())


def _holder(call: Call, object_id: str) -> Item:
    item = call.workspace.item("page", object_id) or call.workspace.item("block", object_id)
    if item is None or not call.sees(object_id):
        raise call.missing("block", object_id)
    return item


def _text(call: Call) -> list[Json]:
    if ("rich_text" in call.body) == ("markdown" in call.body):
        raise invalid_body("body.rich_text", "defined, or body.markdown, and not both")
    if "markdown" in call.body:
        return rich_text(
            call.workspace, runs_of(a_string(call.body["markdown"], "body.markdown")), "body.markdown"
        )
    return rich_text(call.workspace, call.body["rich_text"], "body.rich_text")


def _display_name(call: Call, value: Any) -> Json:
    own = call.actor.get("name")
    if value is None:
        return {"type": "user" if call.by_person else "integration", "resolved_name": own}
    given = an_object(value, "body.display_name")
    kind = one_of(given.get("type", ...), ("integration", "user", "custom"), "body.display_name.type")
    only_keys(given, ("type", "custom") if kind == "custom" else ("type",), "body.display_name")
    if kind == "custom":
        custom = an_object(given.get("custom", ...), "body.display_name.custom")
        only_keys(custom, ("name",), "body.display_name.custom")
        name = a_string(custom.get("name", ...), "body.display_name.custom.name", empty=False)
        return {"type": kind, "resolved_name": name}
    owner = call.actor.get("bot", {}).get("owner", {}).get("user", {})
    return {"type": kind, "resolved_name": owner.get("name") if kind == "user" else own}


def _attachment(call: Call, value: Any, path: str) -> Json:
    given = an_object(value, path)
    only_keys(given, ("type", "file_upload_id"), path)
    if given.get("type", UPLOAD) != UPLOAD:
        raise invalid_body(f"{path}.type", f'`"{UPLOAD}"` or `undefined`', given["type"])
    file = attached(call.workspace, {"id": given.get("file_upload_id", ...)}, path)
    upload = call.workspace.thing(UPLOAD, body_id(given["file_upload_id"], path)) or {}
    kind = str(upload.get("content_type") or "")
    category = CATEGORIES.get(kind) or CATEGORIES.get(kind.partition("/")[0], "productivity")
    return {"category": category, "file": file}


def _find(call: Call, comment_id: str) -> Json:
    wanted = path_id("comment_id", comment_id)
    found = call.workspace.thing(OBJECT, wanted)
    if found is None or not call.sees(found["parent"][found["parent"]["type"]]):
        raise call.missing(OBJECT, wanted)
    return found


def _tell(call: Call, action: str, comment: Json) -> None:
    parent = comment["parent"]
    holder_id = parent[parent["type"]]
    page_id = _page_of(call, holder_id)
    data = {"parent": {"id": holder_id, "type": parent["type"].removesuffix("_id")}, "page_id": page_id}
    call.workspace.world.tell(
        call.workspace, f"{OBJECT}.{action}", (OBJECT, comment["id"]), data, seen_through=(holder_id,)
    )


def _page_of(call: Call, object_id: str) -> str:
    current: str | None = object_id
    for _ in range(64):
        if current is None:
            break
        if call.workspace.item("page", current):
            return current
        current = call.workspace.parent_of(current)
    raise invalid(f"Block {object_id} is on no page.")
