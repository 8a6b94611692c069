"""Events on their way to one address: the payload, its signature, its attempts."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Literal
from urllib.parse import urlsplit

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.rendering import dumped
from integrations.sandbox.notion.webhooks.subscriptions import Subscription
from integrations.sandbox.notion.webhooks.watching import iso
from integrations.sandbox.notion.webhooks.windows import Event
from integrations.sandbox.notion.world import Connection

MAX_ATTEMPTS = 8
FIRST_RETRY_SECONDS = 60.0
RETRY_FACTOR = 3.15  # eight attempts, the last about a day after the first
SIGNATURE_HEADER = "X-Notion-Signature"
NO_ANSWER = 0

Sender = Callable[[str, bytes, Mapping[str, str]], int]
DeliveryState = Literal["waiting", "delivered", "failed", "lost"]


@dataclass
class Delivery:
    """One event for one subscription. `payload` has no attempt number yet: each attempt writes its own."""

    subscription: Subscription
    payload: Json
    due_at: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: DeliveryState = "waiting"
    attempt: int = 1
    statuses: list[int] = field(default_factory=list)
    is_held_back: bool = False
    signature: Literal["right", "wrong", "none"] = "right"

    @property
    def event_type(self) -> str:
        return str(self.payload["type"])

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "event_id": self.payload["id"],
            "type": self.event_type,
            "entity": self.payload["entity"],
            "subscription_id": self.subscription.id,
            "state": self.state,
            "attempt_number": self.attempt,
            "statuses": self.statuses,
        }


@dataclass(frozen=True)
class Attempt:
    """What was sent once and what came back; `status` 0: nobody answered."""

    type: str
    event_id: str
    entity_id: str
    workspace_id: str
    attempt_number: int
    url: str
    status: int
    payload: Json

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300

    def as_json(self) -> Json:
        return {
            "type": self.type,
            "event_id": self.event_id,
            "entity_id": self.entity_id,
            "workspace_id": self.workspace_id,
            "attempt_number": self.attempt_number,
            "url": self.url,
            "status": self.status,
        }


def payload_of(event: Event, subscription: Subscription, receivers: list[Connection]) -> Json:
    """The event in Notion's words for one subscription, without `attempt_number`."""
    payload: Json = {
        "id": str(uuid.uuid4()),
        "timestamp": iso(event.at),
        "workspace_id": event.workspace.id,
        "workspace_name": event.workspace.name,
        "subscription_id": subscription.id,
        "integration_id": subscription.integration_id,
        "authors": [{"id": author, "type": kind} for author, kind in event.authors],
        "api_version": subscription.api_version,
        "type": event.type,
        "entity": {"id": event.entity[1], "type": event.entity[0]},
    }
    if subscription.client_id is not None:
        payload["accessible_by"] = [entry for one in receivers for entry in _access(one)]
    if event.data is not None:
        payload["data"] = event.data
    return payload


def _access(connection: Connection) -> list[Json]:
    owner = connection.bot.get("bot", {}).get("owner", {})
    person = owner.get("user", {}).get("id") if owner.get("type") == "user" else None
    entries = [{"id": person, "type": "person"}] if person else []
    return [*entries, {"id": connection.id, "type": "bot"}]


def body_of(delivery: Delivery) -> bytes:
    """The bytes to send now."""
    return dumped({**delivery.payload, "attempt_number": delivery.attempt})


def headers_of(delivery: Delivery, body: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "notion-sandbox"}
    token = delivery.subscription.verification_token
    if delivery.signature == "right":
        headers[SIGNATURE_HEADER] = signature_of(token, body)
    elif delivery.signature == "wrong":
        headers[SIGNATURE_HEADER] = signature_of(token[::-1], body)
    return headers


def signature_of(verification_token: str, body: bytes) -> str:
    """`sha256=` and the HMAC of the raw bytes in hex."""
    return "sha256=" + hmac.new(verification_token.encode(), body, hashlib.sha256).hexdigest()


def retry_seconds(attempt: int) -> float:
    """How long after attempt number `attempt` the next one is due."""
    return FIRST_RETRY_SECONDS * RETRY_FACTOR ** (attempt - 1)


def _dialled(host: str) -> str:
    """Names below localhost are this machine, as browsers know and many resolvers do not."""
    return "127.0.0.1" if host.endswith(".localhost") else host


def send(url: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> int:
    """POST once; the status, 0 where nobody answered in time."""
    parts = urlsplit(url)
    made = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = made(_dialled(parts.hostname or ""), parts.port, timeout=timeout_seconds)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", path, body, {"Host": parts.netloc, **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, HTTPException):
        return NO_ANSWER
    finally:
        connection.close()
