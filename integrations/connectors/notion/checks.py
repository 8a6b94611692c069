"""What Notion would refuse, found before anything leaves: each value's limit by name, in a sentence; pure."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from integrations.capabilities import (
    DateSpan,
    FieldKind,
    RemoteField,
    RemoteOption,
    RemotePlace,
    RemoteValue,
    ValueProblem,
)
from integrations.connectors.notion.writing import MAX_RUN_UNITS, WRITABLE_KINDS, Json, text_runs, units

MAX_RUNS: Final = 100
MAX_ITEMS: Final = 100
MAX_URL: Final = 2000
MAX_ADDRESS: Final = 200
MAX_OPTION: Final = 100
MAX_FILE_NAME: Final = 100
MAX_BODY_BYTES: Final = 500_000
MAX_BLOCKS: Final = 1000
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")

#: A broken limit: its name, and the rest of the sentence that begins with the field's name.
type Broken = tuple[str, str]


def problems_of(fields: Mapping[str, RemoteField], values: Mapping[str, RemoteValue]) -> list[ValueProblem]:
    """Everything Notion would refuse about these values of a row of the collection with these columns."""
    found: list[ValueProblem] = []
    for field_id, value in values.items():
        field = fields.get(field_id)
        name = field.name if field else field_id
        broken = _against_schema(field, value) or _against_limits(value)
        found += [ValueProblem(field_id, name, limit, f"“{name}” {detail}") for limit, detail in broken]
    return found


def problems_without_schema(values: Mapping[str, RemoteValue]) -> list[ValueProblem]:
    """What can be told without the columns: the limits every collection has."""
    return [
        ValueProblem(field_id, "", limit, f"The column {field_id} {detail}")
        for field_id, value in values.items()
        for limit, detail in _against_limits(value)
    ]


def problems_of_body(body: Json, *, blocks: int = 0) -> list[ValueProblem]:
    """What Notion would refuse about a request as a whole."""
    found = []
    size = len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))
    if size > MAX_BODY_BYTES:
        detail = f"This is {size // 1000} KB at once; Notion takes 500 KB."
        found.append(ValueProblem("", "", "request of 500 KB", detail))
    if blocks > MAX_BLOCKS:
        detail = f"This text has {blocks} blocks; Notion takes 1,000 at once."
        found.append(ValueProblem("", "", "1000 blocks", detail))
    return found


def _against_schema(field: RemoteField | None, value: RemoteValue) -> list[Broken]:
    if field is None:
        return [("column", "does not exist in Notion any more.")]
    if field.kind not in WRITABLE_KINDS:
        return [("read-only", f"is filled in by Notion itself ({field.remote_type}) and cannot be written.")]
    if field.kind is not value.kind:
        return [("type", f"is a {field.kind} in Notion, and this is a {value.kind}.")]
    if field.kind is FieldKind.STATUS:
        return [
            ("status option", f"has no status “{_short(option.name or option.id)}”; add it in Notion first.")
            for option in value.options
            if not _is_known(option, field)
        ]
    if field.kind in {FieldKind.CHOICE, FieldKind.CHOICES}:
        return [
            ("option", f"has no option with the id {_short(option.id)} any more.")
            for option in value.options
            if not option.name and not _is_known(option, field)
        ]
    return []


def _is_known(option: RemoteOption, field: RemoteField) -> bool:
    by_id = option.id and option.id != option.name
    return any(option.id == known.id if by_id else option.name == known.name for known in field.options)


def _against_limits(value: RemoteValue) -> list[Broken]:
    if value.kind not in WRITABLE_KINDS:
        return [("read-only", "is filled in by Notion itself and cannot be written.")]
    if value.is_truncated:
        return [("complete list", "was read only in part; it has to be read whole before it is written.")]
    if value.data is None:
        return []
    if not isinstance(value.data, _TYPES[value.kind]):
        return [("type", f"cannot hold this: it is no {value.kind}.")]
    return list(_CHECKS[value.kind](value))


def _text(value: RemoteValue) -> Iterator[Broken]:
    text = value.text
    if _UNSTORABLE.search(text):
        yield "text", "holds characters that cannot be sent (NUL or half of a character)."
    if units(text) > MAX_RUN_UNITS * MAX_RUNS or len(text_runs(text)) > MAX_RUNS:
        yield "200000 characters", f"has {units(text)} characters; Notion takes 200,000."


def _number(value: RemoteValue) -> Iterator[Broken]:
    if isinstance(value.data, bool) or not isinstance(value.data, int | float):
        yield "type", "cannot hold this: it is no number."
    elif not math.isfinite(value.data):
        yield "finite number", "has to be a finite number."


def _options(value: RemoteValue) -> Iterator[Broken]:
    if not all(isinstance(item, RemoteOption) for item in value.references or value.options):
        yield "type", "cannot hold this: it is no list of options."
    if value.kind is not FieldKind.CHOICES and len(value.options) > 1:
        yield "1 option", f"takes one option, and this is {len(value.options)}."
    yield from _count(len(value.options), "options")
    for option in value.options:
        if option.id and option.id != option.name:
            continue
        # What has no id yet is made by this write, and Notion has rules for names.
        if not option.name.strip():
            yield "option name", "needs an option with a name."
        elif units(option.name) > MAX_OPTION:
            yield (
                f"{MAX_OPTION} characters",
                f"takes options of 100 characters; this is {units(option.name)}.",
            )
        elif "," in option.name:
            yield "option name", f"takes no commas in options: “{_short(option.name)}”."


def _span(value: RemoteValue) -> Iterator[Broken]:
    span = value.data
    assert isinstance(span, DateSpan)
    ends = [span.start] if span.end is None else [span.start, span.end]
    if any(isinstance(end, datetime) and end.tzinfo is None for end in ends):
        yield "time zone", "has a time without a time zone."
    elif len({isinstance(end, datetime) for end in ends}) > 1:
        yield "date range", "begins with a day and ends with a time, or the other way round."
    elif span.end is not None and _is_before(span.end, span.start):
        yield "date range", "ends before it begins."


def _is_before(one: date | datetime, other: date | datetime) -> bool:
    return one < other


def _people(value: RemoteValue) -> Iterator[Broken]:
    if len(value.people) != len(_items(value)) or not all(person.id for person in value.people):
        yield "type", "cannot hold this: it is no list of people."
    yield from _count(len(value.people), "people")


def _relation(value: RemoteValue) -> Iterator[Broken]:
    if len(value.references) != len(_items(value)) or not all(value.references):
        yield "type", "cannot hold this: it is no list of pages."
    yield from _count(len(value.references), "relations")


def _files(value: RemoteValue) -> Iterator[Broken]:
    if len(value.files) != len(_items(value)):
        yield "type", "cannot hold this: it is no list of files."
    yield from _count(len(value.files), "files")
    for file in value.files:
        if not file.name or units(file.name) > MAX_FILE_NAME:
            yield f"{MAX_FILE_NAME} characters", "needs files with names of 1 to 100 characters."
        if file.is_hosted:
            yield (
                "hosted file",
                f"holds “{_short(file.name)}”, which Notion keeps; it cannot be written from here.",
            )
        elif not file.url or units(file.url) > MAX_URL:
            yield f"{MAX_URL} characters", "needs files with an address of 1 to 2,000 characters."


def _address(most: int) -> Callable[[RemoteValue], Iterator[Broken]]:
    def check(value: RemoteValue) -> Iterator[Broken]:
        if _UNSTORABLE.search(value.text):
            yield "text", "holds characters that cannot be sent (NUL or half of a character)."
        if units(value.text) > most:
            yield f"{most} characters", f"has {units(value.text)} characters; Notion takes {most:,}."
        if value.kind is FieldKind.EMAIL and value.text and not _EMAIL.fullmatch(value.text):
            yield "e-mail address", f"takes an e-mail address, and “{_short(value.text)}” is none."

    return check


def _place(value: RemoteValue) -> Iterator[Broken]:
    place = value.data
    assert isinstance(place, RemotePlace)
    if not (math.isfinite(place.latitude) and abs(place.latitude) <= 90):
        yield "latitude", "needs a latitude from -90 to 90 degrees."
    if not (math.isfinite(place.longitude) and abs(place.longitude) <= 180):
        yield "longitude", "needs a longitude from -180 to 180 degrees."


def _nothing(value: RemoteValue) -> Iterator[Broken]:
    yield from ()


def _count(count: int, what: str) -> Iterator[Broken]:
    if count > MAX_ITEMS:
        yield f"{MAX_ITEMS} {what}", f"takes at most {MAX_ITEMS} {what} at once, and this is {count}."


def _items(value: RemoteValue) -> Sequence[Any]:
    return value.data if isinstance(value.data, tuple) else ()


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


_TYPES: Final[Mapping[FieldKind, type | tuple[type, ...]]] = {
    **dict.fromkeys(
        (FieldKind.TITLE, FieldKind.TEXT, FieldKind.URL, FieldKind.EMAIL, FieldKind.PHONE),
        str,
    ),
    **dict.fromkeys(
        (
            FieldKind.CHOICE,
            FieldKind.STATUS,
            FieldKind.CHOICES,
            FieldKind.PEOPLE,
            FieldKind.RELATION,
            FieldKind.FILES,
        ),
        tuple,
    ),
    FieldKind.NUMBER: (int, float),
    FieldKind.CHECKBOX: bool,
    FieldKind.DATE: DateSpan,
    FieldKind.PLACE: RemotePlace,
}

_CHECKS: Final[Mapping[FieldKind, Callable[[RemoteValue], Iterator[Broken]]]] = {
    FieldKind.TITLE: _text,
    FieldKind.TEXT: _text,
    FieldKind.NUMBER: _number,
    FieldKind.CHOICE: _options,
    FieldKind.STATUS: _options,
    FieldKind.CHOICES: _options,
    FieldKind.DATE: _span,
    FieldKind.PEOPLE: _people,
    FieldKind.FILES: _files,
    FieldKind.CHECKBOX: _nothing,
    FieldKind.URL: _address(MAX_URL),
    FieldKind.EMAIL: _address(MAX_ADDRESS),
    FieldKind.PHONE: _address(MAX_ADDRESS),
    FieldKind.RELATION: _relation,
    FieldKind.PLACE: _place,
}
