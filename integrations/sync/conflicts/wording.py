"""Values of conflicts in words a person reads, for every door."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import SequenceMatcher
from typing import Final, Literal
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.models import Conflict, SyncChange
from integrations.sync.canonical import Canonical
from integrations.sync.carrying import RECORD, strings
from integrations.sync.conflicts.text_merge import words_of
from integrations.sync.vocabulary import OurField
from tasks.models import Person, Task

FIELD_LABELS: Final = {
    OurField.TITLE.value: gettext_lazy("Title"),
    OurField.STATUS.value: gettext_lazy("Status"),
    OurField.PRIORITY.value: gettext_lazy("Priority"),
    OurField.DESCRIPTION.value: gettext_lazy("Description"),
    OurField.ASSIGNEES.value: gettext_lazy("Owners"),
    OurField.DUE.value: gettext_lazy("Due"),
    OurField.START.value: gettext_lazy("Start"),
    OurField.COMPLETED.value: gettext_lazy("Completed"),
    OurField.ESTIMATE.value: gettext_lazy("Estimate"),
    OurField.TAGS.value: gettext_lazy("Tags"),
    OurField.DEPARTMENT.value: gettext_lazy("Department"),
    OurField.PROJECT.value: gettext_lazy("Project"),
    OurField.PARENT.value: gettext_lazy("Parent task"),
    OurField.BLOCKED_BY.value: gettext_lazy("Blocked by"),
    RECORD: gettext_lazy("The whole record"),
}
type Piece = tuple[Literal["same", "added", "removed"], str]


def field_label(our_field: str) -> str:
    """What a field is called on a page."""
    return str(FIELD_LABELS.get(our_field, our_field.replace("_", " ").capitalize()))


@dataclass(frozen=True, slots=True)
class Wording:
    """The names of the people and tasks some conflicts speak of."""

    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, conflicts: Iterable[Conflict], *others: tuple[str, Canonical]) -> "Wording":
        """The names for these conflicts, and for other values given with their fields; two statements at most."""
        pairs = [(row.our_field, value) for row in conflicts for value in (row.base, row.local, row.remote)]
        people: set[str] = set()
        tasks: set[str] = set()
        for our_field, value in [*pairs, *others]:
            if our_field == OurField.ASSIGNEES:
                people.update(strings(value))
            elif our_field in {OurField.PARENT, OurField.BLOCKED_BY}:
                tasks.update([value] if isinstance(value, str) else strings(value))
        names: dict[str, str] = {}
        if people:
            rows = Person.objects.filter(pk__in=[UUID(item) for item in people])
            names |= {str(pk): name for pk, name in rows.values_list("pk", "name")}
        if tasks:
            found = Task.objects.filter(pk__in=[UUID(item) for item in tasks])
            names |= {str(pk): f"{key} {title}" for pk, key, title in found.values_list("pk", "key", "title")}
        return cls(names)

    def besides(self, names: Mapping[str, str]) -> "Wording":
        """The same, with names kept for what is not here any more, or not yet."""
        return Wording({**names, **self.names})

    def text(self, our_field: str, value: Canonical) -> str:
        """A value in words; empty where there is nothing."""
        match our_field:
            case OurField.STATUS:
                return str(Task.Status(value).label) if value in Task.Status.values else str(value or "")
            case OurField.PRIORITY:
                return str(Task.Priority(value).label) if value in Task.Priority.values else ""
            case OurField.DUE:
                return _due(value)
            case OurField.START:
                return _day(value)
            case OurField.ESTIMATE:
                return (
                    _("%(hours)s h") % {"hours": value.rstrip("0").rstrip(".")}
                    if isinstance(value, str)
                    else ""
                )
            case _ if our_field == RECORD:
                return self._record(value)
        items = (
            strings(value) if isinstance(value, list) else [value] if isinstance(value, str) and value else []
        )
        if our_field in {OurField.ASSIGNEES, OurField.PARENT, OurField.BLOCKED_BY}:
            return ", ".join(self.names.get(item, _("somebody or something that is gone")) for item in items)
        return ", ".join(items)

    def _record(self, value: Canonical) -> str:
        if isinstance(value, list):
            names = ", ".join(field_label(item) for item in strings(value))
            return _("Edited and not sent: %(fields)s") % {"fields": names}
        return _("In the trash") if value == "trashed" else ""


def values_of(changes: Iterable[SyncChange]) -> list[tuple[str, Canonical]]:
    """The values changes speak of, each with its field."""
    triples = [triple for change in changes for triple in pairs_of(change)]
    return [(name, value) for name, *pair in triples for value in pair]


def pairs_of(change: SyncChange) -> list[tuple[str, Canonical, Canonical]]:
    """Field, value before, value after; whatever else a row of an older release may hold is left out."""
    pairs = [
        (name, pair) for name, pair in change.fields.items() if isinstance(pair, list) and len(pair) == 2
    ]
    return [(name, pair[0], pair[1]) for name, pair in pairs]


def differences(before: str, after: str) -> list[Piece]:
    """One text beside the one before: what is the same, what was added and what was removed, in order."""
    old, new = words_of(before), words_of(after)
    pieces: list[Piece] = []
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(("same", "".join(old[start:end])))
            continue
        if start < end:
            pieces.append(("removed", "".join(old[start:end])))
        if new_start < new_end:
            pieces.append(("added", "".join(new[new_start:new_end])))
    return pieces


def _day(value: Canonical) -> str:
    return date_format(date.fromisoformat(value), "j M Y") if isinstance(value, str) else ""


def _due(value: Canonical) -> str:
    if not isinstance(value, dict):
        return ""
    at = value.get("at")
    if at is None:
        return _day(value.get("on"))
    return date_format(timezone.localtime(datetime.fromisoformat(at)), "j M Y, H:i")
