"""Webhook posts as Notion sends them, signed or not; everything in them is invented."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

type Json = dict[str, Any]

SIGNING_KEY = "secret_testing_ground_key"
WORKSPACE = "0a0a0a0a-0000-4000-8000-000000000001"


def event_json(
    kind: str = "page.properties_updated",
    entity_id: str = "",
    *,
    workspace_id: str = "",
    collection_id: str = "",
    container_id: str = "",
    entity_kind: str = "",
    fields: list[Any] | None = None,
    authors: list[Json] | None = None,
    at: datetime | None = None,
    event_id: str = "",
    **more: Any,
) -> Json:
    """One event; ids that are not given are new ones."""
    data: Json = {"parent": {"id": container_id or str(uuid4()), "type": "database"}}
    if collection_id:
        data["parent"]["data_source_id"] = collection_id
    if fields is not None:
        data["updated_properties"] = fields
    elif kind == "page.properties_updated":
        data["updated_properties"] = ["title"]
    if kind == "page.content_updated":
        data["updated_blocks"] = [{"id": str(uuid4()), "type": "block"}]
    moment = (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "id": event_id or str(uuid4()),
        "timestamp": moment,
        "workspace_id": workspace_id or WORKSPACE,
        "workspace_name": "Testing Ground",
        "subscription_id": str(uuid4()),
        "integration_id": str(uuid4()),
        "authors": [{"id": str(uuid4()), "type": "person"}] if authors is None else authors,
        "attempt_number": 1,
        "api_version": "2026-03-11",
        "type": kind,
        "entity": {"id": entity_id or str(uuid4()), "type": entity_kind or kind.partition(".")[0]},
        "data": data,
    } | more


def signature(body: bytes, key: str = SIGNING_KEY) -> str:
    """What Notion puts into its header for these bytes."""
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def post(
    client: Any, address: str, event: Json | bytes, *, key: str | None = SIGNING_KEY, **headers: str
) -> Any:
    """Send an event through a Django test client; `key` None sends it unsigned."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    signed = {} if key is None else {"X-Notion-Signature": signature(body, key)}
    return client.post(address, data=body, content_type="application/json", headers=signed | headers)
