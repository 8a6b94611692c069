"""The task sink over Notion: our records put as Notion's writes, each checked before it leaves."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from integrations.capabilities import (
    CallObserver,
    FieldKind,
    InvalidRecordValue,
    ProblemKind,
    RemoteCollection,
    RemoteField,
    RemoteRecord,
    RemoteValue,
    SourceError,
    ValueProblem,
)
from integrations.connectors.notion.body import blocks_from_markdown
from integrations.connectors.notion.checks import (
    problems_of,
    problems_of_body,
    problems_without_schema,
)
from integrations.connectors.notion.client import Answer, Json, NotionClient
from integrations.connectors.notion.errors import malformed_answer
from integrations.connectors.notion.mapping import collection_from_json, record_from_json
from integrations.connectors.notion.source import NotionTaskSource
from integrations.connectors.notion.values import MalformedJson
from integrations.connectors.notion.writing import values_to_json
from tenants.foundation.crypto import Secret
from tenants.foundation.http import OutboundClient


class NotionTaskSink:
    """A `TaskSink` that speaks for one token. Every method is one call and raises `SourceError`."""

    def __init__(self, client: NotionClient) -> None:
        self._client = client
        self._source = NotionTaskSource(client)

    def check(
        self, fields: Mapping[str, RemoteField], values: Mapping[str, RemoteValue]
    ) -> Sequence[ValueProblem]:
        problems = problems_of(fields, values)
        return problems or problems_of_body({"properties": values_to_json(values)})

    def create_record(
        self, collection_id: str, values: Mapping[str, RemoteValue], *, body: str = ""
    ) -> RemoteRecord:
        properties = _checked(values)
        children = blocks_from_markdown(body)
        _refuse(problems_of_body({"properties": properties, "children": children}))
        answer = self._client.create_page(collection_id, properties, children=children)
        return _written(record_from_json, answer)

    def update_record(self, record_id: str, values: Mapping[str, RemoteValue]) -> RemoteRecord:
        properties = _checked(values)
        _refuse(problems_of_body({"properties": properties}))
        return _written(record_from_json, self._client.update_page(record_id, properties=properties))

    def trash_record(self, record_id: str) -> RemoteRecord:
        return _written(record_from_json, self._client.update_page(record_id, in_trash=True))

    def restore_record(self, record_id: str) -> RemoteRecord:
        return _written(record_from_json, self._client.update_page(record_id, in_trash=False))

    def records_with(
        self, collection_id: str, *, field_id: str, kind: FieldKind, texts: Sequence[str]
    ) -> Sequence[RemoteRecord]:
        page = self._source.records_with(collection_id, field_id=field_id, kind=kind, texts=texts)
        if page.unreadable:
            # Whoever asks wants to know whether a record exists: "no" would make a second one.
            raise malformed_answer(page.unreadable[0].reason, kind=ProblemKind.UNREADABLE)
        return page.records

    def add_text_field(self, collection_id: str, *, name: str) -> RemoteCollection:
        column = {name: {"type": "rich_text", "rich_text": {}}}
        return _written(
            collection_from_json, self._client.update_data_source(collection_id, properties=column)
        )


def task_sink(*, http: OutboundClient, token: Secret, observer: CallObserver | None = None) -> NotionTaskSink:
    """Make the sink for one token; the registry finds this name in every connector that writes tasks."""
    return NotionTaskSink(NotionClient(http=http, token=token, observer=observer))


def _checked(values: Mapping[str, RemoteValue]) -> dict[str, Json]:
    _refuse(problems_without_schema(values))
    return values_to_json(values)


def _refuse(problems: Sequence[ValueProblem]) -> None:
    if problems:
        raise InvalidRecordValue(problems)


def _written[Value](reader: Callable[[Mapping[str, Any]], Value], answer: Answer) -> Value:
    """Read the answer to a write, which has been carried out even where the answer makes no sense."""
    try:
        return reader(answer.json)
    except MalformedJson as error:
        raise _unreadable(answer, str(error)) from error


def _unreadable(answer: Answer, reason: str) -> SourceError:
    return malformed_answer(
        reason,
        kind=ProblemKind.UNREADABLE,
        committed_id=str(answer.json.get("id") or ""),
        is_committed=True,
    )
