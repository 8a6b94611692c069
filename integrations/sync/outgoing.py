"""Our values turned into those of a record: the inverse of translating; pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final

from integrations.capabilities import (
    DateSpan,
    FieldKind,
    RemoteField,
    RemoteOption,
    RemotePerson,
    RemoteValue,
    ValueData,
)
from integrations.sync.canonical import Canonical, Values, compared_fields
from integrations.sync.carrying import carried_values, strings
from integrations.sync.counterparts import Counterparts
from integrations.sync.options import CHECKED, UNCHECKED
from integrations.sync.translate import CollectionMapping, MappedField
from integrations.sync.vocabulary import OurField

_OFFSETS: Final = (0, *range(1, 15), *range(-1, -13, -1))


@dataclass(frozen=True, slots=True)
class NotCarried:
    """Something about a value that cannot be written there, with a sentence for a person; the rest is sent."""

    our_field: OurField
    detail: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What to write to one record: values by remote field id, the same as we compare them, and what is left out.

    `sent` is what the record holds once it is written: the new base of these fields.
    """

    values: Mapping[str, RemoteValue]
    sent: Values
    not_carried: tuple[NotCarried, ...] = ()


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What a writer may look at beside the value."""

    carried: Values
    mapping: CollectionMapping
    counterparts: Counterparts
    kept: Sequence[str] = ()
    options: Mapping[str, str] = field(default_factory=dict)


def outgoing_values(
    fields: Collection[OurField],
    local: Values,
    mapping: CollectionMapping,
    counterparts: Counterparts,
    *,
    base: Values | None = None,
    kept: Mapping[str, Sequence[str]] | None = None,
    schema: Sequence[RemoteField] = (),
) -> Outgoing:
    """Turn these fields of a task into values of its record.

    `local` are all values of the task, `kept` is what the record holds beside them (`ExternalLink.kept`), `schema` the
    columns: a tag that is an option already goes with its id, another by its name. Both ends of a span go together.
    """
    carried = carried_values(local, mapping, counterparts, base=base)
    options = {
        item.id: {option.name: option.id for option in item.options}
        for item in schema
        if item.kind in {FieldKind.CHOICE, FieldKind.CHOICES, FieldKind.STATUS}
    }
    wanted = {
        item
        for item in compared_fields(mapping)
        if item in fields and item.value in carried and mapping.column_of(item) is not None
    }
    if mapping.is_span and wanted & {OurField.START, OurField.DUE}:
        wanted |= {item for item in (OurField.START, OurField.DUE) if item.value in carried}
    values: dict[str, RemoteValue] = {}
    problems: list[NotCarried] = []
    for our_field in sorted(wanted, key=list(OurField).index):
        column = mapping.column_of(our_field)
        if column is None:
            continue
        problems += _not_carried(
            our_field, local.get(our_field.value), carried[our_field.value], counterparts
        )
        if our_field is OurField.START and mapping.is_span:
            continue
        about = _Surroundings(
            carried,
            mapping,
            counterparts,
            (kept or {}).get(our_field.value, ()),
            options.get(column.remote_id, {}),
        )
        data = _WRITERS[our_field](carried[our_field.value], column, about)
        values[column.remote_id] = RemoteValue(column.remote_id, column.kind, data)
    return Outgoing(values, {item.value: carried[item.value] for item in wanted}, tuple(problems))


def _not_carried(
    our_field: OurField, local: Canonical, carried: Canonical, counterparts: Counterparts
) -> list[NotCarried]:
    if local == carried:
        return []
    match our_field:
        case OurField.ASSIGNEES:
            names = [
                counterparts.names.get(item, "Somebody")
                for item in strings(local)
                if item not in strings(carried)
            ]
            return [NotCarried(our_field, f"{name} has no account in this workspace.") for name in names]
        case OurField.PROJECT:
            return [NotCarried(our_field, f"The project “{local}” has no record in this workspace.")]
        case OurField.STATUS:
            return [NotCarried(our_field, f"No option there means “{local}”.")]
        case OurField.PRIORITY:
            return [NotCarried(our_field, "No option there means exactly this priority.")]
        case OurField.TAGS:
            return [NotCarried(our_field, "The column holds one tag only.")]
        case OurField.PARENT | OurField.BLOCKED_BY:
            return [NotCarried(our_field, "A task it hangs on has no record in this workspace.")]
        case _:
            return []


def _text(value: Canonical, _: MappedField, __: _Surroundings) -> ValueData:
    return value if isinstance(value, str) else ""


def _status(value: Canonical, column: MappedField, _: _Surroundings) -> ValueData:
    if column.kind is FieldKind.CHECKBOX:
        # An empty box first: a status both stand for must not tick it.
        return next(
            (key == CHECKED for key in (UNCHECKED, CHECKED) if column.options.get(key, "planned") == value),
            False,
        )
    return _option_meaning(str(value), column)


def _priority(value: Canonical, column: MappedField, _: _Surroundings) -> ValueData:
    if column.kind is not FieldKind.NUMBER:
        return () if value == 0 else _option_meaning(str(value), column)
    found = next((key for key, meaning in column.options.items() if meaning == str(value)), None)
    return None if value == 0 or found is None else float(found)


def _option_meaning(value: str, column: MappedField) -> tuple[RemoteOption, ...]:
    """The option that stands for a value of ours: one whose meaning is sure, else the first; none if none does."""
    meaning_it = [key for key, meaning in column.options.items() if meaning == value]
    meaning_it.sort(key=lambda key: key in column.doubtful)
    return tuple(RemoteOption(id=key, name=column.option_names.get(key, "")) for key in meaning_it[:1])


def _assignees(value: Canonical, _: MappedField, about: _Surroundings) -> ValueData:
    ids = [about.counterparts.people[item] for item in strings(value)]
    return tuple(RemotePerson(id=item) for item in dict.fromkeys([*ids, *about.kept]))


def _tags(value: Canonical, _: MappedField, about: _Surroundings) -> ValueData:
    return tuple(RemoteOption(id=about.options.get(name, ""), name=name) for name in strings(value))


def _department(value: Canonical, _: MappedField, about: _Surroundings) -> ValueData:
    names = dict.fromkeys([*([value] if isinstance(value, str) else []), *about.kept])
    return tuple(RemoteOption(id=about.options.get(name, ""), name=name) for name in names)


def _project(value: Canonical, column: MappedField, about: _Surroundings) -> ValueData:
    name = value if isinstance(value, str) else ""
    match column.kind:
        case FieldKind.RELATION:
            ours = [about.counterparts.projects[name]] if name in about.counterparts.projects else []
            return tuple(dict.fromkeys([*ours, *about.kept]))
        case FieldKind.TEXT:
            return name
        case _:
            return (RemoteOption(id=about.options.get(name, ""), name=name),) if name else ()


def _parent(value: Canonical, _: MappedField, about: _Surroundings) -> ValueData:
    known = about.counterparts.tasks_of(OurField.PARENT)
    return tuple(
        dict.fromkeys([*([known[value]] if isinstance(value, str) and value in known else []), *about.kept])
    )


def _blocked_by(value: Canonical, _: MappedField, about: _Surroundings) -> ValueData:
    known = about.counterparts.tasks_of(OurField.BLOCKED_BY)
    return tuple(dict.fromkeys([*(known[item] for item in strings(value)), *about.kept]))


def _estimate(value: Canonical, _: MappedField, __: _Surroundings) -> ValueData:
    return float(value) if isinstance(value, str) else None


def _start(value: Canonical, _: MappedField, __: _Surroundings) -> ValueData:
    return DateSpan(date.fromisoformat(value)) if isinstance(value, str) else None


def _completed(value: Canonical, _: MappedField, __: _Surroundings) -> ValueData:
    return DateSpan(datetime.fromisoformat(value)) if isinstance(value, str) else None


def _due(value: Canonical, _: MappedField, about: _Surroundings) -> ValueData:
    if not isinstance(value, dict) or value["on"] is None:
        return None
    on, at = date.fromisoformat(value["on"]), value["at"]
    last = _in_zone_of(datetime.fromisoformat(at), on) if at is not None else on
    first = _first(on, last, about)
    return DateSpan(last) if first is None or not _is_before(first, last) else DateSpan(first, last)


def _first(on: date, last: date | datetime, about: _Surroundings) -> date | datetime | None:
    """Where the span begins: on our day, at the time it had there; in a column of its own as it was."""
    held = about.kept[0] if about.kept else None
    there: date | datetime | None = None
    if held is not None:
        there = datetime.fromisoformat(held) if "T" in held else date.fromisoformat(held)
    if about.mapping.is_span:
        start = about.carried.get(OurField.START.value)
        day = date.fromisoformat(start) if isinstance(start, str) else on
        is_as_it_was = there is not None and _day(there) == day
        there = there if is_as_it_was else (day if isinstance(start, str) else None)
    if there is None:
        return None
    if isinstance(last, datetime) and not (isinstance(there, datetime) and there < last):
        return datetime.combine(_day(there), time(), tzinfo=last.tzinfo)
    return _day(there) if not isinstance(last, datetime) else there


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _is_before(first: date | datetime, last: date | datetime) -> bool:
    if isinstance(first, datetime) and isinstance(last, datetime):
        return first < last
    return _day(first) < _day(last)


def _in_zone_of(moment: datetime, on: date) -> datetime:
    """The moment in a zone where it falls on that day: the day people see is the one they entered."""
    for hours in _OFFSETS:
        zone: tzinfo = timezone(timedelta(hours=hours)) if hours else UTC
        if (shown := moment.astimezone(zone)).date() == on:
            return shown
    return moment


type _Writer = Callable[[Canonical, MappedField, _Surroundings], ValueData]

_WRITERS: Final[Mapping[OurField, _Writer]] = {
    OurField.TITLE: _text,
    OurField.STATUS: _status,
    OurField.PRIORITY: _priority,
    OurField.DESCRIPTION: _text,
    OurField.ASSIGNEES: _assignees,
    OurField.DUE: _due,
    OurField.START: _start,
    OurField.COMPLETED: _completed,
    OurField.ESTIMATE: _estimate,
    OurField.TAGS: _tags,
    OurField.DEPARTMENT: _department,
    OurField.PROJECT: _project,
    OurField.PARENT: _parent,
    OurField.BLOCKED_BY: _blocked_by,
}
