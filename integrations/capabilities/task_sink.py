"""The capability "task sink": what the engine may write to an outside service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from integrations.capabilities.values import (
    FieldKind,
    RemoteCollection,
    RemoteField,
    RemoteRecord,
    RemoteValue,
)
from tenants.foundation.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class ValueProblem:
    """A value the service would refuse: which field, which limit, and a sentence for a person."""

    field_id: str
    field_name: str
    limit: str
    detail: str


class InvalidRecordValue(InvalidInput):
    """Values that must not leave the house; `problems` names each field and the limit it breaks."""

    default_code = "integrations.value_refused"

    def __init__(self, problems: Sequence[ValueProblem]) -> None:
        super().__init__(
            " ".join(problem.detail for problem in problems),
            fields={problem.field_name or problem.field_id: [problem.detail] for problem in problems},
        )
        self.problems = tuple(problems)


class TaskSink(Protocol):
    """Writes records to an outside service.

    Every method is exactly one call and raises `SourceError`; one that may have been carried out all the same carries
    `committed_id`, or is ambiguous (`kind` timeout, unreachable, server_error, unavailable). Values are checked before
    anything leaves. Raises: InvalidRecordValue.
    """

    def check(
        self, fields: Mapping[str, RemoteField], values: Mapping[str, RemoteValue]
    ) -> Sequence[ValueProblem]:
        """What the service would refuse; no call. `fields` is the collection's schema by field id."""
        ...

    def create_record(
        self, collection_id: str, values: Mapping[str, RemoteValue], *, body: str = ""
    ) -> RemoteRecord:
        """Make a record with its values and, where given, the first hundred blocks of its text (markdown)."""
        ...

    def update_record(self, record_id: str, values: Mapping[str, RemoteValue]) -> RemoteRecord:
        """Write exactly these values, addressed by field id; the answer is the record as it is now."""
        ...

    def trash_record(self, record_id: str) -> RemoteRecord:
        """Put a record into the trash; it can be taken out again."""
        ...

    def restore_record(self, record_id: str) -> RemoteRecord:
        """Take a record out of the trash."""
        ...

    def records_with(
        self, collection_id: str, *, field_id: str, kind: FieldKind, texts: Sequence[str]
    ) -> Sequence[RemoteRecord]:
        """The records whose field has one of these texts (at most 100), in one call."""
        ...

    def add_text_field(self, collection_id: str, *, name: str) -> RemoteCollection:
        """Add a text column; the answer is the collection's new schema."""
        ...
