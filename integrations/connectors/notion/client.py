"""Calls to Notion in Notion's words: one method, one request; no retries, no sleeping, no token code."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode

from integrations.capabilities import CallObserver, CallOutcome, SourceCall, SourceError
from integrations.connectors.notion.errors import error_from_answer, error_from_failure, malformed_answer
from integrations.connectors.notion.values import storable
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.http import OutboundClient, OutboundResponse

API_VERSION = "2026-03-11"
MAX_PAGE_SIZE = 100

type Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: the JSON object and the server's clock when it was sent (UTC)."""

    json: Json
    server_time: datetime


class NotionClient:
    """Speaks for one token. `observer` is asked before and told after each call; it may refuse by raising.

    Every method raises `SourceError`. Paths take ids as Notion wrote them: property ids arrive URL-encoded.
    """

    def __init__(self, *, http: OutboundClient, token: Secret, observer: CallObserver | None = None) -> None:
        self._http = http
        self._token = token
        self._observer = observer

    def me(self) -> Answer:
        """The bot the token belongs to, with its workspace."""
        return self._send("users.me", "GET", "/v1/users/me")

    def list_users(self, *, cursor: str | None = None) -> Answer:
        """One page of the workspace's users."""
        return self._send("users.list", "GET", "/v1/users", query=_paging(cursor, MAX_PAGE_SIZE))

    def search_data_sources(self, *, cursor: str | None = None) -> Answer:
        """One page of the data sources shared with the integration. The index lags."""
        body: dict[str, Any] = {
            "filter": {"property": "object", "value": "data_source"},
            "page_size": MAX_PAGE_SIZE,
        }
        if cursor:
            body["start_cursor"] = cursor
        return self._send("search", "POST", "/v1/search", body=body)

    def retrieve_data_source(self, data_source_id: str) -> Answer:
        """A data source with its schema."""
        return self._send("data_sources.retrieve", "GET", f"/v1/data_sources/{_segment(data_source_id)}")

    def query_data_source(
        self,
        data_source_id: str,
        *,
        filter: Json | None = None,
        sorts: Sequence[Json] = (),
        cursor: str | None = None,
        page_size: int = MAX_PAGE_SIZE,
        filter_properties: Sequence[str] = (),
    ) -> Answer:
        """One page of a data source's pages. A POST, but it changes nothing."""
        body: dict[str, Any] = {"page_size": page_size}
        if filter:
            body["filter"] = filter
        if sorts:
            body["sorts"] = list(sorts)
        if cursor:
            body["start_cursor"] = cursor
        query = [("filter_properties[]", item) for item in filter_properties]
        path = f"/v1/data_sources/{_segment(data_source_id)}/query"
        return self._send("data_sources.query", "POST", path, query=query, body=body)

    def retrieve_page(self, page_id: str) -> Answer:
        """A page with its properties."""
        return self._send("pages.retrieve", "GET", f"/v1/pages/{_segment(page_id)}")

    def retrieve_page_property(self, page_id: str, property_id: str, *, cursor: str | None = None) -> Answer:
        """One page of the items of a property, or the property itself if it is not a list."""
        path = f"/v1/pages/{_segment(page_id)}/properties/{_segment(property_id)}"
        return self._send("pages.properties.retrieve", "GET", path, query=_paging(cursor, MAX_PAGE_SIZE))

    def retrieve_page_markdown(self, page_id: str) -> Answer:
        """The body of a page, or the subtree of a block, as markdown."""
        return self._send("pages.markdown.retrieve", "GET", f"/v1/pages/{_segment(page_id)}/markdown")

    def retrieve_block_children(self, block_id: str, *, cursor: str | None = None) -> Answer:
        """One page of the blocks of a page or of a block."""
        path = f"/v1/blocks/{_segment(block_id)}/children"
        return self._send("blocks.children.list", "GET", path, query=_paging(cursor, MAX_PAGE_SIZE))

    def create_page(self, data_source_id: str, properties: Json, *, children: Sequence[Json] = ()) -> Answer:
        """A new page with at most 100 blocks (two levels) of its body."""
        body: dict[str, Any] = {
            "parent": {"type": "data_source_id", "data_source_id": data_source_id},
            "properties": properties,
        }
        if children:
            body["children"] = list(children)
        return self._write("pages.create", "POST", "/v1/pages", body)

    def update_page(
        self, page_id: str, *, properties: Json | None = None, in_trash: bool | None = None
    ) -> Answer:
        """Set these properties, put the page into the trash or take it out."""
        body: dict[str, Any] = {}
        if properties is not None:
            body["properties"] = properties
        if in_trash is not None:
            body["in_trash"] = in_trash
        return self._write("pages.update", "PATCH", f"/v1/pages/{_segment(page_id)}", body)

    def update_data_source(self, data_source_id: str, *, properties: Json) -> Answer:
        """Change columns by name or id: a configuration adds or changes one, null removes it."""
        path = f"/v1/data_sources/{_segment(data_source_id)}"
        return self._write("data_sources.update", "PATCH", path, {"properties": properties})

    def search_pages(self, *, cursor: str | None = None, oldest_first: bool = False) -> Answer:
        """One page of the pages shared with the integration, rows of databases among them. The index lags."""
        body: dict[str, Any] = {"filter": {"property": "object", "value": "page"}, "page_size": MAX_PAGE_SIZE}
        body["sort"] = {
            "timestamp": "last_edited_time",
            "direction": "ascending" if oldest_first else "descending",
        }
        if cursor:
            body["start_cursor"] = cursor
        return self._send("search", "POST", "/v1/search", body=body)

    def retrieve_database(self, database_id: str) -> Answer:
        """A database with its data sources."""
        return self._send("databases.retrieve", "GET", f"/v1/databases/{_segment(database_id)}")

    def create_database(self, body: Json) -> Answer:
        """A new database with one data source."""
        return self._write("databases.create", "POST", "/v1/databases", body)

    def create_child_page(self, body: Json) -> Answer:
        """A new page in a page."""
        return self._write("pages.create", "POST", "/v1/pages", body)

    def create_view(self, body: Json) -> Answer:
        """A new view of a data source."""
        return self._write("views.create", "POST", "/v1/views", body)

    def append_block_children(
        self, block_id: str, children: Sequence[Json], *, after: str | None = None, at_start: bool = False
    ) -> Answer:
        """At most 100 blocks at the end of a page or block, before or behind one of its blocks."""
        body: dict[str, Any] = {"children": list(children)}
        if at_start:
            body["position"] = {"type": "start"}
        elif after is not None:
            body["position"] = {"type": "after_block", "after_block": {"id": after}}
        path = f"/v1/blocks/{_segment(block_id)}/children"
        return self._write("blocks.children.append", "PATCH", path, body)

    def update_block(self, block_id: str, changes: Json) -> Answer:
        """Change the content of one block."""
        return self._write("blocks.update", "PATCH", f"/v1/blocks/{_segment(block_id)}", changes)

    def trash_block(self, block_id: str) -> Answer:
        """Put one block, with everything in it, into the trash."""
        return self._write("blocks.delete", "DELETE", f"/v1/blocks/{_segment(block_id)}", None)

    def _write(self, operation: str, method: str, path: str, body: Json | None) -> Answer:
        return self._send(operation, method, path, body=body, is_safe_to_repeat=False)

    def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: Json | None = None,
        is_safe_to_repeat: bool = True,
    ) -> Answer:
        call = SourceCall(operation=operation, method=method, path=path, is_safe_to_repeat=is_safe_to_repeat)
        if self._observer is not None:
            self._observer.before(call)
        started = time.monotonic()
        status: int | None = None
        request_id = ""
        error: SourceError | None = None
        try:
            response = self._request(method, f"{path}?{urlencode(query)}" if query else path, body)
            status, request_id = response.status, response.header("x-request-id")
            return _answer(response, is_write=not is_safe_to_repeat)
        except SourceError as problem:
            error = problem
            raise
        finally:
            if self._observer is not None:
                outcome = CallOutcome(
                    status=status,
                    duration_seconds=time.monotonic() - started,
                    request_id=error.request_id if error else request_id,
                    error=error,
                )
                self._observer.after(call, outcome)

    def _request(self, method: str, url: str, body: Json | None) -> OutboundResponse:
        headers = {"authorization": f"Bearer {self._token.reveal()}", "notion-version": API_VERSION}
        try:
            return self._http.request(method, url, headers=headers, json=body)
        except ExternalServiceError as failure:
            raise error_from_failure(failure) from failure


def _answer(response: OutboundResponse, *, is_write: bool) -> Answer:
    if not response.is_success:
        raise error_from_answer(response)
    try:
        parsed = response.json()
    except ExternalServiceError as failure:
        raise malformed_answer(
            "The answer is not JSON.", status=response.status, is_committed=is_write
        ) from failure
    if not isinstance(parsed, dict):
        raise malformed_answer(
            "The answer is not a JSON object.", status=response.status, is_committed=is_write
        )
    # Escapes are the only way NUL and lone surrogates travel; most answers hold none and need no second walk.
    clean = storable(parsed) if b"\\u" in response.body else parsed
    return Answer(json=clean, server_time=_server_time(response.header("date")))


def _server_time(header: str) -> datetime:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)


def _paging(cursor: str | None, page_size: int) -> list[tuple[str, str]]:
    paging = [("page_size", str(page_size))]
    return [*paging, ("start_cursor", cursor)] if cursor else paging


def _segment(value: str) -> str:
    return quote(value, safe="%")
