"""A page's content brought in line with markdown: blocks that did not change stay the blocks they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher

from integrations.sandbox.notion.block_bodies import BlockReader
from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json, invalid
from integrations.sandbox.notion.items import CHILD_BLOCK_TYPES
from integrations.sandbox.notion.markdown import Markdown
from integrations.sandbox.notion.markdown_reading import Node, key_of, nodes_of
from integrations.sandbox.notion.rendering import block_view
from integrations.sandbox.notion.routes.blocks import (
    ParentKey,
    check_block_limit,
    insert_blocks,
    live_children,
    touch_page,
)

BODY = "body"


@dataclass
class _Change:
    """What is to be done below one parent, known before anything is done."""

    parent_id: str
    order: list[str | Json] = field(default_factory=list)  # an id that stays, or a block to make
    gone: list[str] = field(default_factory=list)
    contents: list[tuple[str, str, Json]] = field(default_factory=list)
    below: list[_Change] = field(default_factory=list)

    def all(self) -> list[_Change]:
        return [self, *(one for child in self.below for one in child.all())]


def write_markdown(call: Call, page_id: str, markdown: str, *, may_delete_pages: bool) -> None:
    """Make the content of a page what the text says. Raises 400; nothing has changed then."""
    change = _Merge(call).plan(page_id, nodes_of(markdown))
    steps = change.all()
    if not may_delete_pages:
        lost = [one for step in steps for one in step.gone if _holds_pages(call, one)]
        if lost:
            raise invalid(
                f"This operation would delete {len(lost)} child page(s) or database(s). "
                "Set allow_deleting_content to true to do so."
            )
    check_block_limit(
        call, sum(count_of(one) for step in steps for one in step.order if not isinstance(one, str))
    )
    for step in steps:
        _carry_out(call, step)
    touch_page(call, page_id)


def blocks_of(call: Call, markdown: str) -> list[Json]:
    """New blocks for a new page, ready for `insert_blocks`. Raises 400."""
    merge = _Merge(call)
    return [merge.fresh(node) for node in nodes_of(markdown)]


def rendered(call: Call, parent_id: str) -> Markdown:
    """A renderer over what the caller sees."""

    def children(one: str) -> list[Json]:
        views = (block_view(call.workspace, child, call.version) for child in live_children(call, one))
        return [view for view in views if view is not None]

    return Markdown(children)


class _Merge:
    def __init__(self, call: Call) -> None:
        self._call = call
        self._reader = BlockReader(call.workspace)

    def plan(self, parent_id: str, nodes: list[Node]) -> _Change:
        """Pair what is there with what is wanted: the same first, then neighbours of the same type."""
        change = _Change(parent_id)
        old = live_children(self._call, parent_id)
        keys = [self._key(one) for one in old]
        matcher = SequenceMatcher(None, keys, [node.key for node in nodes], autojunk=False)
        for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
            if tag == "equal":
                change.order += old[old_from:old_to]
            else:
                self._replace(change, old[old_from:old_to], nodes[new_from:new_to])
        return change

    def fresh(self, node: Node) -> Json:
        """The block to make. Raises 400 where a block that is elsewhere would have to come along."""
        if node.standing is not None:
            raise invalid(f"Block {node.standing} cannot be moved or made by writing markdown.")
        made = {
            "type": node.type,
            node.type: self._reader.content(node.type, node.content, BODY),
            "children": [self.fresh(child) for child in node.children],
        }
        if node.type == "table" and not made["children"]:
            raise invalid("A table needs at least one row.")
        return made

    def _replace(self, change: _Change, old: list[str], nodes: list[Node]) -> None:
        left = list(old)
        for node in nodes:
            same = next((one for one in left if self._fits(one, node)), None)
            if same is None:
                change.order.append(self.fresh(node))
                continue
            change.gone += left[: left.index(same)]
            left = left[left.index(same) + 1 :]
            change.order.append(same)
            if node.standing is None:
                content = self._reader.content(node.type, node.content, BODY)
                change.contents.append((same, node.type, content))
                change.below.append(self.plan(same, node.children))
        change.gone += left

    def _fits(self, block_id: str, node: Node) -> bool:
        if node.standing is not None:
            return block_id == node.standing
        item = self._call.workspace.item("block", block_id)
        if item is None or item.obj["type"] != node.type or node.type == "table":
            return False
        return self._call.workspace.item("page", block_id) is None

    def _key(self, block_id: str) -> str:
        view = block_view(self._call.workspace, block_id, self._call.version)
        return "" if view is None else key_of(rendered(self._call, block_id).block(view))


def _carry_out(call: Call, change: _Change) -> None:
    workspace = call.workspace
    for one in change.gone:
        item = workspace.item("page", one) or workspace.item("database", one) or workspace.item("block", one)
        if item is not None:
            obj = {**item.obj, "in_trash": True}
            call.sign(obj)
            workspace.put(item.kind, obj)
    for block_id, kind, content in change.contents:
        item = workspace.item("block", block_id)
        if item is not None and {**item.obj[kind], **content} != item.obj[kind]:
            obj = {**item.obj, kind: {**item.obj[kind], **content}}
            call.sign(obj)
            workspace.put("block", obj)
    key: ParentKey = "page_id" if workspace.item("page", change.parent_id) else "block_id"
    order: list[str] = []
    for entry in change.order:
        if isinstance(entry, str):
            order.append(entry)
        else:
            order += insert_blocks(call, key, change.parent_id, [entry], None)
    known = workspace.children.get(change.parent_id, [])
    rest = [one for one in known if one not in order]
    if [*order, *rest] != known:
        workspace.order_children(change.parent_id, [*order, *rest])


def _holds_pages(call: Call, block_id: str) -> bool:
    view = block_view(call.workspace, block_id, call.version)
    if view is None:
        return False
    if view["type"] in CHILD_BLOCK_TYPES:
        return True
    return any(_holds_pages(call, one) for one in live_children(call, block_id))


def count_of(block: Json) -> int:
    """A block and all below it."""
    return 1 + sum(count_of(child) for child in block["children"])
