"""The workspace builder over Notion: databases, columns, pages and views."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from integrations.capabilities import CallObserver, FieldKind, RemoteCollection
from integrations.capabilities.workspace_builder import (
    BuiltContainer,
    Child,
    Children,
    NewField,
    NewView,
    ParentPage,
    ParentPages,
    ViewKind,
)
from integrations.connectors.notion.client import Answer, NotionClient
from integrations.connectors.notion.errors import malformed_answer
from integrations.connectors.notion.mapping import collection_from_json
from integrations.connectors.notion.source import NotionTaskSource, read
from integrations.connectors.notion.values import plain_text
from tenants.foundation.crypto import Secret
from tenants.foundation.http import OutboundClient

type Json = dict[str, Any]

_TYPES: Final[Mapping[FieldKind, str]] = {
    FieldKind.TITLE: "title",
    FieldKind.TEXT: "rich_text",
    FieldKind.NUMBER: "number",
    FieldKind.CHOICE: "select",
    FieldKind.CHOICES: "multi_select",
    FieldKind.DATE: "date",
    FieldKind.PEOPLE: "people",
    FieldKind.CHECKBOX: "checkbox",
    FieldKind.URL: "url",
    FieldKind.EMAIL: "email",
    FieldKind.PHONE: "phone_number",
    FieldKind.RELATION: "relation",
}
_CHARTS: Final[Mapping[ViewKind, str]] = {ViewKind.BARS: "bar", ViewKind.DONUT: "donut"}


class NotionWorkspaceBuilder:
    """A `WorkspaceBuilder` that speaks for one token. Every method is one call and raises `SourceError`."""

    def __init__(self, client: NotionClient) -> None:
        self._client = client
        self._source = NotionTaskSource(client)

    def parents(self, *, cursor: str | None = None, oldest_first: bool = False) -> ParentPages:
        answer = self._client.search_pages(cursor=cursor, oldest_first=oldest_first)
        found = [_page(item) for item in _list(answer) if _is_plain_page(item)]
        return ParentPages(pages=tuple(found), next_cursor=_cursor(answer))

    def children(self, page_id: str, *, cursor: str | None = None) -> Children:
        answer = self._client.retrieve_block_children(page_id, cursor=cursor)
        found = []
        for block in _list(answer):
            kind = block.get("type")
            if kind in {"child_database", "child_page"} and not block.get("in_trash"):
                title = str((block.get(kind) or {}).get("title") or "")
                found.append(Child(str(block["id"]), title, is_collection=kind == "child_database"))
        return Children(children=tuple(found), next_cursor=_cursor(answer))

    def container(self, container_id: str) -> BuiltContainer:
        return _container(self._client.retrieve_database(container_id))

    def create_collection(
        self, parent_id: str, *, title: str, icon: str, fields: Sequence[NewField]
    ) -> BuiltContainer:
        body: Json = {
            "parent": {"type": "page_id", "page_id": parent_id},
            "title": _text(title),
            "initial_data_source": {"properties": {field.name: column_json(field) for field in fields}},
        }
        if icon:
            body["icon"] = {"type": "emoji", "emoji": icon}
        return _container(self._client.create_database(body), is_made=True)

    def collection(self, collection_id: str) -> RemoteCollection:
        return self._source.collection(collection_id)

    def add_fields(self, collection_id: str, fields: Sequence[NewField]) -> RemoteCollection:
        properties = {field.name: column_json(field) for field in fields}
        answer = self._client.update_data_source(collection_id, properties=properties)
        return read(collection_from_json, answer)

    def create_page(self, parent_id: str, *, title: str, icon: str, text: str) -> ParentPage:
        body: Json = {
            "parent": {"type": "page_id", "page_id": parent_id},
            "properties": {"title": {"title": _text(title)}},
        }
        if icon:
            body["icon"] = {"type": "emoji", "emoji": icon}
        if text:
            body["children"] = [{"type": "paragraph", "paragraph": {"rich_text": _text(text)}}]
        answer = self._client.create_child_page(body)
        if not answer.json.get("id"):
            raise malformed_answer("A new page came without an id.", is_committed=True)
        return _page(answer.json)

    def create_view(
        self, collection_id: str, view: NewView, *, container_id: str = "", page_id: str = ""
    ) -> str:
        body: Json = {
            "data_source_id": collection_id,
            "name": view.name,
            "type": "chart" if view.kind in _CHARTS else view.kind.value,
            "configuration": _configuration(view),
        }
        if page_id:
            body["create_database"] = {"parent": {"type": "page_id", "page_id": page_id}}
        else:
            body["database_id"] = container_id
        return str(self._client.create_view(body).json.get("id") or "")


def column_json(field: NewField) -> Json:
    """A column as Notion's schema takes it. Raises: KeyError for a kind that cannot be made."""
    kind = _TYPES[field.kind]
    if field.kind is FieldKind.RELATION:
        shape = "dual_property" if field.name_there else "single_property"
        sides = {"synced_property_name": field.name_there} if field.name_there else {}
        settings: Json = {"data_source_id": field.related_collection_id, "type": shape, shape: sides}
    elif field.options:
        settings = {"options": [{"name": option.name, "color": option.color} for option in field.options]}
    else:
        settings = {}
    return {"type": kind, kind: settings}


def workspace_builder(
    *, http: OutboundClient, token: Secret, observer: CallObserver | None = None
) -> NotionWorkspaceBuilder:
    """Make the builder for one token; the registry finds this name in every connector that builds."""
    return NotionWorkspaceBuilder(NotionClient(http=http, token=token, observer=observer))


def _configuration(view: NewView) -> Json:
    group = _group(view) if view.group is not None else None
    match view.kind:
        case ViewKind.BOARD:
            return {"type": "board", "group_by": group}
        case ViewKind.CALENDAR:
            return {"type": "calendar", "date_property_id": view.start.id if view.start else ""}
        case ViewKind.TIMELINE:
            spans = {"end_date_property_id": view.end.id} if view.end else {}
            return {"type": "timeline", "date_property_id": view.start.id if view.start else "", **spans}
        case ViewKind.TABLE:
            return {"type": "table", **({"group_by": group} if group else {})}
    return {
        "type": "chart",
        "chart_type": _CHARTS[view.kind],
        "x_axis": group,
        "y_axis": {"aggregator": "count"},
    }


def _group(view: NewView) -> Json:
    assert view.group is not None
    kind = view.group.remote_type
    grouped: Json = {
        "type": "person" if kind == "people" else kind,
        "property_id": view.group.id,
        "sort": {"type": "manual"},
    }
    return {**grouped, "group_by": "option"} if kind == "status" else grouped


def _container(answer: Answer, *, is_made: bool = False) -> BuiltContainer:
    sources = answer.json.get("data_sources")
    container_id = answer.json.get("id")
    first = sources[0] if isinstance(sources, list) and sources else None
    source_id = first.get("id") if isinstance(first, Mapping) else None
    if not container_id or not source_id:
        # One that was made stands all the same, whatever the answer about it says.
        raise malformed_answer(
            "A database came without a data source.",
            is_committed=is_made,
            committed_id=str(container_id or "") if is_made else "",
        )
    return BuiltContainer(str(container_id), str(source_id), str(answer.json.get("url") or ""))


def _page(item: Mapping[str, Any]) -> ParentPage:
    properties = item.get("properties") or {}
    titles = [each for each in properties.values() if each.get("type") == "title"]
    title: Mapping[str, Any] = titles[0] if titles else {}
    return ParentPage(str(item["id"]), plain_text(title.get("title") or []), str(item.get("url") or ""))


def _is_plain_page(item: Mapping[str, Any]) -> bool:
    """A page of its own, not the row of a database."""
    parent = item.get("parent") or {}
    is_row = parent.get("type") in {"data_source_id", "database_id"}
    return item.get("object") == "page" and not is_row and not item.get("in_trash")


def _list(answer: Answer) -> list[Mapping[str, Any]]:
    results = answer.json.get("results")
    if not isinstance(results, list):
        raise malformed_answer("A list has no results.")
    return results


def _cursor(answer: Answer) -> str | None:
    cursor = answer.json.get("next_cursor")
    return str(cursor) if answer.json.get("has_more") and cursor else None


def _text(text: str) -> list[Json]:
    return [{"type": "text", "text": {"content": text[:2000]}}] if text else []
