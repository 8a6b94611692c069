"""The capability "workspace builder": tables, columns and views the product may make in a workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from integrations.capabilities.values import FieldKind, RemoteCollection, RemoteField


@dataclass(frozen=True, slots=True)
class NewOption:
    """A choice of a new column."""

    name: str
    color: str = "default"


@dataclass(frozen=True, slots=True)
class NewField:
    """A column to be made. A relation names the collection it points to, and its name there if it has one."""

    name: str
    kind: FieldKind
    options: tuple[NewOption, ...] = ()
    related_collection_id: str = ""
    name_there: str = ""


class ViewKind(StrEnum):
    """How a view shows the rows of a collection."""

    TABLE = "table"
    BOARD = "board"
    CALENDAR = "calendar"
    TIMELINE = "timeline"
    BARS = "bars"
    DONUT = "donut"


@dataclass(frozen=True, slots=True)
class NewView:
    """A view to be made; which fields it needs depends on its kind (boards and charts: `group`; others: `start`)."""

    name: str
    kind: ViewKind
    group: RemoteField | None = None
    start: RemoteField | None = None
    end: RemoteField | None = None


@dataclass(frozen=True, slots=True)
class ParentPage:
    """A page in which tables may be made."""

    id: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class ParentPages:
    """One page of the list of such pages."""

    pages: tuple[ParentPage, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Child:
    """Something that stands in a page already: a table (`is_collection`) or a page."""

    id: str
    title: str
    is_collection: bool


@dataclass(frozen=True, slots=True)
class Children:
    """One page of what stands in a page."""

    children: tuple[Child, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class BuiltContainer:
    """A table that was made: its container's id and the id of the collection in it."""

    container_id: str
    collection_id: str
    url: str


class WorkspaceBuilder(Protocol):
    """Makes tables and views. Every method is one call and raises `SourceError`; a write may be ambiguous."""

    def parents(self, *, cursor: str | None = None, oldest_first: bool = False) -> ParentPages: ...

    def children(self, page_id: str, *, cursor: str | None = None) -> Children: ...

    def container(self, container_id: str) -> BuiltContainer: ...

    def create_collection(
        self, parent_id: str, *, title: str, icon: str, fields: Sequence[NewField]
    ) -> BuiltContainer: ...

    def collection(self, collection_id: str) -> RemoteCollection: ...

    def add_fields(self, collection_id: str, fields: Sequence[NewField]) -> RemoteCollection: ...

    def create_page(self, parent_id: str, *, title: str, icon: str, text: str) -> ParentPage: ...

    def create_view(
        self, collection_id: str, view: NewView, *, container_id: str = "", page_id: str = ""
    ) -> str:
        """Make a view of a collection, in its container or linked into a page; returns its id."""
        ...
