"""A canonical hash of what we use of a record, so that an unchanged record costs no write; pure."""

import hashlib
import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from integrations.capabilities import DateSpan, RemoteRecord, RemoteValue

#: The service cuts its edit times to the minute, so two edits within one look the same.
EDIT_RESOLUTION = timedelta(minutes=1)


def content_hash(
    record: RemoteRecord, *, field_ids: Collection[str], revision: str, server_time: datetime
) -> str:
    """Hash the record's mapped values under one revision of the mapping; 64 hexadecimal digits.

    Computed values and signed file addresses are no part of `RemoteValue.data` or of a mapping, so they
    cannot make a record look changed. A value that came cut to its first references cannot be compared by
    what came: then the edit time stands for it, read again once the minute of the edit is over.
    """
    values = [record.values[field_id] for field_id in sorted(field_ids) if field_id in record.values]
    content: list[Any] = [revision, record.is_trashed, record.url, [_canonical(value) for value in values]]
    if any(value.is_truncated for value in values):
        content += [record.edited_at.isoformat(), is_minute_over(record.edited_at, server_time)]
    text = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def is_minute_over(edited_at: datetime, server_time: datetime) -> bool:
    """Say whether an edit at `server_time` would get a later edit time than `edited_at`."""
    return server_time >= edited_at + EDIT_RESOLUTION


def _canonical(value: RemoteValue) -> list[Any]:
    return [value.field_id, value.kind.value, _data(value)]


def _data(value: RemoteValue) -> Any:
    if value.options:
        return sorted([option.id, option.name] for option in value.options)
    if value.people:
        return sorted(person.id for person in value.people)
    if isinstance(value.data, tuple):
        return sorted(value.references)
    if isinstance(value.data, DateSpan):
        end = value.data.end
        return [value.data.start.isoformat(), end.isoformat() if end else None]
    return value.data.isoformat() if isinstance(value.data, datetime) else value.data
