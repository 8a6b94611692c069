"""What a filter's popover offers: the values there are, with how many tasks each, given the other filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, F, Func, Q, TextField

from tasks.filters import ME, NOBODY, NONE, TaskFilters, priority_name
from tasks.models import Person, Project, Task, TaskQuerySet
from tasks.narrowing import Viewpoint
from tasks.selectors import filtered_tasks, viewpoint_of
from tenants.accounts.access import Actor, can
from tenants.accounts.models import Department
from tenants.foundation.errors import NotFound

LIMIT: Final = 50


@dataclass(frozen=True, kw_only=True)
class FacetOption:
    """One value to filter by; `count` is None where counting would say nothing."""

    value: str
    label: str
    count: int | None = None
    color: int | None = None
    is_selected: bool = False


def facet_options(
    *, actor: Actor, filters: TaskFilters, facet: str, words: str = "", viewpoint: Viewpoint | None = None
) -> list[FacetOption]:
    """The options of one filter, most telling first; two queries. Raises: NotFound (no such filter)."""
    offer = _OFFERS.get(facet)
    if offer is None:
        raise NotFound("There is no such filter.")
    field_name, make = offer
    selected = dict(_selected(filters, facet))
    tasks = filtered_tasks(
        actor=actor, filters=filters.without(field_name), viewpoint=viewpoint or viewpoint_of(actor)
    )
    options = make(tasks, frozenset(selected), words.strip())
    if can(actor, "tasks.view"):
        return options
    # Whoever sees a part of the company learns no name that none of their tasks has.
    return [each for each in options if each.count != 0]


def _selected(filters: TaskFilters, facet: str) -> list[tuple[str, str]]:
    return [(value, name) for name, value in filters.pairs() if name == facet]


def _counted(tasks: TaskQuerySet, column: str) -> dict[Any, int]:
    return dict(tasks.order_by().values_list(column).annotate(number=Count("pk")))


def _statuses(tasks: TaskQuerySet, selected: frozenset[str], words: str) -> list[FacetOption]:
    counts = _counted(tasks, "status")
    return [
        FacetOption(
            value=status, label=str(status.label), count=counts.get(status, 0), is_selected=status in selected
        )
        for status in Task.Status
    ]


def _priorities(tasks: TaskQuerySet, selected: frozenset[str], words: str) -> list[FacetOption]:
    counts = _counted(tasks, "priority")
    return [
        FacetOption(
            value=(name := priority_name(priority)),
            label=str(priority.label),
            count=counts.get(priority, 0),
            is_selected=name in selected,
        )
        for priority in reversed(Task.Priority)
    ]


def _departments(tasks: TaskQuerySet, selected: frozenset[str], words: str) -> list[FacetOption]:
    counts = _counted(tasks, "department_id")
    rows = Department.objects.filter(name__icontains=words) if words else Department.objects.all()
    options = [
        FacetOption(
            value=str(row.pk),
            label=row.name,
            count=counts.get(row.pk, 0),
            color=row.color,
            is_selected=str(row.pk) in selected,
        )
        for row in rows.order_by("name")[:LIMIT]
    ]
    return [*options, _empty("No department", counts.get(None, 0), selected)]


def _projects(tasks: TaskQuerySet, selected: frozenset[str], words: str) -> list[FacetOption]:
    counts = _counted(tasks, "project_id")
    rows = Project.objects.filter(archived_at__isnull=True)
    if words:
        rows = rows.filter(Q(name__icontains=words) | Q(key=words.upper()))
    ranked = sorted(
        rows.only("pk", "name"), key=lambda row: (str(row.pk) not in selected, -counts.get(row.pk, 0))
    )
    options = [
        FacetOption(
            value=str(row.pk),
            label=row.name,
            count=counts.get(row.pk, 0),
            is_selected=str(row.pk) in selected,
        )
        for row in ranked[:LIMIT]
    ]
    return [*options, _empty("No project", counts.get(None, 0), selected)]


def _people(tasks: TaskQuerySet, selected: frozenset[str], words: str) -> list[FacetOption]:
    counts = _counted(tasks, "assignments__person_id")
    rows = Person.objects.filter(is_active=True)
    if words:
        rows = rows.filter(Q(name__icontains=words) | Q(email__icontains=words))
    ranked = sorted(
        rows.only("pk", "name"),
        key=lambda row: (str(row.pk) not in selected, -counts.get(row.pk, 0), row.name),
    )
    options = [
        FacetOption(
            value=str(row.pk),
            label=row.name,
            count=counts.get(row.pk, 0),
            is_selected=str(row.pk) in selected,
        )
        for row in ranked[:LIMIT]
    ]
    mine = FacetOption(value=ME, label="Me", is_selected=ME in selected)
    nobody = FacetOption(
        value=NOBODY, label="Nobody", count=counts.get(None, 0), is_selected=NOBODY in selected
    )
    return [mine, nobody, *options]


def _tags(tasks: TaskQuerySet, selected: frozenset[str], words: str) -> list[FacetOption]:
    named = tasks.order_by().annotate(tag=Func(F("tags"), function="unnest", output_field=TextField()))
    rows = named.values("tag").annotate(number=Count("pk")).order_by("-number", "tag")
    counts: list[tuple[str, int]] = [
        (row["tag"], row["number"]) for row in rows[: LIMIT * 20] if words.lower() in row["tag"].lower()
    ]
    counts.sort(key=lambda pair: pair[0] not in selected)
    return [
        FacetOption(value=tag, label=tag, count=number, is_selected=tag in selected)
        for tag, number in counts[:LIMIT]
    ]


def _sources(tasks: TaskQuerySet, selected: frozenset[str], words: str) -> list[FacetOption]:
    counts = _counted(tasks, "source")
    return [
        FacetOption(value=source, label=source, count=number, is_selected=source in selected)
        for source, number in sorted(counts.items())[:LIMIT]
        if source and words.lower() in source.lower()
    ]


def _empty(label: str, count: int, selected: frozenset[str]) -> FacetOption:
    return FacetOption(value=NONE, label=label, count=count, is_selected=NONE in selected)


type _Offer = Callable[[TaskQuerySet, frozenset[str], str], list[FacetOption]]
_OFFERS: Final[dict[str, tuple[str, _Offer]]] = {
    "status": ("statuses", _statuses),
    "priority": ("priorities", _priorities),
    "department": ("departments", _departments),
    "project": ("projects", _projects),
    "assignee": ("assignees", _people),
    "tag": ("tags", _tags),
    "source": ("sources", _sources),
}
FACETS: Final[Sequence[str]] = tuple(_OFFERS)
