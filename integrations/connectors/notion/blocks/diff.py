"""The fewest calls that turn the blocks of a page into those of a text; pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from integrations.connectors.notion.blocks.json_writer import (
    MAX_ITEMS,
    block_to_json,
    content_of,
    creatable,
    is_whole,
    widened,
)
from integrations.connectors.notion.blocks.matching import pairs
from integrations.connectors.notion.blocks.model import Block
from integrations.connectors.notion.blocks.steps import Append, Delete, Json, Plan, Step, Update
from integrations.connectors.notion.blocks.view import Shown, shown

#: What one request may hold, with room to spare: 1,000 blocks and 500 KB.
_MOST_BLOCKS, _MOST_BYTES = 900, 400_000
_MEDIA: Final = ("image", "video", "audio", "pdf", "file")


def plan(page_id: str, there: Sequence[Block], wanted: Sequence[Block]) -> Plan:
    """What to send so that the page says what the text says.

    New blocks are sent before old ones are taken away: whatever happens between two calls, no word is lost, and the
    page read again leads to the calls that are left.
    """
    draft = _Draft()
    draft.level(page_id, shown(there, page_id), wanted)
    return Plan((*draft.updates, *draft.appends, *draft.deletes), draft.is_whole)


@dataclass
class _Draft:
    updates: list[Step] = field(default_factory=list)
    appends: list[Step] = field(default_factory=list)
    deletes: list[Step] = field(default_factory=list)
    is_whole: bool = True

    def level(self, parent_id: str, old: Sequence[Shown], new: Sequence[Block]) -> None:
        """One level of the text: change what stays, put in what is new, take away what is gone."""
        matched = pairs(old, new)
        for at, to in matched:
            self._change(old[at], new[to])
        partner = {to: at for at, to in matched}
        gap: list[Block] = []
        last: int | None = None
        for place, block in enumerate(new):
            if place not in partner:
                gap.append(block)
                continue
            self._insert(parent_id, old, last, partner[place], gap)
            gap, last = [], partner[place]
        self._insert(parent_id, old, last, None, gap)
        self._remove(old, {at for at, _ in matched})

    def _change(self, old: Shown, new: Block) -> None:
        if old.is_locked:
            return
        if old.block.own != new.own:
            content = _content(old, new)
            self.updates.append(Update(old.id, old.source.kind, content))
        if old.block.kind == "table":
            width = max(len(row.block.cells) for row in old.below)
            rows = [widened(row, width) for row in new.children]
            self.level(old.id, old.below, rows)
        elif old.below or new.children:
            self.level(old.id, old.below, new.children)

    def _remove(self, old: Sequence[Shown], kept: set[int]) -> None:
        holders = {
            holder for at, item in enumerate(old) if at in kept or item.is_locked for holder in item.inside
        }
        gone: set[str] = set()
        for at, item in enumerate(old):
            if at in kept or item.is_locked or gone & set(item.inside):
                continue
            if item.id in holders or _holds_locked(item):
                # What stands below it stays, so only its own words go.
                if item.source.runs:
                    self.updates.append(Update(item.id, item.source.kind, {"rich_text": []}))
                self._remove(item.below, set())
                continue
            gone.add(item.id)
            self.deletes.append(Delete(item.id))

    def _insert(
        self,
        parent_id: str,
        old: Sequence[Shown],
        last: int | None,
        following: int | None,
        blocks: Sequence[Block],
    ) -> None:
        if not blocks:
            return
        holder, after = _place(parent_id, old, last, following)
        self.is_whole = self.is_whole and all(is_whole(creatable(block)) for block in blocks)
        # All parts go behind the same block, the last one first: no answer has to be waited for to know a place.
        for part in reversed(list(parts_of([block_to_json(block) for block in blocks]))):
            self.appends.append(Append(holder, after, part))


def _content(old: Shown, new: Block) -> Json:
    if old.block.kind == "table":
        return {"has_column_header": new.has_header}
    content = content_of(new, like=old.source, seen=old.block)
    if old.block.kind in _MEDIA:
        return {"caption": content["caption"]}
    if old.block.kind in ("bookmark", "embed"):
        same_url = old.block.url == new.url
        return {"url": new.url} if not same_url and old.block.runs == new.runs else content
    return content


def _holds_locked(item: Shown) -> bool:
    return any(child.is_locked or _holds_locked(child) for child in item.below)


def _place(
    parent_id: str, old: Sequence[Shown], last: int | None, following: int | None
) -> tuple[str, str | None]:
    """Under which block, and behind which of its children, new blocks go; None is before all of them."""
    if last is None:
        return parent_id, None
    before, after = old[last], old[following] if following is not None else None
    around = after.inside[: after.room] if after is not None else ()
    path = (*before.inside[: before.room], before.id)
    if around[: len(path)] == path:
        # Between a block and what hangs below it.
        return around[-1], None
    # In the middle of a column or an indented part they belong into it; behind its end they do not.
    depth = 0
    while depth < min(before.room, len(around)) and before.inside[depth] == around[depth]:
        depth += 1
    behind = before.id if depth == len(before.inside) else before.inside[depth]
    return before.inside[depth - 1] if depth else parent_id, behind


def parts_of(blocks: Sequence[Json]) -> Iterator[tuple[Json, ...]]:
    """Blocks in the portions one request may hold: 100 of them, 1,000 with all below them, 500 KB."""
    part: list[Json] = []
    count = size = 0
    for block in blocks:
        more, heavy = _count(block), len(json.dumps(block))
        if part and (len(part) == MAX_ITEMS or count + more > _MOST_BLOCKS or size + heavy > _MOST_BYTES):
            yield tuple(part)
            part, count, size = [], 0, 0
        part.append(block)
        count, size = count + more, size + heavy
    if part:
        yield tuple(part)


def _count(block: Json) -> int:
    content: Any = block[block["type"]]
    return 1 + sum(_count(child) for child in content.get("children", ()))
