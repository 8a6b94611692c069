"""Our values as far as a mapping can express them: what a column has no room for is no difference; pure."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from integrations.capabilities import FieldKind
from integrations.sync.canonical import Canonical, Values, compared_fields
from integrations.sync.counterparts import Counterparts
from integrations.sync.merge import Direction
from integrations.sync.options import CHECKED, UNCHECKED
from integrations.sync.translate import CollectionMapping, MappedField
from integrations.sync.vocabulary import OurField

#: Which status stands for one that has no option there; read back, it is no change here.
_NEXT_BEST: Final[Mapping[str, tuple[str, ...]]] = {
    "planned": (),
    "in_progress": ("planned",),
    "blocked": ("in_progress", "planned"),
    "in_review": ("in_progress", "planned"),
    "done": (),
    "cancelled": ("done",),
}
#: The name of a conflict about the record as a whole: it is in the trash there, its task was edited here.
RECORD: Final = "record"
_ONE_WAY_IN: Final = Direction.IN.value


def carried_values(
    local: Values, mapping: CollectionMapping, counterparts: Counterparts, *, base: Values | None = None
) -> Values:
    """The fields this mapping keeps in step, as a record there can hold them; to be compared with `base`.

    Somebody without an account there, a task without a record, a status without an option: none of them can be
    written, so none of them counts as an edit that waits to be sent. Where nothing comes close, it is the base.
    """
    agreed = base or {}
    carried: Values = {}
    for our_field in compared_fields(mapping):
        name, column = our_field.value, mapping.column_of(our_field)
        rule = _RULES.get(our_field)
        if name in local:
            value = local[name]
            if rule is not None and column is not None:
                value = rule(value, column, counterparts, agreed.get(name))
            carried[name] = value
    if mapping.is_span and OurField.START.value in carried:
        carried[OurField.START.value] = _start_of_span(carried)
    return carried


def dirty_fields(
    carried: Values, base: Values | None, mapping: CollectionMapping, *, open_fields: Collection[str] = ()
) -> list[OurField]:
    """The fields that are to be sent: different from what was agreed on, not from there only, not held.

    A field the base does not know has never been compared: it is sent once a reading has shown what is there.
    `open_fields` are those somebody has to decide about; what hangs on one of them is held with it.
    """
    agreed = base or {}
    held = held_fields(open_fields, mapping)
    return [
        item
        for item in compared_fields(mapping)
        if item.value in carried
        and item.value in agreed
        and carried[item.value] != agreed[item.value]
        and item.value not in held
        and (column := mapping.column_of(item)) is not None
        and column.direction != _ONE_WAY_IN
    ]


def held_fields(open_fields: Collection[str], mapping: CollectionMapping) -> set[str]:
    """These fields and what hangs on them: the completion on the status, both ends of a span on each other.

    While the record as a whole is disputed, everything is held.
    """
    held = set(open_fields)
    if RECORD in held:
        return held | {item.value for item in OurField}
    if OurField.STATUS.value in held:
        held.add(OurField.COMPLETED.value)
    span = {OurField.DUE.value, OurField.START.value}
    return held | span if mapping.is_span and held & span else held


def _status(value: Canonical, column: MappedField, _: Counterparts, base: Canonical) -> Canonical:
    wanted = str(value)
    known = known_statuses(column)
    for candidate in (wanted, *_NEXT_BEST.get(wanted, ())):
        if candidate in known:
            return candidate
    return base if base is not None else value


def known_statuses(column: MappedField) -> set[str]:
    """The statuses a column can show; an empty one reads as planned."""
    if column.kind is FieldKind.CHECKBOX:
        return {column.options.get(key, "planned") for key in (CHECKED, UNCHECKED)}
    return {*column.options.values(), "planned"}


def _priority(value: Canonical, column: MappedField, _: Counterparts, base: Canonical) -> Canonical:
    wanted = value if isinstance(value, int) else 0
    known = sorted(number for item in column.options.values() if (number := int(item)) > 0)
    if wanted == 0:
        return 0
    if not known:
        return base if base is not None else 0
    return min(known, key=lambda number: (abs(number - wanted), number))


def _assignees(value: Canonical, _: MappedField, counterparts: Counterparts, __: Canonical) -> Canonical:
    return [item for item in strings(value) if item in counterparts.people]


def _tags(value: Canonical, column: MappedField, _: Counterparts, base: Canonical) -> Canonical:
    tags = strings(value)
    if column.kind is not FieldKind.CHOICE:
        return tags
    # There is room for one: the one that is there, as long as it is among them.
    agreed = [item for item in strings(base) if item in tags]
    return (agreed or tags)[:1]


def _project(value: Canonical, column: MappedField, counterparts: Counterparts, base: Canonical) -> Canonical:
    if column.kind is not FieldKind.RELATION or value is None:
        return value
    return value if value in counterparts.projects else base


def _parent(value: Canonical, _: MappedField, counterparts: Counterparts, __: Canonical) -> Canonical:
    return value if value in counterparts.tasks_of(OurField.PARENT) else None


def _blocked_by(value: Canonical, _: MappedField, counterparts: Counterparts, __: Canonical) -> Canonical:
    known = counterparts.tasks_of(OurField.BLOCKED_BY)
    return [item for item in strings(value) if item in known]


def _start_of_span(carried: Values) -> Canonical:
    """A span has a start only before its end, and none without an end."""
    start, due = carried[OurField.START.value], carried.get(OurField.DUE.value)
    on = due["on"] if isinstance(due, dict) else None
    return start if isinstance(start, str) and on is not None and start < on else None


def strings(value: Canonical) -> list[str]:
    """The items of a set; none for anything else."""
    return value if isinstance(value, list) else []


type _Rule = Callable[[Canonical, MappedField, Counterparts, Canonical], Canonical]

_RULES: Final[Mapping[OurField, _Rule]] = {
    OurField.STATUS: _status,
    OurField.PRIORITY: _priority,
    OurField.ASSIGNEES: _assignees,
    OurField.TAGS: _tags,
    OurField.PROJECT: _project,
    OurField.PARENT: _parent,
    OurField.BLOCKED_BY: _blocked_by,
}
