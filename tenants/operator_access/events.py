"""The facts about grants, in the company's own record; `tenants.accounts.support` tells of visits."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tenants.outbox.bus import DomainEvent


@dataclass(frozen=True, kw_only=True)
class OperatorAsked(DomainEvent):
    """An operator wants to come in."""

    name: ClassVar[str] = "operator_access.asked"
    grant_id: UUID
    operator: str
    role: str
    minutes: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class OperatorApproved(DomainEvent):
    """The company lets an operator in, for a time and with a role."""

    name: ClassVar[str] = "operator_access.approved"
    grant_id: UUID
    role: str
    minutes: int


@dataclass(frozen=True, kw_only=True)
class OperatorGrantClosed(DomainEvent):
    """A request or grant is over: refused, withdrawn, revoked or ended."""

    name: ClassVar[str] = "operator_access.closed"
    grant_id: UUID
    state: str


@dataclass(frozen=True, kw_only=True)
class OperatorRuleChanged(DomainEvent):
    """The company says whether operators may ask at all."""

    name: ClassVar[str] = "operator_access.rule_changed"
    is_shut: bool
