"""What a tree of blocks is once planned calls have been made; pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from integrations.connectors.notion.blocks.json_reader import block_from_json
from integrations.connectors.notion.blocks.model import Block
from integrations.connectors.notion.blocks.steps import Append, Delete, Json, Plan, Step, Update


def applied(page_id: str, blocks: Sequence[Block], plan: Plan) -> tuple[Block, ...]:
    """The blocks of the page after all calls of the plan; those that are new have no ids."""
    page = Block("page", children=tuple(blocks), id=page_id)
    for step in plan.steps:
        page = _after(page, step)
    return page.children


def _after(holder: Block, step: Step) -> Block:
    children = [_after(child, step) for child in holder.children]
    if isinstance(step, Delete):
        children = [child for child in children if child.id != step.block_id]
    elif isinstance(step, Update):
        children = [_changed(child, step) if child.id == step.block_id else child for child in children]
    elif holder.id and step.parent_id == holder.id:
        children = _with_new(children, step)
    return replace(holder, children=tuple(children))


def _with_new(children: list[Block], step: Append) -> list[Block]:
    made = [tree_from_request(block) for block in step.blocks]
    ids = [child.id for child in children]
    at = 0 if step.after_id is None else ids.index(step.after_id) + 1
    return [*children[:at], *made, *children[at:]]


def _changed(block: Block, step: Update) -> Block:
    content = {**block.raw.get(step.kind, {}), **step.content}
    return block_from_json(
        {**block.raw, "id": block.id, "type": step.kind, step.kind: content}, block.children
    )


def tree_from_request(item: Json) -> Block:
    """A block as a request makes it, with what is below it."""
    kind = str(item["type"])
    content: dict[str, Any] = dict(item[kind])
    children = [tree_from_request(child) for child in content.pop("children", ())]
    return block_from_json({"type": kind, kind: content}, children)
