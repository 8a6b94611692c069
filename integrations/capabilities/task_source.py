"""The capability "task source": which questions the engine may ask of an outside service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from integrations.capabilities.values import (
    FieldKind,
    RemoteCollection,
    RemoteIdentity,
    RemotePerson,
    RemoteRecord,
    RemoteValue,
)


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A record whose answer could not be understood; it is quarantined, never dropped."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of records; `is_limited` when the service stopped early and more rows exist."""

    records: tuple[RemoteRecord, ...]
    next_cursor: str | None
    server_time: datetime
    unreadable: tuple[UnreadableRecord, ...] = ()
    is_limited: bool = False


@dataclass(frozen=True, slots=True)
class CollectionPage:
    """One page of the collections a token may see."""

    collections: tuple[RemoteCollection, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """One page of the people of a workspace."""

    people: tuple[RemotePerson, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ValuePage:
    """One page of a value with more references than a record carries."""

    value: RemoteValue
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class RecordBody:
    """The text of a record as markdown; `is_partial` when the service left parts out."""

    markdown: str
    is_partial: bool = False


class RecordOrder(StrEnum):
    """Ascending orders that lose nothing while rows are being edited."""

    CREATED = "created"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """Which records to read: bounds are inclusive and mean the moment of the order's own column.

    `field_ids` limits what is read of each record (one is enough to learn which records exist); empty reads all.
    """

    collection_id: str
    order: RecordOrder
    since: datetime | None = None
    until: datetime | None = None
    cursor: str | None = None
    page_size: int = 100
    field_ids: tuple[str, ...] = ()


class TaskSource(Protocol):
    """Reads tasks from an outside service. Every method is exactly one call and raises `SourceError`."""

    def whoami(self) -> RemoteIdentity: ...

    def collections(self, *, cursor: str | None = None) -> CollectionPage: ...

    def collection(self, collection_id: str) -> RemoteCollection: ...

    def people(self, *, cursor: str | None = None) -> PeoplePage: ...

    def records(self, query: RecordQuery) -> RecordPage: ...

    def records_with(
        self, collection_id: str, *, field_id: str, kind: FieldKind, texts: Sequence[str]
    ) -> RecordPage:
        """The records of one collection whose field has one of these texts (at most 100), in one call."""
        ...

    def record(self, record_id: str) -> RemoteRecord: ...

    def value_page(self, record_id: str, field_id: str, *, cursor: str | None = None) -> ValuePage: ...

    def body(self, record_id: str) -> RecordBody: ...
