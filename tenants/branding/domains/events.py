"""The facts this wing announces."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tenants.outbox.bus import DomainEvent


@dataclass(frozen=True, kw_only=True)
class CustomDomainClaimed(DomainEvent):
    """The company wants to be reached under a name; nothing is proved."""

    name: ClassVar[str] = "custom_domain.claimed"
    domain_id: UUID
    host: str


@dataclass(frozen=True, kw_only=True)
class CustomDomainMoved(DomainEvent):
    """A check took a domain from one state to another: verified, active, suspended, or back."""

    name: ClassVar[str] = "custom_domain.moved"
    domain_id: UUID
    host: str
    from_state: str
    to_state: str


@dataclass(frozen=True, kw_only=True)
class CustomDomainRemoved(DomainEvent):
    """The company gave a name up; it can be another's from now on."""

    name: ClassVar[str] = "custom_domain.removed"
    domain_id: UUID
    host: str


@dataclass(frozen=True, kw_only=True)
class PrimaryHostChosen(DomainEvent):
    """Letters and links lead to this host from now on."""

    name: ClassVar[str] = "custom_domain.primary_chosen"
    host: str
