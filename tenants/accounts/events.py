"""The facts the accounts announce."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tenants.outbox.bus import DomainEvent


@dataclass(frozen=True, kw_only=True)
class ChangeProposed(DomainEvent):
    """A change waits for a second person; `kind` says what changes, `target_id` of which thing."""

    name: ClassVar[str] = "change.proposed"
    change_id: UUID
    kind: str
    target_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class ChangeApproved(DomainEvent):
    """A second person agreed and the change was carried out in the same moment."""

    name: ClassVar[str] = "change.approved"
    change_id: UUID
    kind: str
    target_id: UUID | None
    proposed_by_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class ChangeRefused(DomainEvent):
    """A second person said no."""

    name: ClassVar[str] = "change.refused"
    change_id: UUID
    kind: str
    target_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class ChangeWithdrawn(DomainEvent):
    """Whoever proposed a change took it back."""

    name: ClassVar[str] = "change.withdrawn"
    change_id: UUID
    kind: str
    target_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class ChangeMadeAlone(DomainEvent):
    """A change that wants two people was made by one, since the company has nobody else who could agree."""

    name: ClassVar[str] = "change.made_alone"
    change_id: UUID
    kind: str
    target_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class AccessChanged(DomainEvent):
    """Somebody was let in or shut out, or may do more or less than before: by a role, a group or a directory."""

    name: ClassVar[str] = "access.changed"
