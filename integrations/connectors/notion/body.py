"""The texts of Notion's pages: read block by block, compared as markdown, written back with the fewest calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from integrations.capabilities import (
    BodyContent,
    BodyPart,
    BodyPartPage,
    BodyPlan,
    BodyStep,
    CallObserver,
)
from integrations.connectors.notion.blocks.applying import applied, tree_from_request
from integrations.connectors.notion.blocks.diff import parts_of, plan
from integrations.connectors.notion.blocks.json_reader import block_from_json
from integrations.connectors.notion.blocks.json_writer import MAX_ITEMS, block_to_json
from integrations.connectors.notion.blocks.markdown_reader import blocks_of
from integrations.connectors.notion.blocks.markdown_writer import markdown_of
from integrations.connectors.notion.blocks.model import Block
from integrations.connectors.notion.blocks.steps import Append, Delete, Step, Update
from integrations.connectors.notion.blocks.view import flat
from integrations.connectors.notion.client import NotionClient
from integrations.connectors.notion.errors import malformed_answer
from tenants.foundation.crypto import Secret
from tenants.foundation.http import OutboundClient

#: Pages and databases inside a page are records of their own; nothing can be read below the others.
_CLOSED: Final = (
    "child_page",
    "child_database",
    "unsupported",
    "link_preview",
    "meeting_notes",
    "transcription",
)
_NAMES: Final[Mapping[type[Step], str]] = {Append: "append", Update: "update", Delete: "delete"}


class NotionBodyLanguage:
    """What the blocks of a page can say in markdown."""

    def normal(self, markdown: str) -> str:
        return _normal(markdown)

    def sections(self, markdown: str) -> list[str]:
        return [markdown_of([block]) for block in flat(blocks_of(markdown))]

    def joined(self, sections: Sequence[str]) -> str:
        # Each by itself: two that stand side by side must not become one.
        return markdown_of([block for section in sections for block in flat(blocks_of(section))])

    def beginning(self, markdown: str) -> str:
        return markdown_of(flat([tree_from_request(block) for block in blocks_from_markdown(markdown)]))


@lru_cache(maxsize=256)
def _normal(markdown: str) -> str:
    return markdown_of(flat(blocks_of(markdown)))


@dataclass(frozen=True, slots=True)
class _Tree:
    blocks: tuple[Block, ...]


class NotionBodySink:
    """A `BodySink` that speaks for one token."""

    def __init__(self, client: NotionClient) -> None:
        self._client = client

    def parts(self, parent_id: str, *, cursor: str | None = None) -> BodyPartPage:
        answer = self._client.retrieve_block_children(parent_id, cursor=cursor)
        results = answer.json.get("results")
        if not isinstance(results, list) or not all(
            isinstance(item, Mapping) and item.get("id") for item in results
        ):
            raise malformed_answer("The blocks of a page cannot be read.")
        parts = [BodyPart(str(item["id"]), _has_parts(item), item) for item in results]
        cursor = answer.json.get("next_cursor") if answer.json.get("has_more") else None
        return BodyPartPage(tuple(parts), cursor)

    def content(self, record_id: str, parts: Mapping[str, Sequence[BodyPart]]) -> BodyContent:
        blocks = _tree(record_id, parts)
        return BodyContent(record_id, markdown_of(flat(blocks)), _Tree(blocks))

    def plan(self, content: BodyContent, markdown: str) -> BodyPlan:
        blocks = content.tree.blocks
        planned = plan(content.record_id, blocks, flat(blocks_of(markdown)))
        outcome = markdown_of(flat(applied(content.record_id, blocks, planned)))
        steps = tuple(BodyStep(_NAMES[type(step)], step) for step in planned.steps)
        return BodyPlan(steps, outcome, planned.is_whole)

    def send(self, step: BodyStep) -> datetime | None:
        call: Step = step.call
        if isinstance(call, Append):
            answer = self._client.append_block_children(
                call.parent_id, call.blocks, after=call.after_id, at_start=call.after_id is None
            )
            results = answer.json.get("results")
            return _edited_at(results[0] if isinstance(results, list) and results else {})
        if isinstance(call, Update):
            return _edited_at(self._client.update_block(call.block_id, {call.kind: call.content}).json)
        return _edited_at(self._client.trash_block(call.block_id).json)


def blocks_from_markdown(markdown: str) -> list[dict[str, Any]]:
    """The first blocks of a new page, as its making takes them: at most 100, with two levels below them."""
    made = [block_to_json(block) for block in flat(blocks_of(markdown))[:MAX_ITEMS]]
    return [dict(block) for block in next(parts_of(made), ())]


def body_sink(*, http: OutboundClient, token: Secret, observer: CallObserver | None = None) -> NotionBodySink:
    """Make the sink for one token; the registry finds this name in every connector that writes texts."""
    return NotionBodySink(NotionClient(http=http, token=token, observer=observer))


def body_language() -> NotionBodyLanguage:
    """What texts can say; the registry finds this name beside `body_sink`."""
    return NotionBodyLanguage()


def _has_parts(item: Mapping[str, Any]) -> bool:
    return bool(item.get("has_children")) and item.get("type") not in _CLOSED


def _tree(parent_id: str, parts: Mapping[str, Sequence[BodyPart]]) -> tuple[Block, ...]:
    return tuple(block_from_json(part.raw, _tree(part.id, parts)) for part in parts.get(parent_id, ()))


def _edited_at(item: Any) -> datetime | None:
    text = item.get("last_edited_time") if isinstance(item, Mapping) else None
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
