"""The capability "body sink": how the text of a record is read in parts, compared and written back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class BodyPart:
    """One part of a text; `has_parts` when more of them hang below it. `raw` is the service's own form."""

    id: str
    has_parts: bool
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BodyPartPage:
    """One page of the parts below a record or below another part."""

    parts: tuple[BodyPart, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class BodyContent:
    """A whole text as markdown, and the parts it was made of in the connector's own form."""

    record_id: str
    markdown: str
    tree: Any


@dataclass(frozen=True, slots=True)
class BodyStep:
    """One call that brings a text nearer to what is wanted; `call` is the connector's own."""

    name: str
    call: Any


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """The calls that make a text what is wanted, and the text once they are made.

    The text has to be read and planned again after them unless `is_whole`: some parts need the ids of others.
    """

    steps: tuple[BodyStep, ...]
    outcome: str
    is_whole: bool = True


class BodyLanguage(Protocol):
    """What the texts of a service can say; no call."""

    def normal(self, markdown: str) -> str:
        """The one spelling of all texts that mean the same there; its own normal form is itself."""
        ...

    def sections(self, markdown: str) -> list[str]:
        """The paragraphs, list items, tables … of a text, to be merged one by one."""
        ...

    def joined(self, sections: Sequence[str]) -> str:
        """Sections as one text in its normal form."""
        ...

    def beginning(self, markdown: str) -> str:
        """As much of a text as a new record can be made with, as it reads there."""
        ...


class BodySink(Protocol):
    """Reads and writes texts in parts. `parts` and `send` are exactly one call and raise `SourceError`."""

    def parts(self, parent_id: str, *, cursor: str | None = None) -> BodyPartPage: ...

    def content(self, record_id: str, parts: Mapping[str, Sequence[BodyPart]]) -> BodyContent:
        """Put a text together from its parts by parent; no call."""
        ...

    def plan(self, content: BodyContent, markdown: str) -> BodyPlan:
        """The fewest calls that make the text this one; what markdown cannot say stays untouched. No call."""
        ...

    def send(self, step: BodyStep) -> datetime | None:
        """Make one of the planned calls; returns the edit time the service noted, if it says so."""
        ...
