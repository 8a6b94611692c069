"""The capability "event feed": what an outside service tells us by itself, in the engine's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tenants.foundation.crypto import Secret
from tenants.foundation.errors import InvalidInput


class MalformedEvent(InvalidInput):
    """What came is no event: it can neither be stored nor be told apart from others."""

    default_code = "webhooks.malformed"
    default_message = "This is not an event."


class Change(StrEnum):
    """What an event means to the engine."""

    CREATED = "created"
    VALUES = "values"
    BODY = "body"
    TRASHED = "trashed"
    RESTORED = "restored"
    MOVED = "moved"
    SCHEMA = "schema"
    TABLE_GONE = "table_gone"
    TABLE_BACK = "table_back"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    """One event. `kind` and `entity_kind` are the service's own words, for people to read.

    `collection_id` is the table the record is in, or the table itself; `container_id` what holds that table, where
    the service names only that. `updated_fields` are the columns it names, None when it names none.
    """

    id: str
    kind: str
    change: Change
    workspace_id: str
    subscription_id: str
    entity_kind: str
    entity_id: str
    collection_id: str
    container_id: str
    updated_fields: tuple[str, ...] | None
    author_ids: tuple[str, ...]
    occurred_at: datetime
    attempt: int


class EventFeed(Protocol):
    """Understands what a service posts to us; pure."""

    def handshake(self, body: bytes) -> Secret | None:
        """The signing key, if this is the post that introduces it; such a post is not signed."""
        ...

    def is_genuine(self, body: bytes, headers: Mapping[str, str], key: Secret) -> bool:
        """Whether the raw body was signed with this key; compared in constant time."""
        ...

    def parse(self, body: bytes, *, received_at: datetime) -> RemoteEvent:
        """Read an event; kinds and fields it does not know are no mistake. Raises: MalformedEvent."""
        ...
