"""`GET /v1/pages/{id}/markdown`: a page's whole content in one call."""

from __future__ import annotations

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json, invalid_body
from integrations.sandbox.notion.markdown import Markdown
from integrations.sandbox.notion.rendering import block_view
from integrations.sandbox.notion.routes.blocks import live_children
from integrations.sandbox.notion.validation import path_id


def retrieve_markdown(call: Call, page_id: str) -> Json:
    """Notion's own limits on very long pages are not documented; here nothing is cut."""
    page = call.find("page", path_id("page_id", page_id))
    version = call.parameter("markdown_version")
    if version not in (None, "v1"):
        raise invalid_body("query.markdown_version", '`"v1"` or `undefined`', version, where="query")
    markdown = Markdown(lambda parent_id: _children(call, parent_id))
    text = markdown.page(page.id)
    return {
        "object": "page_markdown",
        "id": page.id,
        "markdown": text,
        "truncated": False,
        "unknown_block_ids": markdown.unknown[:100],
    }


def _children(call: Call, parent_id: str) -> list[Json]:
    views = (block_view(call.workspace, one, call.version) for one in live_children(call, parent_id))
    return [view for view in views if view is not None]
