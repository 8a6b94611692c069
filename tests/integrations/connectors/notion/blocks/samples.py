"""One block of every type Notion's document describes, as it would come; everything in them is invented."""

from typing import Any

from tests.factories.notion import an_id, rich

type Json = dict[str, Any]
WHEN = "2026-03-02T08:00:00.000Z"
USER = {"object": "user", "id": an_id("user")}
HOSTED = "https://files.example/space/one/plan.pdf?X-Amz-Signature=abc&X-Amz-Expires=3600"


def block(kind: str, content: Json, *, has_children: bool = False) -> Json:
    return {
        "object": "block", "id": an_id("block", kind, str(content)), "type": kind, kind: content,
        "parent": {"type": "page_id", "page_id": an_id("page")}, "created_time": WHEN, "last_edited_time": WHEN,
        "created_by": USER, "last_edited_by": USER, "has_children": has_children, "in_trash": False,
    }  # fmt: skip


def text(words: str, **more: Any) -> Json:
    return {"rich_text": rich(words), "color": "default", **more}


def external(words: str = "") -> Json:
    return {
        "type": "external",
        "external": {"url": "https://x.example/a.png"},
        "caption": rich(words) if words else [],
    }


def hosted() -> Json:
    return {"type": "file", "file": {"url": HOSTED, "expiry_time": WHEN}, "caption": [], "name": "plan.pdf"}


EXPRESSIBLE = [
    block("paragraph", text("A paragraph", icon=None)),
    *(block(f"heading_{level}", text(f"Level {level}", is_toggleable=False)) for level in (1, 2, 3, 4)),
    block("heading_2", text("A heading that opens", is_toggleable=True)),
    block("bulleted_list_item", text("A point")),
    block("numbered_list_item", text("A number")),
    block("to_do", text("Done", checked=True)),
    block("quote", text("Said by somebody")),
    block("toggle", text("Open me")),
    block("callout", text("Careful", icon={"type": "emoji", "emoji": "⚠️"})),
    block(
        "callout",
        text("With a picture", icon={"type": "external", "external": {"url": "https://x.example/i.png"}}),
    ),
    block("code", {"rich_text": rich("x = 1\n\ny = 2"), "caption": [], "language": "python"}),
    block("equation", {"expression": "e = mc^2"}),
    block("divider", {}),
    block("image", external("A picture")),
    block("video", external()),
    block("audio", external("A song")),
    block("pdf", external("A plan")),
    block("file", external("A file") | {"name": "a.png"}),
    block("bookmark", {"url": "https://x.example/b", "caption": rich("Read this")}),
    block("embed", {"url": "https://x.example/e", "caption": []}),
]
KEPT = [
    block("pdf", hosted()),
    block("breadcrumb", {}),
    block("table_of_contents", {"color": "gray"}),
    block("child_page", {"title": "A page"}),
    block("child_database", {"title": "A table"}),
    block("column_list", {}, has_children=True),
    block("column", {"width_ratio": 0.5}, has_children=True),
    block("link_preview", {"url": "https://x.example/pull/1"}),
    block("link_to_page", {"type": "page_id", "page_id": an_id("page")}),
    block("synced_block", {"synced_from": None}, has_children=True),
    block("template", {"rich_text": rich("Add one")}),
    block("meeting_notes", {"title": rich("Weekly"), "status": "notes_ready"}),
    block("unsupported", {"block_type": "form"}),
    block("tab", {}),
]
TABLE = block(
    "table", {"table_width": 2, "has_column_header": True, "has_row_header": False}, has_children=True
)
ROWS = [block("table_row", {"cells": [rich(a), rich(b)]}) for a, b in (("Site", "Plan"), ("Port", "287 | 3"))]
