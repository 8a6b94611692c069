"""Notion's block JSON as our blocks; pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from integrations.connectors.notion.blocks.languages import PLAIN
from integrations.connectors.notion.blocks.markdown_reader import is_icon
from integrations.connectors.notion.blocks.model import (
    CALLOUT_SIGN,
    HEADINGS,
    PLACEHOLDER,
    Block,
    Run,
    address_of,
    is_web,
    joined,
    label_of,
    stable_address,
)

_TEXTUAL: Final = ("paragraph", *HEADINGS, "bulleted_list_item", "numbered_list_item", "quote", "toggle")
_MEDIA: Final = ("image", "video", "audio", "pdf", "file")


def block_from_json(item: Mapping[str, Any], children: Sequence[Block] = ()) -> Block:
    """One block with its children. What is unknown, or comes in an unknown shape, is a placeholder."""
    kind = str(item.get("type") or "")
    content = item.get(kind)
    content = content if isinstance(content, Mapping) else {}
    values: dict[str, Any] = {"children": tuple(children), "id": str(item.get("id") or ""), "raw": item}
    if kind in _TEXTUAL:
        return Block(kind, runs=runs_from_json(content.get("rich_text")), **values)
    match kind:
        case "to_do":
            runs = runs_from_json(content.get("rich_text"))
            return Block(kind, runs=runs, checked=bool(content.get("checked")), **values)
        case "callout":
            runs = runs_from_json(content.get("rich_text"))
            return Block(kind, runs=runs, icon=icon_of(content.get("icon")), **values)
        case "code":
            text = joined(run.shown for run in runs_from_json(content.get("rich_text")))
            words = joined([Run("".join(run.text for run in text))])
            return Block(kind, runs=words, language=str(content.get("language") or PLAIN), **values)
        case "equation":
            return Block(kind, runs=joined([Run(str(content.get("expression") or ""))]), **values)
        case "divider":
            return Block(kind, **values)
        case "table":
            return Block(kind, has_header=bool(content.get("has_column_header")), **values)
        case "table_row":
            cells = tuple(runs_from_json(cell) for cell in _list(content.get("cells")))
            return Block(kind, cells=cells, **values)
        case "bookmark" | "embed":
            return _linked(kind, str(content.get("url") or ""), content, values)
    if kind in _MEDIA:
        return _linked(kind, file_address(content), content, values)
    return _placeholder(kind, content, values)


def _linked(kind: str, url: str, content: Mapping[str, Any], values: dict[str, Any]) -> Block:
    url = stable_address(url) if kind not in ("bookmark", "embed") else url
    caption = "".join(run.text for run in runs_from_json(content.get("caption")))
    if not is_web(url):
        return _placeholder(kind, {}, values)
    return Block(kind, url=url, runs=joined([Run(caption)]), **values)


def _placeholder(kind: str, content: Mapping[str, Any], values: dict[str, Any]) -> Block:
    own_address = address_of(values["id"])
    if kind in ("child_page", "child_database"):
        word = "Page" if kind == "child_page" else "Database"
        return Block(
            PLACEHOLDER, label=f"{word}: {content.get('title') or 'Untitled'}", url=own_address, **values
        )
    if kind == "link_preview":
        return Block(PLACEHOLDER, label=label_of(kind), url=str(content.get("url") or own_address), **values)
    if kind == "link_to_page":
        target = str(content.get(str(content.get("type"))) or "")
        return Block(PLACEHOLDER, label=label_of(kind), url=address_of(target), **values)
    if kind in (
        "column_list",
        "column",
        "synced_block",
        "table_of_contents",
        "meeting_notes",
        "transcription",
    ):
        return Block(PLACEHOLDER, label=label_of(kind), **values)
    return Block(PLACEHOLDER, label=label_of(kind), url=own_address, **values)


def icon_of(icon: Any) -> str:
    """The sign a callout has in markdown: its emoji, or one that says there is another picture."""
    emoji = str(icon.get("emoji") or "") if isinstance(icon, Mapping) else ""
    return emoji if is_icon(emoji) and emoji != CALLOUT_SIGN else ""


def file_address(content: Mapping[str, Any]) -> str:
    """Where a file is, without the signature that makes the address end after an hour."""
    kind = str(content.get("type") or "external")
    held = content.get(kind)
    url = str(held.get("url") or "") if isinstance(held, Mapping) else ""
    return url.partition("?")[0] if kind == "file" else stable_address(url)


def runs_from_json(items: Any) -> tuple[Run, ...]:
    """Rich text as runs; the text of a mention is what a reader sees of it."""
    return joined(_run(item) for item in _list(items) if isinstance(item, Mapping))


def _run(item: Mapping[str, Any]) -> Run:
    kind = str(item.get("type") or "text")
    styles = item.get("annotations")
    styles = styles if isinstance(styles, Mapping) else {}
    given: dict[str, Any] = {
        "bold": bool(styles.get("bold")),
        "italic": bool(styles.get("italic")),
        "strike": bool(styles.get("strikethrough")),
        "code": bool(styles.get("code")),
        "underline": bool(styles.get("underline")),
        "color": str(styles.get("color") or "default"),
    }
    held = item.get(kind)
    content = held if isinstance(held, Mapping) else {}
    if kind == "equation":
        return Run(str(content.get("expression") or ""), is_equation=True, **given)
    if kind == "mention":
        return _mention(item, content, given)
    link = content.get("link")
    url = str(link.get("url") or "") if isinstance(link, Mapping) else ""
    return Run(str(content.get("content") or item.get("plain_text") or ""), link=url, **given)


def _mention(item: Mapping[str, Any], mention: Mapping[str, Any], given: dict[str, Any]) -> Run:
    kind = str(mention.get("type") or "")
    words = str(item.get("plain_text") or "")
    held = mention.get(kind)
    content = held if isinstance(held, Mapping) else {}
    link = ""
    if kind == "user":
        words = f"@{content.get('name') or words.removeprefix('@') or '?'}"
        content = {"id": content.get("id")}
    elif kind == "date":
        words = date_words(content)
    elif kind in ("page", "database"):
        link = address_of(str(content.get("id") or ""))
        words = words or link
    elif kind in ("link_mention", "link_preview"):
        link = str(content.get("href") or content.get("url") or "")
        words = words or link
    payload = json.dumps({"type": kind, kind: content}, sort_keys=True)
    return Run(words or "@?", link=link, mention=payload, **given)


def date_words(date: Mapping[str, Any]) -> str:
    """A date or span as people read it: `2026-12-01 09:30 – 2026-12-02`."""

    def moment(value: Any) -> str:
        day, _, time = str(value or "").partition("T")
        return f"{day} {time[:5]}".strip()

    return " – ".join(part for part in (moment(date.get("start")), moment(date.get("end"))) if part)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
