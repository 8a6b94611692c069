"""Values a connector speaks in: collections, fields, records and people of an outside service."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class FieldKind(StrEnum):
    """How the values of a remote field behave; `UNKNOWN` is kept opaque and never mapped."""

    TITLE = "title"
    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    STATUS = "status"
    CHOICES = "choices"
    DATE = "date"
    PEOPLE = "people"
    FILES = "files"
    CHECKBOX = "checkbox"
    URL = "url"
    EMAIL = "email"
    PHONE = "phone"
    FORMULA = "formula"
    RELATION = "relation"
    ROLLUP = "rollup"
    CREATED_AT = "created_at"
    CREATED_BY = "created_by"
    EDITED_AT = "edited_at"
    EDITED_BY = "edited_by"
    UNIQUE_ID = "unique_id"
    BUTTON = "button"
    PLACE = "place"
    VERIFICATION = "verification"
    UNKNOWN = "unknown"


#: Recomputed by the service without an edit of the record, so they say nothing about "changed".
COMPUTED_KINDS = frozenset(
    {
        FieldKind.FORMULA,
        FieldKind.ROLLUP,
        FieldKind.CREATED_AT,
        FieldKind.CREATED_BY,
        FieldKind.EDITED_AT,
        FieldKind.EDITED_BY,
        FieldKind.BUTTON,
        FieldKind.UNKNOWN,
    }
)

#: What no write can set, and what is written only where the service verifies pages.
READ_ONLY_KINDS = COMPUTED_KINDS | {FieldKind.UNIQUE_ID, FieldKind.VERIFICATION}


class OptionGroup(StrEnum):
    """The three groups every status option belongs to."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class RemoteOption:
    """One choice of a select, status or multi-select; the id survives renaming."""

    id: str
    name: str
    color: str = "default"
    group: OptionGroup | None = None


@dataclass(frozen=True, slots=True)
class RemoteField:
    """One column of a remote collection, addressed by `id` because names change."""

    id: str
    name: str
    kind: FieldKind
    remote_type: str
    options: tuple[RemoteOption, ...] = ()
    related_collection_id: str = ""

    @property
    def is_computed(self) -> bool:
        return self.kind in COMPUTED_KINDS


@dataclass(frozen=True, slots=True)
class RemoteCollection:
    """A remote table of records with its columns."""

    id: str
    container_id: str
    title: str
    url: str
    fields: tuple[RemoteField, ...]
    icon: str = ""
    is_trashed: bool = False

    @property
    def title_field(self) -> RemoteField | None:
        return next((item for item in self.fields if item.kind is FieldKind.TITLE), None)


@dataclass(frozen=True, slots=True)
class RemotePerson:
    """A member, guest or bot of the remote workspace; `email` may be hidden from us."""

    id: str
    name: str = ""
    email: str = ""
    avatar_url: str = ""
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class RemoteIdentity:
    """Who a token acts as: `account_id` tells two tokens of one workspace apart."""

    account_id: str
    account_name: str
    workspace_id: str
    workspace_name: str
    workspace_icon: str = ""


@dataclass(frozen=True, slots=True)
class DateSpan:
    """A day or a moment, with an optional end; a bare day carries no time zone."""

    start: date | datetime
    end: date | datetime | None = None

    @property
    def has_time(self) -> bool:
        return isinstance(self.start, datetime)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file by reference; `is_hosted` when the service keeps it, and then the address is signed and passes."""

    name: str
    url: str = ""
    is_hosted: bool = False


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """A point on the map, in degrees, with the ids map services gave it."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""
    map_ids: tuple[tuple[str, str], ...] = ()


type ValueData = (
    str
    | float
    | bool
    | datetime
    | DateSpan
    | RemotePlace
    | tuple[RemoteFile, ...]
    | tuple[RemoteOption, ...]
    | tuple[RemotePerson, ...]
    | tuple[str, ...]
    | None
)


@dataclass(frozen=True, slots=True)
class RemoteValue:
    """The value of one field of one record.

    `data` by kind: title, text, url, email, phone, unique_id → str; number → float; checkbox → bool;
    choice, status, choices → options; people, created_by, edited_by → people; relation → record ids;
    files → `RemoteFile`s; place → `RemotePlace`; date → `DateSpan`; created_at, edited_at → datetime;
    formula and rollup → whatever they compute; nothing set → None. `is_truncated` means that only the first
    references were sent.
    """

    field_id: str
    kind: FieldKind
    data: ValueData = None
    is_truncated: bool = False

    @property
    def text(self) -> str:
        return self.data if isinstance(self.data, str) else ""

    @property
    def options(self) -> tuple[RemoteOption, ...]:
        items = self.data if isinstance(self.data, tuple) else ()
        return tuple(item for item in items if isinstance(item, RemoteOption))

    @property
    def people(self) -> tuple[RemotePerson, ...]:
        items = self.data if isinstance(self.data, tuple) else ()
        return tuple(item for item in items if isinstance(item, RemotePerson))

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        items = self.data if isinstance(self.data, tuple) else ()
        return tuple(item for item in items if isinstance(item, RemoteFile))

    @property
    def span(self) -> DateSpan | None:
        return self.data if isinstance(self.data, DateSpan) else None

    @property
    def references(self) -> tuple[str, ...]:
        items = self.data if isinstance(self.data, tuple) else ()
        return tuple(item for item in items if isinstance(item, str))


@dataclass(frozen=True, slots=True)
class RemoteRecord:
    """One row of a remote collection; `values` is keyed by field id."""

    id: str
    collection_id: str
    url: str
    created_at: datetime
    edited_at: datetime
    values: Mapping[str, RemoteValue]
    icon: str = ""
    is_trashed: bool = False

    def value(self, field_id: str) -> RemoteValue | None:
        return self.values.get(field_id)

    @property
    def title(self) -> str:
        return next((item.text for item in self.values.values() if item.kind is FieldKind.TITLE), "")

    @property
    def truncated_values(self) -> tuple[RemoteValue, ...]:
        return tuple(item for item in self.values.values() if item.is_truncated)
