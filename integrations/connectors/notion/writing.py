"""Our values turned into what Notion accepts in a write; pure, and the mirror of `values.py`.

Keys are property ids. Lists (people, relations, options, files) replace what is there, so they are sent whole; what
is empty is cleared. Text goes as plain runs: Notion counts in UTF-16 units, and so do we.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from integrations.capabilities import DateSpan, FieldKind, RemoteFile, RemoteOption, RemotePlace, RemoteValue

type Json = Mapping[str, Any]

MAX_RUN_UNITS: Final = 2000
_UNITS_OF_ASTRAL: Final = 2


def values_to_json(values: Mapping[str, RemoteValue]) -> dict[str, Json]:
    """The `properties` of a write, by property id. The values have to have passed `checks.problems_of`."""
    return {field_id: value_to_json(value) for field_id, value in values.items()}


def value_to_json(value: RemoteValue) -> Json:
    """One property as Notion accepts it. Raises: ValueError for a kind that cannot be written."""
    try:
        remote_type, write = _WRITERS[value.kind]
    except KeyError:
        raise ValueError(f"A {value.kind} cannot be written.") from None
    return {remote_type: write(value)}


def text_runs(text: str) -> list[Json]:
    """Plain text in runs of at most 2,000 units, none of which ends within a character."""
    return [{"type": "text", "text": {"content": part}} for part in _parts(text)]


def units(text: str) -> int:
    """How long Notion finds the text: characters outside the basic plane count twice."""
    return len(text) + sum(character > "\uffff" for character in text)


def _parts(text: str) -> Iterator[str]:
    if len(text) * _UNITS_OF_ASTRAL <= MAX_RUN_UNITS or units(text) <= MAX_RUN_UNITS:
        if text:
            yield text
        return
    start, used = 0, 0
    for place, character in enumerate(text):
        size = _UNITS_OF_ASTRAL if character > "\uffff" else 1
        if used + size > MAX_RUN_UNITS:
            yield text[start:place]
            start, used = place, 0
        used += size
    yield text[start:]


def _number(value: RemoteValue) -> float | int | None:
    number = value.data
    if not isinstance(number, int | float):
        return None
    return int(number) if float(number).is_integer() and abs(number) < 2**53 else float(number)


def _option(option: RemoteOption) -> Json:
    # An option we know is named by its id, which survives renaming; a new one by its name, which makes it.
    if option.id and option.id != option.name:
        return {"id": option.id}
    return {"name": option.name}


def _one_option(value: RemoteValue) -> Json | None:
    return _option(value.options[0]) if value.options else None


def _day_or_moment(value: date | datetime) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value.isoformat()


def _span(value: RemoteValue) -> Json | None:
    span = value.data
    if not isinstance(span, DateSpan):
        return None
    end = None if span.end is None else _day_or_moment(span.end)
    return {"start": _day_or_moment(span.start), "end": end, "time_zone": None}


def _file(file: RemoteFile) -> Json:
    return {"name": file.name, "type": "external", "external": {"url": file.url}}


def _place(value: RemoteValue) -> Json | None:
    place = value.data
    if not isinstance(place, RemotePlace):
        return None
    return {
        "lat": place.latitude,
        "lon": place.longitude,
        "name": place.name or None,
        "address": place.address or None,
        **dict(place.map_ids),
    }


_WRITERS: Final[Mapping[FieldKind, tuple[str, Callable[[RemoteValue], Any]]]] = {
    FieldKind.TITLE: ("title", lambda value: text_runs(value.text)),
    FieldKind.TEXT: ("rich_text", lambda value: text_runs(value.text)),
    FieldKind.NUMBER: ("number", _number),
    FieldKind.CHOICE: ("select", _one_option),
    FieldKind.STATUS: ("status", _one_option),
    FieldKind.CHOICES: ("multi_select", lambda value: [_option(option) for option in value.options]),
    FieldKind.DATE: ("date", _span),
    FieldKind.PEOPLE: (
        "people",
        lambda value: [{"object": "user", "id": person.id} for person in value.people],
    ),
    FieldKind.FILES: ("files", lambda value: [_file(file) for file in value.files]),
    FieldKind.CHECKBOX: ("checkbox", lambda value: bool(value.data)),
    FieldKind.URL: ("url", lambda value: value.text or None),
    FieldKind.EMAIL: ("email", lambda value: value.text or None),
    FieldKind.PHONE: ("phone_number", lambda value: value.text or None),
    FieldKind.RELATION: ("relation", lambda value: [{"id": record_id} for record_id in value.references]),
    FieldKind.PLACE: ("place", _place),
}

WRITABLE_KINDS: Final = frozenset(_WRITERS)
