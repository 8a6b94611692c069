"""Notion's webhooks: whether a post is Notion's, and what it tells; pure."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from integrations.capabilities.event_feed import Change, MalformedEvent, RemoteEvent
from integrations.connectors.notion.values import Json, MalformedJson, moment, storable
from tenants.foundation.crypto import Secret

SIGNATURE_HEADER: Final = "x-notion-signature"
#: A clock that runs so far ahead of ours is broken: then our own time stands for its.
_MOST_AHEAD: Final = timedelta(days=1)
_LONGEST_ID: Final = 100
_LONGEST_TOKEN: Final = 500
_MOST_NAMES: Final = 100
_LAST_ATTEMPT: Final = 8

_CHANGES: Final[Mapping[str, Change]] = {
    "page.created": Change.CREATED,
    "page.properties_updated": Change.VALUES,
    "page.content_updated": Change.BODY,
    "page.deleted": Change.TRASHED,
    "page.undeleted": Change.RESTORED,
    "page.moved": Change.MOVED,
    "data_source.schema_updated": Change.SCHEMA,
    "data_source.deleted": Change.TABLE_GONE,
    "data_source.created": Change.TABLE_BACK,
    "data_source.undeleted": Change.TABLE_BACK,
    "data_source.moved": Change.TABLE_BACK,
    # What subscriptions made for the version of 2022 call the same.
    "database.schema_updated": Change.SCHEMA,
    "database.deleted": Change.TABLE_GONE,
    "database.created": Change.TABLE_BACK,
    "database.undeleted": Change.TABLE_BACK,
    "database.moved": Change.TABLE_BACK,
}


def handshake(body: bytes) -> Secret | None:
    """The token of the one unsigned post that introduces a subscription; None for every other post."""
    if b"verification_token" not in body:
        return None
    try:
        posted = _object(body)
    except MalformedEvent:
        return None
    token = posted.get("verification_token")
    if set(posted) != {"verification_token"} or not isinstance(token, str):
        return None
    is_token = 0 < len(token) <= _LONGEST_TOKEN and token.isascii() and token.isprintable()
    return Secret(token) if is_token and " " not in token else None


def is_genuine(body: bytes, headers: Mapping[str, str], key: Secret) -> bool:
    """Whether the header carries the HMAC-SHA256 of exactly these bytes; header names are in lower case."""
    expected = hmac.new(key.reveal().encode(), body, hashlib.sha256).hexdigest()
    given = headers.get(SIGNATURE_HEADER, "")
    return hmac.compare_digest(f"sha256={expected}".encode(), given.encode(errors="replace"))


def parse(body: bytes, *, received_at: datetime) -> RemoteEvent:
    """Read one event. Raises: MalformedEvent when it is no JSON object, or has no id or no type."""
    event = _object(body)
    event_id, kind = event.get("id"), event.get("type")
    if not isinstance(event_id, str) or not 0 < len(event_id) <= _LONGEST_ID:
        raise MalformedEvent("The event has no id.")
    if not isinstance(kind, str) or not kind:
        raise MalformedEvent("The event has no type.")
    entity, data = _part(event, "entity"), _part(event, "data")
    parent = _part(data, "parent")
    entity_kind, entity_id = _text(entity, "type"), _text(entity, "id")
    change = _CHANGES.get(kind, Change.OTHER)
    is_table = change in {Change.SCHEMA, Change.TABLE_GONE, Change.TABLE_BACK}
    # A table of the old kind is named by what holds it; the new ones have an id of their own.
    holder = entity_id if entity_kind == "database" else _text(parent, "id")
    collection = entity_id if is_table and entity_kind != "database" else _text(parent, "data_source_id")
    return RemoteEvent(
        id=event_id,
        kind=kind[:80],
        change=change,
        workspace_id=_text(event, "workspace_id"),
        subscription_id=_text(event, "subscription_id"),
        entity_kind=entity_kind[:40],
        entity_id=entity_id,
        collection_id=collection,
        container_id=holder,
        updated_fields=_fields(data.get("updated_properties")),
        author_ids=tuple(_ids(event.get("authors"))),
        occurred_at=_occurred_at(event.get("timestamp"), received_at),
        attempt=_attempt(event.get("attempt_number")),
    )


def _object(body: bytes) -> Json:
    try:
        parsed = storable(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise MalformedEvent("The body is not JSON.") from error
    if not isinstance(parsed, dict):
        raise MalformedEvent("The body is not a JSON object.")
    return parsed


def _part(holder: Json, name: str) -> Json:
    part = holder.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(holder: Json, name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) and len(value) <= _LONGEST_ID else ""


def _ids(items: Any) -> Iterable[str]:
    found = [_text(item, "id") for item in items if isinstance(item, Mapping)] if _is_list(items) else []
    return [item for item in found if item][:_MOST_NAMES]


def _fields(items: Any) -> tuple[str, ...] | None:
    """The ids of the columns that changed; None when nothing is said, or more than we would keep."""
    if not _is_list(items) or len(items) > _MOST_NAMES:
        return None
    found = [item if isinstance(item, str) else _text(item, "id") for item in items if _is_named(item)]
    return tuple(found) if found and len(found) == len(items) else None


def _is_named(item: Any) -> bool:
    return isinstance(item, str | Mapping)


def _is_list(items: Any) -> bool:
    return isinstance(items, list)


def _occurred_at(value: Any, received_at: datetime) -> datetime:
    try:
        occurred_at = moment(value).astimezone(UTC)
    except (MalformedJson, OverflowError, ValueError):
        return received_at
    return received_at if occurred_at > received_at + _MOST_AHEAD else occurred_at


def _attempt(value: Any) -> int:
    return min(max(value, 1), _LAST_ATTEMPT) if isinstance(value, int) else 1
