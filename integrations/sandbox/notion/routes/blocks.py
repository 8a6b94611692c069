"""`/v1/blocks`: the content of pages."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from integrations.sandbox.notion.block_bodies import REQUEST_TYPES, BlockReader
from integrations.sandbox.notion.call import Call, listing
from integrations.sandbox.notion.errors import Json, NotionError, invalid, invalid_body
from integrations.sandbox.notion.items import Item
from integrations.sandbox.notion.pagination import page_of, question_of
from integrations.sandbox.notion.rendering import OLD_VERSION, block_view, is_trashed
from integrations.sandbox.notion.validation import (
    a_boolean,
    an_object,
    body_id,
    one_of,
    only_keys,
    page_size,
    path_id,
)

ParentKey = Literal["page_id", "block_id"]


def retrieve_block(call: Call, block_id: str) -> Json:
    return _view(call, path_id("block_id", block_id))


def list_children(call: Call, block_id: str) -> Json:
    """One level; those in the trash are left out."""
    parent_id = path_id("block_id", block_id)
    _view(call, parent_id)
    ids = live_children(call, parent_id)
    size = page_size(call.parameter("page_size"), "query")
    question = question_of("children", parent_id)
    page, cursor = page_of(call.cursors, ids, str, question, call.parameter("start_cursor"), size)
    return listing("block", [block_view(call.workspace, one, call.version) for one in page], cursor)


def live_children(call: Call, parent_id: str) -> list[str]:
    """Ids of the children somebody would see, in order."""
    ids = call.workspace.children.get(parent_id, [])
    return [one for one in ids if not is_trashed(call.workspace, one) and call.sees(one)]


def append_children(call: Call, block_id: str) -> Json:
    """Up to 100 blocks, two levels below them; answers with the new blocks of the first level."""
    parent_id = path_id("block_id", block_id)
    parent = _view(call, parent_id)
    _refuse_trashed(parent)
    where = ("children", "position", "after") if call.version == OLD_VERSION else ("children", "position")
    only_keys(call.body, where, "body")
    reader = BlockReader(call.workspace)
    children = reader.children(call.body.get("children", ...), "body.children")
    check_block_limit(call, reader.count)
    position = call.body.get("position", ...)
    if "after" in call.body:
        after = body_id(call.body["after"], "body.after")
        position = {"type": "after_block", "after_block": {"id": after}}
    place = child_place(call, parent_id, position)
    key: ParentKey = "page_id" if call.workspace.item("page", parent_id) else "block_id"
    made = insert_blocks(call, key, parent_id, children, place)
    touch_page(call, parent_id)
    return listing("block", [block_view(call.workspace, one, call.version) for one in made], None)


def update_block(call: Call, block_id: str) -> Json:
    """The content of one block, or its way to the trash and back."""
    view = _view(call, path_id("block_id", block_id))
    allowed = ("type", "in_trash", "archived") if call.version == OLD_VERSION else ("type", "in_trash")
    only_keys(call.body, (*allowed, *REQUEST_TYPES), "body")
    kinds = [key for key in call.body if key in REQUEST_TYPES]
    if kinds and kinds != [view["type"]]:
        raise invalid_body(f"body.{kinds[0]}", "not present", call.body[kinds[0]])
    stored = call.workspace.item("block", view["id"])
    obj: Json = dict(stored.obj) if stored else {}
    for key in ("in_trash", "archived"):
        if key in call.body:
            obj["in_trash"] = a_boolean(call.body[key], f"body.{key}")
    if stored is None or call.workspace.item("page", view["id"]):
        _trash_page(call, view["id"], bool(obj.get("in_trash", view["in_trash"])))
        return _view(call, view["id"])
    if stored.in_trash and obj["in_trash"]:
        _refuse_trashed(obj)
    if kinds:
        kind = kinds[0]
        content = BlockReader(call.workspace).content(kind, call.body[kind], f"body.{kind}", update=True)
        obj[kind] = {**obj[kind], **content}
    call.sign(obj)
    call.workspace.put("block", obj)
    touch_page(call, view["id"])
    return _view(call, view["id"])


def delete_block(call: Call, block_id: str) -> Json:
    """To the trash; Notion answers with the block."""
    block_id = path_id("block_id", block_id)
    view = _view(call, block_id)
    _refuse_trashed(view)
    item = call.workspace.item("block", block_id)
    if item is None or call.workspace.item("page", block_id) or call.workspace.item("database", block_id):
        _trash_page(call, block_id, in_trash=True)
    else:
        obj = {**item.obj, "in_trash": True}
        call.sign(obj)
        call.workspace.put("block", obj)
        touch_page(call, block_id)
    return _view(call, block_id)


def insert_blocks(
    call: Call, key: ParentKey, parent_id: str, blocks: list[Json], place: int | None
) -> list[str]:
    """Make checked blocks, children and all, at a place among the children. Returns the first level's ids."""
    made: list[str] = []
    for block in blocks:
        block_id = str(uuid.uuid4())
        kind = block["type"]
        obj: Json = {
            "object": "block",
            "id": block_id,
            "parent": {"type": key, key: parent_id},
            "created_time": call.now(),
            "last_edited_time": call.now(),
            "created_by": call.signature,
            "last_edited_by": call.signature,
            "has_children": bool(block["children"]),
            "in_trash": False,
            "type": kind,
            kind: block[kind],
        }
        call.workspace.put("block", obj)
        made.append(block_id)
        insert_blocks(call, "block_id", block_id, block["children"], None)
    if made:
        rest = [one for one in call.workspace.children[parent_id] if one not in made]
        at = len(rest) if place is None else place
        call.workspace.order_children(parent_id, [*rest[:at], *made, *rest[at:]])
    return made


def child_place(call: Call, parent_id: str, position: Any) -> int | None:
    """Where among all children new ones go; None for the end. Raises 400 for a block that is not there."""
    if position is ...:
        return None
    body = an_object(position, "body.position")
    only_keys(body, ("type", "after_block"), "body.position")
    kinds = ("start", "end", "after_block", "page_start", "page_end")
    kind = one_of(body.get("type", ...), kinds, "body.position.type")
    if kind in ("end", "page_end"):
        return None
    if kind in ("start", "page_start"):
        return 0
    after = an_object(body.get("after_block", ...), "body.position.after_block")
    target = body_id(after.get("id", ...), "body.position.after_block.id")
    ids = call.workspace.children.get(parent_id, [])
    if target not in ids:
        raise invalid(f"Block to append after, {target}, is not a child of {parent_id}.")
    return ids.index(target) + 1


def check_block_limit(call: Call, count: int) -> None:
    """403 where the plan allows no more blocks, and count them where it does."""
    limit = call.limits.block_limit
    given = call.workspace.blocks_given
    if call.by_person or not count:
        return
    if limit is not None and given + count > limit:
        raise NotionError(
            403,
            "restricted_resource",
            "This workspace has reached its block limit. Upgrade the plan to add more content.",
            {"block_limit": limit},
        )
    call.workspace.blocks_given += count
    if limit is not None:
        call.workspace.world.note(call.workspace, call.workspace.as_json())


def erase_children(call: Call, page_id: str) -> None:
    """Send all content of a page to the trash."""
    for one in live_children(call, page_id):
        item = call.workspace.item("block", one)
        if item is not None:
            call.workspace.put("block", {**item.obj, "in_trash": True})


def touch_page(call: Call, block_id: str) -> None:
    """The page around a block counts as edited when the block is."""
    current: str | None = block_id
    while current is not None:
        page: Item | None = call.workspace.item("page", current)
        if page is not None:
            obj = {**page.obj, "properties": {name: dict(v) for name, v in page.obj["properties"].items()}}
            call.sign(obj)
            for value in obj["properties"].values():
                if value["type"] in ("last_edited_time", "last_edited_by"):
                    value[value["type"]] = obj[value["type"]]
            call.workspace.put("page", obj)
            return
        current = call.workspace.parent_of(current)


def _trash_page(call: Call, object_id: str, in_trash: bool) -> None:
    item = call.workspace.item("page", object_id) or call.workspace.item("database", object_id)
    if item is not None:
        obj = {**item.obj, "in_trash": in_trash}
        call.sign(obj)
        call.workspace.put(item.kind, obj)


def _view(call: Call, block_id: str) -> Json:
    view = block_view(call.workspace, block_id, call.version) if call.sees(block_id) else None
    if view is None:
        raise call.missing("block", block_id)
    return view


def _refuse_trashed(block: Json) -> None:
    if block.get("in_trash"):
        raise invalid("Can't edit block that is archived. You must unarchive the block before editing.")
