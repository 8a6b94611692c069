"""Who wants which events: a subscription waits for its handshake to be confirmed, then is active."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal
from urllib.parse import urlsplit

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.rendering import VERSION, VERSIONS
from integrations.sandbox.notion.world import Connection, Workspace

OBJECT = "sandbox_subscription"
State = Literal["pending", "active", "paused"]
ACTIONS: dict[str, tuple[str, ...]] = {
    "page": (
        "created", "content_updated", "properties_updated", "moved", "deleted", "undeleted", "locked",
        "unlocked",
    ),
    "database": ("created", "moved", "deleted", "undeleted"),
    "data_source": ("created", "content_updated", "moved", "deleted", "undeleted", "schema_updated"),
    "comment": ("created", "updated", "deleted"),
    "file_upload": ("created", "completed", "expired", "upload_failed"),
    "view": ("created", "updated", "deleted"),
}  # fmt: skip
EVENT_TYPES = frozenset(f"{entity}.{action}" for entity, actions in ACTIONS.items() for action in actions)
EVERY_EVENT = "*"


@dataclass
class Subscription:
    """Of an internal connection (`workspace_id`, `bot_id`), or of a public one (`client_id`) for all workspaces.

    `verification_token` signs every event; it travels once, in the handshake.
    """

    url: str
    events: tuple[str, ...]
    integration_id: str
    workspace_id: str | None = None
    bot_id: str | None = None
    client_id: str | None = None
    api_version: str = VERSION
    id: str = ""
    verification_token: str = ""
    state: State = "pending"
    handshake_status: int | None = None
    failures_in_a_row: int = 0

    def __post_init__(self) -> None:
        self.id = self.id or str(uuid.uuid4())
        self.verification_token = self.verification_token or f"secret_{secrets.token_urlsafe(32)}"
        self.events = tuple(self.events)
        check_url(self.url)
        check_events(self.events)
        if self.api_version not in VERSIONS:
            raise ValueError(f"api_version is one of {', '.join(VERSIONS)}")

    def wants(self, event_type: str) -> bool:
        return self.state == "active" and (EVERY_EVENT in self.events or event_type in self.events)

    def receivers(self, workspace: Workspace, object_ids: Iterable[str]) -> list[Connection]:
        """The connections of this integration that see what changed (all of the ids given)."""
        ids = tuple(object_ids)
        return [
            connection
            for connection in workspace.connections
            if self._is_of(connection) and all(connection.sees(one) for one in ids)
        ]

    def _is_of(self, connection: Connection) -> bool:
        if not connection.is_alive:
            return False
        if self.client_id is not None:
            return connection.client_id == self.client_id
        return connection.workspace.id == self.workspace_id and connection.id == self.bot_id

    def as_json(self) -> Json:
        return {"object": OBJECT, **asdict(self), "events": list(self.events)}


def check_url(url: str) -> None:
    """Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not an http or https address")


def check_events(events: Iterable[str]) -> None:
    """Raises ValueError for a name Notion does not have, or none at all."""
    names = tuple(events)
    unknown = sorted(set(names) - EVENT_TYPES - {EVERY_EVENT})
    if unknown or not names:
        raise ValueError(f"unknown events {', '.join(unknown)}" if unknown else "choose at least one event")


def from_json(line: Json) -> Subscription:
    """What `as_json` wrote. Raises ValueError, TypeError."""
    return Subscription(**{key: value for key, value in line.items() if key != "object"})
