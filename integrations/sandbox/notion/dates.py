"""Dates as Notion writes them: a day, or a moment with its offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.notion.errors import invalid_body

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")


def iso_date(value: Any, path: str) -> str:
    """A valid ISO 8601 day or moment. Raises Notion's 400."""
    if isinstance(value, str) and (_DAY.fullmatch(value) or _MOMENT.match(value)):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            return value
    raise invalid_body(path, "a valid ISO 8601 date string", value)


def is_day(text: str) -> bool:
    """Whether the text names a day without a time."""
    return len(text) == 10


def moment_of(text: str) -> datetime:
    """The moment, a day counting from its midnight in UTC; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def stored_date(text: str) -> str:
    """As Notion gives it back: a day as it is, a moment with milliseconds and its offset."""
    if is_day(text):
        return text
    moment = moment_of(text)
    offset = moment.strftime("%z")
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S')}.000{offset[:3]}:{offset[3:5]}"
