"""The task source over Notion: our questions put as Notion's calls, Notion's answers as our values."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.capabilities import (
    CallObserver,
    CollectionPage,
    FieldKind,
    PeoplePage,
    ProblemKind,
    RecordBody,
    RecordOrder,
    RecordPage,
    RecordQuery,
    RemoteCollection,
    RemoteIdentity,
    RemoteRecord,
    UnreadableRecord,
    ValuePage,
)
from integrations.connectors.notion.client import Answer, Json, NotionClient
from integrations.connectors.notion.enhanced_markdown import to_markdown, unreadable_kinds
from integrations.connectors.notion.errors import malformed_answer
from integrations.connectors.notion.mapping import (
    collection_from_json,
    identity_from_json,
    record_from_json,
)
from integrations.connectors.notion.values import (
    MalformedJson,
    person_from_json,
    value_from_items,
    value_from_json,
)
from tenants.foundation.crypto import Secret
from tenants.foundation.http import OutboundClient

_TIMESTAMPS: Mapping[RecordOrder, str] = {
    RecordOrder.CREATED: "created_time",
    RecordOrder.EDITED: "last_edited_time",
}
#: An array of conditions takes this many.
MAX_CONDITIONS = 100
_IN_ORDER_OF_CREATION = ({"timestamp": "created_time", "direction": "ascending"},)
_TEXT_FILTERS: Mapping[FieldKind, str] = {
    FieldKind.TITLE: "title",
    FieldKind.TEXT: "rich_text",
    FieldKind.URL: "url",
    FieldKind.EMAIL: "email",
    FieldKind.PHONE: "phone_number",
}


class NotionTaskSource:
    """A `TaskSource` that speaks for one token. Every method is one call and raises `SourceError`."""

    def __init__(self, client: NotionClient) -> None:
        self._client = client

    def whoami(self) -> RemoteIdentity:
        return read(identity_from_json, self._client.me())

    def collections(self, *, cursor: str | None = None) -> CollectionPage:
        answer = self._client.search_data_sources(cursor=cursor)
        found = [
            _read_item(collection_from_json, item)
            for item in _results(answer)
            if _is_object(item, "data_source")
        ]
        return CollectionPage(collections=tuple(found), next_cursor=_next_cursor(answer))

    def collection(self, collection_id: str) -> RemoteCollection:
        return read(collection_from_json, self._client.retrieve_data_source(collection_id))

    def people(self, *, cursor: str | None = None) -> PeoplePage:
        answer = self._client.list_users(cursor=cursor)
        # A user without an id is nobody we could ever meet again.
        people = tuple(person_from_json(item) for item in _results(answer) if item.get("id"))
        return PeoplePage(people=people, next_cursor=_next_cursor(answer))

    def records(self, query: RecordQuery) -> RecordPage:
        timestamp = _TIMESTAMPS[query.order]
        answer = self._client.query_data_source(
            query.collection_id,
            filter=_window(timestamp, query.since, query.until),
            sorts=[{"timestamp": timestamp, "direction": "ascending"}],
            cursor=query.cursor,
            page_size=query.page_size,
            filter_properties=query.field_ids,
        )
        return record_page(answer, query.collection_id)

    def records_with(
        self, collection_id: str, *, field_id: str, kind: FieldKind, texts: Sequence[str]
    ) -> RecordPage:
        answer = self._client.query_data_source(
            collection_id, filter=any_of(field_id, kind, texts), sorts=_IN_ORDER_OF_CREATION
        )
        return record_page(answer, collection_id)

    def record(self, record_id: str) -> RemoteRecord:
        return read(record_from_json, self._client.retrieve_page(record_id))

    def value_page(self, record_id: str, field_id: str, *, cursor: str | None = None) -> ValuePage:
        answer = self._client.retrieve_page_property(record_id, field_id, cursor=cursor)
        try:
            if answer.json.get("object") != "list":
                return ValuePage(value=value_from_json(field_id, answer.json), next_cursor=None)
            described = answer.json.get("property_item")
            remote_type = str(described.get("type")) if isinstance(described, Mapping) else ""
            value = value_from_items(field_id, remote_type, _results(answer))
        except MalformedJson as error:
            raise malformed_answer(str(error), kind=ProblemKind.UNREADABLE) from error
        return ValuePage(value=value, next_cursor=_next_cursor(answer))

    def body(self, record_id: str) -> RecordBody:
        answer = self._client.retrieve_page_markdown(record_id)
        markdown = answer.json.get("markdown")
        if not isinstance(markdown, str):
            raise malformed_answer("The page's markdown is missing.")
        is_partial = bool(answer.json.get("truncated")) or bool(unreadable_kinds(markdown))
        return RecordBody(markdown=to_markdown(markdown), is_partial=is_partial)


def task_source(
    *, http: OutboundClient, token: Secret, observer: CallObserver | None = None
) -> NotionTaskSource:
    """Make the source for one token; the registry finds this name in every connector that reads tasks."""
    return NotionTaskSource(NotionClient(http=http, token=token, observer=observer))


def record_page(answer: Answer, collection_id: str) -> RecordPage:
    """Read one page of a query; a row that makes no sense is named, and the others are read."""
    records: list[RemoteRecord] = []
    unreadable: list[UnreadableRecord] = []
    for item in _results(answer):
        if not _is_object(item, "page"):
            continue
        try:
            records.append(record_from_json(item, collection_id=collection_id))
        except MalformedJson as error:
            unreadable.append(UnreadableRecord(id=str(item.get("id") or ""), reason=str(error)))
    return RecordPage(
        records=tuple(records),
        unreadable=tuple(unreadable),
        next_cursor=_next_cursor(answer),
        server_time=answer.server_time,
        is_limited=_is_limited(answer),
    )


def any_of(field_id: str, kind: FieldKind, texts: Sequence[str]) -> Json:
    """The filter for rows whose column has one of these texts. Raises: ValueError for more than one call can ask."""
    if not 1 <= len(texts) <= MAX_CONDITIONS:
        raise ValueError(f"One call asks for 1 to {MAX_CONDITIONS} texts.")
    if kind is FieldKind.UNIQUE_ID:
        # The prefix is the column's, the same in all rows; Notion compares the number.
        conditions = [{"property": field_id, "unique_id": {"equals": _number_of(text)}} for text in texts]
    elif kind in _TEXT_FILTERS:
        name = _TEXT_FILTERS[kind]
        conditions = [{"property": field_id, name: {"equals": text}} for text in texts]
    else:
        raise ValueError(f"Rows cannot be found by a {kind}.")
    return conditions[0] if len(conditions) == 1 else {"or": conditions}


def _number_of(text: str) -> int:
    return int(text.rpartition("-")[2])


def read[Value](reader: Callable[[Json], Value], answer: Answer) -> Value:
    """Read the object of an answer. Raises: SourceError when it makes no sense."""
    return _read_item(reader, answer.json)


def _read_item[Value](reader: Callable[[Mapping[str, Any]], Value], item: Mapping[str, Any]) -> Value:
    try:
        return reader(item)
    except MalformedJson as error:
        raise malformed_answer(str(error), kind=ProblemKind.UNREADABLE) from error


def _results(answer: Answer) -> list[Mapping[str, Any]]:
    results = answer.json.get("results")
    if not isinstance(results, list) or not all(isinstance(item, Mapping) for item in results):
        raise malformed_answer("A list has no results.")
    return results


def _next_cursor(answer: Answer) -> str | None:
    cursor = answer.json.get("next_cursor")
    if not answer.json.get("has_more"):
        return None
    if not isinstance(cursor, str) or not cursor:
        raise malformed_answer("There is more, but no cursor to ask for it.")
    return cursor


def _is_limited(answer: Answer) -> bool:
    status = answer.json.get("request_status")
    return isinstance(status, Mapping) and status.get("type") == "incomplete"


def _is_object(item: Mapping[str, Any], kind: str) -> bool:
    return bool(item.get("object", kind) == kind)


def _window(timestamp: str, since: datetime | None, until: datetime | None) -> Mapping[str, Any] | None:
    bounds = [
        {"timestamp": timestamp, timestamp: {name: _stamp(bound)}}
        for name, bound in (("on_or_after", since), ("on_or_before", until))
        if bound is not None
    ]
    if len(bounds) > 1:
        return {"and": bounds}
    return bounds[0] if bounds else None


def _stamp(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
