"""The facts of an operator's visit, for the company's record."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tenants.outbox.bus import DomainEvent


@dataclass(frozen=True, kw_only=True)
class OperatorEntered(DomainEvent):
    """An operator of the platform came in under a grant."""

    name: ClassVar[str] = "operator_access.entered"
    visit_id: UUID
    grant_id: UUID
    role: str


@dataclass(frozen=True, kw_only=True)
class OperatorActed(DomainEvent):
    """An operator did something on a visit, or tried to."""

    name: ClassVar[str] = "operator_access.acted"
    visit_id: UUID
    grant_id: UUID
    method: str
    path: str
    status: int
    request_id: str


@dataclass(frozen=True, kw_only=True)
class OperatorLeft(DomainEvent):
    """A visit is over."""

    name: ClassVar[str] = "operator_access.left"
    visit_id: UUID
    grant_id: UUID
    because: str
