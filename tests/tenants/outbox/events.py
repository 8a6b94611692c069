"""Events that only tests publish."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tenants.outbox.bus import DomainEvent


@dataclass(frozen=True, kw_only=True)
class LampLit(DomainEvent):
    """A lamp was lit."""

    name: ClassVar[str] = "lamp.lit"
    lamp_id: UUID
    colors: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LampBroke(DomainEvent):
    """A lamp broke."""

    name: ClassVar[str] = "lamp.broke"
    number: int
