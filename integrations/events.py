"""The facts this package announces."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tenants.outbox.bus import DomainEvent


@dataclass(frozen=True, kw_only=True)
class ConnectionMade(DomainEvent):
    """A workspace was connected, or got a new token."""

    name: ClassVar[str] = "connection.made"
    connection_id: UUID


@dataclass(frozen=True, kw_only=True)
class ConnectionSuspended(DomainEvent):
    """A workspace stopped being read; `state` says why."""

    name: ClassVar[str] = "connection.suspended"
    connection_id: UUID
    state: str


@dataclass(frozen=True, kw_only=True)
class ConnectionRemoved(DomainEvent):
    """A workspace was disconnected; its tasks stay."""

    name: ClassVar[str] = "connection.removed"
    connection_id: UUID


@dataclass(frozen=True, kw_only=True)
class MappingConfirmed(DomainEvent):
    """Somebody confirmed how a collection is read."""

    name: ClassVar[str] = "mapping.confirmed"
    connection_id: UUID
    collection_id: UUID


@dataclass(frozen=True, kw_only=True)
class SyncRunFinished(DomainEvent):
    """A run went through to its end, with or without errors."""

    name: ClassVar[str] = "sync_run.finished"
    run_id: UUID
    connection_id: UUID
    state: str


@dataclass(frozen=True, kw_only=True)
class WebhookKeyCame(DomainEvent):
    """A service introduced itself at a connection's address; a pending key waits for an administrator."""

    name: ClassVar[str] = "webhook.key_came"
    connection_id: UUID
    is_pending: bool


@dataclass(frozen=True, kw_only=True)
class WebhookKeyRevealed(DomainEvent):
    """Somebody was shown a signing key, the one time it is shown."""

    name: ClassVar[str] = "webhook.key_revealed"
    connection_id: UUID


@dataclass(frozen=True, kw_only=True)
class WebhookChanged(DomainEvent):
    """An address for events was opened, renewed or switched off, fell silent, or another key counts there now."""

    name: ClassVar[str] = "webhook.changed"
    connection_id: UUID
    state: str
    reason: str
