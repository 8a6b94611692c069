"""Which function answers which path."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.routes import (
    blocks,
    comments,
    data_sources,
    databases,
    file_uploads,
    page_markdown,
    pages,
    property_items,
    query,
    search,
    small_lists,
    users,
    views,
)

Handler = Callable[..., Json | bytes]


@dataclass(frozen=True)
class Route:
    """`template` is the path with names in braces, as it stands in the ledger."""

    method: str
    template: str
    handler: Handler
    pattern: re.Pattern[str]

    @property
    def is_form(self) -> bool:
        """Whether the body is a form instead of JSON."""
        return self.template.endswith("/send")

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.template}"

    def answer(self, call: Call, arguments: tuple[str, ...]) -> Json | bytes:
        return self.handler(call, *arguments)


def _route(method: str, template: str, handler: Handler) -> Route:
    # Property ids may hold any character, encoded or not; nothing follows them in a path.
    pattern = re.sub(r"\{property_id\}", "(.+)", template)
    pattern = re.sub(r"\{\w+\}", "([^/]+)", pattern)
    return Route(method, template, handler, re.compile(pattern))


ROUTES: tuple[Route, ...] = (
    _route("GET", "/v1/users", users.list_users),
    _route("GET", "/v1/users/me", users.retrieve_me),
    _route("GET", "/v1/users/{user_id}", users.retrieve_user),
    _route("POST", "/v1/search", search.search),
    _route("POST", "/v1/databases", databases.create_database),
    _route("GET", "/v1/databases/{database_id}", databases.retrieve_database),
    _route("PATCH", "/v1/databases/{database_id}", databases.update_database),
    _route("POST", "/v1/data_sources", data_sources.create_data_source),
    _route("GET", "/v1/data_sources/{data_source_id}", data_sources.retrieve_data_source),
    _route("PATCH", "/v1/data_sources/{data_source_id}", data_sources.update_data_source),
    _route("POST", "/v1/data_sources/{data_source_id}/query", query.query_data_source),
    _route("GET", "/v1/data_sources/{data_source_id}/templates", small_lists.list_templates),
    _route("POST", "/v1/pages", pages.create_page),
    _route("GET", "/v1/pages/{page_id}", pages.retrieve_page),
    _route("PATCH", "/v1/pages/{page_id}", pages.update_page),
    _route("POST", "/v1/pages/{page_id}/move", pages.move_page),
    _route("GET", "/v1/pages/{page_id}/markdown", page_markdown.retrieve_markdown),
    _route("PATCH", "/v1/pages/{page_id}/markdown", page_markdown.update_markdown),
    _route("GET", "/v1/pages/{page_id}/properties/{property_id}", property_items.retrieve_property),
    _route("GET", "/v1/blocks/{block_id}", blocks.retrieve_block),
    _route("PATCH", "/v1/blocks/{block_id}", blocks.update_block),
    _route("DELETE", "/v1/blocks/{block_id}", blocks.delete_block),
    _route("GET", "/v1/blocks/{block_id}/children", blocks.list_children),
    _route("PATCH", "/v1/blocks/{block_id}/children", blocks.append_children),
    _route("GET", "/v1/custom_emojis", small_lists.list_custom_emojis),
    _route("GET", "/v1/async_tasks/{task_id}", small_lists.retrieve_async_task),
    _route("GET", "/v1/views", views.list_views),
    _route("POST", "/v1/views", views.create_view),
    _route("GET", "/v1/views/{view_id}", views.retrieve_view),
    _route("PATCH", "/v1/views/{view_id}", views.update_view),
    _route("DELETE", "/v1/views/{view_id}", views.delete_view),
    _route("POST", "/v1/views/{view_id}/queries", views.create_view_query),
    _route("GET", "/v1/views/{view_id}/queries/{query_id}", views.read_view_query),
    _route("DELETE", "/v1/views/{view_id}/queries/{query_id}", views.delete_view_query),
    _route("POST", "/v1/comments", comments.create_comment),
    _route("GET", "/v1/comments", comments.list_comments),
    _route("GET", "/v1/comments/{comment_id}", comments.retrieve_comment),
    _route("PATCH", "/v1/comments/{comment_id}", comments.update_comment),
    _route("DELETE", "/v1/comments/{comment_id}", comments.delete_comment),
    _route("POST", "/v1/file_uploads", file_uploads.create_upload),
    _route("GET", "/v1/file_uploads", file_uploads.list_uploads),
    _route("GET", "/v1/file_uploads/{file_upload_id}", file_uploads.retrieve_upload),
    _route("POST", "/v1/file_uploads/{file_upload_id}/send", file_uploads.send_upload),
    _route("POST", "/v1/file_uploads/{file_upload_id}/complete", file_uploads.complete_upload),
)

ENDPOINTS = frozenset(route.endpoint for route in ROUTES)


def find_route(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route and the raw (still encoded) parts of the path."""
    for route in ROUTES:
        if route.method == method:
            match = route.pattern.fullmatch(path)
            if match is not None:
                return route, match.groups()
    return None
