"""Makes the values of a draft fit the table; what cannot fit is left out and said, and loses no row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tasks.drafts import DraftProblem, TaskDraft
from tasks.models import Task

UNTITLED: Final = "Untitled"
MAX_NAME_CHARS: Final = 200
MAX_TAG_CHARS: Final = 100
MAX_URL_CHARS: Final = 2000
MAX_HOURS: Final = Decimal("999999.99")
_CENT: Final = Decimal("0.01")


def clean_text(text: str) -> str:
    """Text PostgreSQL can store: no NUL, no half of a surrogate pair; anything else is kept as it is."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def clean_name(text: str, limit: int = MAX_NAME_CHARS) -> str:
    """A name on one line, blanks collapsed, cut to `limit` characters."""
    return " ".join(clean_text(text).split())[:limit].rstrip()


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Tags as names, without blanks and repeats, in their order."""
    names = (clean_name(tag, MAX_TAG_CHARS) for tag in tags)
    return list(dict.fromkeys(name for name in names if name))


def normalise(draft: TaskDraft) -> tuple[dict[str, Any], list[DraftProblem]]:
    """The values of a draft by field, fit to be stored, and the problems of those that are not among them."""
    values: dict[str, Any] = {}
    problems: list[DraftProblem] = []
    for name, value in draft.given().items():
        try:
            values[name] = _RULES[name](value)
        except (ValueError, TypeError, InvalidOperation) as problem:
            problems.append(DraftProblem(task_id=draft.id, field=name, message=str(problem)))
    return values, problems


def settle(values: dict[str, Any], stored: Mapping[str, Any], *, now: datetime) -> None:
    """Bring fields that hang together into line, in place: a due time has a day, done has a completion.

    `stored` holds what is in the row now (empty for a new one).
    """
    if values.get("due_at") is not None:
        if values.get("due_on") is None:
            values["due_on"] = values["due_at"].date()
    elif "due_at" not in values and "due_on" in values and values["due_on"] != stored.get("due_on"):
        # A new day without a time: the old time belongs to the old day.
        values["due_at"] = None
    status = values.get("status", stored.get("status", Task.Status.PLANNED))
    if status != Task.Status.DONE:
        values["completed_at"] = None
    elif values.get("completed_at") is None:
        values["completed_at"] = stored.get("completed_at") or values.get("updated_at") or now


def _title(value: str) -> str:
    return " ".join(clean_text(value).split()) or UNTITLED


def _status(value: str) -> str:
    if value not in Task.Status.values:
        msg = f"There is no status “{value}”."
        raise ValueError(msg)
    return value


def _priority(value: int) -> int:
    if value not in Task.Priority.values:
        msg = f"There is no priority {value}."
        raise ValueError(msg)
    return value


def _optional_name(value: str | None) -> str | None:
    return clean_name(value) or None if value else None


def _hours(value: Decimal | None) -> Decimal | None:
    if value is None:
        return None
    hours = Decimal(value)
    if not hours.is_finite() or not 0 <= hours <= MAX_HOURS:
        msg = f"An estimate has to be between 0 and {MAX_HOURS} hours."
        raise ValueError(msg)
    return hours.quantize(_CENT)


def _moment(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        msg = "A time needs its zone."
        raise ValueError(msg)
    return value


def _needed_moment(value: datetime) -> datetime:
    moment = _moment(value)
    if moment is None:
        msg = "A time is needed."
        raise ValueError(msg)
    return moment


def _day(value: date | None) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def _url(value: str) -> str:
    text = clean_text(value).strip()
    if len(text) > MAX_URL_CHARS:
        msg = f"An address may have {MAX_URL_CHARS} characters."
        raise ValueError(msg)
    # It becomes a link: `javascript:` and its like must never get that far.
    if text and not text.lower().startswith(("https://", "http://")):
        msg = "An address starts with https:// or http://."
        raise ValueError(msg)
    return text


_RULES: Final[dict[str, Callable[[Any], Any]]] = {
    "title": _title,
    "description": clean_text,
    "status": _status,
    "priority": _priority,
    "department_name": _optional_name,
    "project_name": _optional_name,
    "start_on": _day,
    "due_on": _day,
    "due_at": _moment,
    "estimate_hours": _hours,
    "tags": clean_tags,
    "assignee_ids": frozenset,
    "completed_at": _moment,
    "created_at": _needed_moment,
    "updated_at": _needed_moment,
    "source": clean_name,
    "source_url": _url,
    "is_archived": bool,
}
