"""Our blocks as Notion takes them: within its limits, and never an id or a signed address of a file; pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from integrations.connectors.notion.blocks.json_reader import runs_from_json
from integrations.connectors.notion.blocks.languages import PLAIN
from integrations.connectors.notion.blocks.markdown_writer import markdown_of
from integrations.connectors.notion.blocks.model import (
    KEPT_SIGN,
    PLACEHOLDER,
    Block,
    Run,
    is_linkable,
    joined,
)
from integrations.connectors.notion.blocks.restyling import restyled

MAX_TEXT_CHARS: Final = 2000
MAX_EXPRESSION_CHARS: Final = 1000
MAX_ITEMS: Final = 100
#: Levels of blocks one request may hold: the blocks themselves and two below them.
MAX_LEVELS: Final = 3
_STYLES: Final = ("bold", "italic", "strike", "underline", "code")


def block_to_json(block: Block, *, levels: int = MAX_LEVELS) -> dict[str, Any]:
    """A new block with as many levels of children as fit; what is deeper or beyond 100 has to be appended later."""
    block = creatable(block)
    content = content_of(block)
    if block.kind == "table":
        rows = block.children[:MAX_ITEMS]
        width = max((len(row.cells) for row in rows), default=1)
        content = {
            "table_width": width,
            "has_column_header": block.has_header,
            "has_row_header": False,
            "children": [_row(row, width) for row in rows],
        }
    elif block.children and levels > 1:
        kept = [child for child in block.children if _fits(child, levels - 1)][:MAX_ITEMS]
        # A table needs its rows at once: one that does not fit, and all that follows it, come later.
        first_late = next(
            (at for at, child in enumerate(block.children) if not _fits(child, levels - 1)), None
        )
        kept = kept if first_late is None else list(block.children[:first_late])[:MAX_ITEMS]
        if kept:
            content["children"] = [block_to_json(child, levels=levels - 1) for child in kept]
    return {"object": "block", "type": block.kind, block.kind: content}


def _fits(block: Block, levels: int) -> bool:
    return block.kind != "table" or levels > 1


def is_whole(block: Block, *, levels: int = MAX_LEVELS) -> bool:
    """Whether one request can hold the block with everything below it."""
    if len(block.children) > MAX_ITEMS or (block.children and levels == 1):
        return False
    return all(is_whole(child, levels=levels - 1) for child in block.children)


def creatable(block: Block) -> Block:
    """The block, or what comes nearest to it of what can be made: a placeholder becomes its words."""
    if block.kind == PLACEHOLDER:
        link = block.url if is_linkable(block.url) else ""
        return Block("paragraph", runs=joined([Run(f"{KEPT_SIGN} {block.label}".strip(), link=link)]))
    if block.kind in ("image", "video", "audio", "pdf", "file", "bookmark", "embed") and not is_linkable(
        block.url
    ):
        return Block("paragraph", runs=joined([Run(block.text or block.url)]))
    if block.kind == "equation" and len(block.text) > MAX_EXPRESSION_CHARS:
        return Block("code", runs=block.runs, language="latex")
    if block.kind == "table" and not block.children:
        return Block("paragraph", runs=joined([Run(markdown_of([block]))]))
    return block


def content_of(block: Block, *, like: Block | None = None, seen: Block | None = None) -> dict[str, Any]:
    """What stands under the type's key.

    `like` is the block there now and `seen` what markdown shows of it: they lend the styles markdown does not show.
    """
    match block.kind:
        case "divider":
            return {}
        case "equation":
            return {"expression": block.text}
        case "table_row":
            return {"cells": [rich_text(runs) for runs in _kept_cells(block, like, seen)]}
        case "code":
            return {"rich_text": rich_text(_code_runs(block, like)), "language": block.language or PLAIN}
        case "bookmark" | "embed":
            return {"url": block.url, "caption": rich_text(block.runs)}
        case "image" | "video" | "audio" | "pdf" | "file":
            return {"type": "external", "external": {"url": block.url}, "caption": rich_text(block.runs)}
    runs = _kept(block.runs, like.runs, seen.runs) if like is not None and seen is not None else block.runs
    content: dict[str, Any] = {"rich_text": rich_text(runs)}
    if block.kind == "to_do":
        content["checked"] = block.checked
    if block.kind == "callout" and block.icon and (like is None or like.icon != block.icon):
        content["icon"] = {"type": "emoji", "emoji": block.icon}
    return content


def _kept(new: Sequence[Run], old: Sequence[Run], seen: Sequence[Run]) -> tuple[Run, ...]:
    return restyled(new, old=old, old_shown=seen)


def _kept_cells(row: Block, like: Block | None, seen: Block | None) -> list[Sequence[Run]]:
    if like is None or seen is None:
        return list(row.cells)
    old = dict(enumerate(zip(like.cells, seen.cells, strict=False)))
    return [_kept(cell, *old.get(at, ((), ()))) for at, cell in enumerate(row.cells)]


def _code_runs(block: Block, like: Block | None) -> tuple[Run, ...]:
    if like is None:
        return block.runs
    old = runs_from_json(like.raw.get("code", {}).get("rich_text"))
    return restyled(block.runs, old=old, old_shown=[Run(run.text) for run in old])


def rich_text(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Runs as rich text: at most 2,000 signs each and 100 of them; then styles give way, words never."""
    made = [item for run in joined(runs) for item in _items(run)]
    if len(made) > MAX_ITEMS:
        made = [item for run in joined(Run(run.text) for run in runs) for item in _items(run)]
    return made[:MAX_ITEMS]


def _items(run: Run) -> list[dict[str, Any]]:
    annotations: dict[str, Any] = {
        "strikethrough" if name == "strike" else name: True for name in _STYLES if getattr(run, name)
    }
    if run.color != "default":
        annotations["color"] = run.color
    styles: dict[str, Any] = {"annotations": annotations} if annotations else {}
    if run.mention and (mention := _mention(run.mention)) is not None:
        return [{"type": "mention", "mention": mention, **styles}]
    if run.is_equation and len(run.text) <= MAX_EXPRESSION_CHARS:
        return [{"type": "equation", "equation": {"expression": run.text}, **styles}]
    # Notion counts as JavaScript does: a sign beyond the first 65,536 is two.
    size = MAX_TEXT_CHARS if max(run.text) <= "\uffff" else MAX_TEXT_CHARS // 2
    parts = [run.text[at : at + size] for at in range(0, len(run.text), size)]
    link = {"link": {"url": run.link}} if is_linkable(run.link) else {}
    return [{"type": "text", "text": {"content": part, **link}, **styles} for part in parts]


def _mention(payload: str) -> dict[str, Any] | None:
    """A mention as a request may hold it; None for one that only Notion itself can make."""
    mention: Mapping[str, Any] = json.loads(payload)
    kind = str(mention.get("type"))
    held: Any = mention.get(kind) or {}
    match kind:
        case "user" | "page" | "database":
            return {"type": kind, kind: {"id": held.get("id")}}
        case "date":
            date = {name: held[name] for name in ("start", "end", "time_zone") if held.get(name)}
            return {"type": "date", "date": date}
        case "template_mention" | "custom_emoji":
            return {"type": kind, kind: dict(held)}
    return None


def _row(row: Block, width: int) -> dict[str, Any]:
    cells = [*row.cells, *[()] * (width - len(row.cells))]
    return {
        "object": "block",
        "type": "table_row",
        "table_row": {"cells": [rich_text(cell) for cell in cells]},
    }


def widened(row: Block, width: int) -> Block:
    """A table row with as many cells as the table is wide."""
    return replace(row, cells=(*row.cells, *[()] * (width - len(row.cells)))[:width])
