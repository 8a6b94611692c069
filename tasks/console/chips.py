"""The filters that are set, as chips: what they say and where a click on their cross leads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.filters import ME, NATURAL_ORDER, NOBODY, Archived, Due, Order, Sort, TaskFilters
from tasks.models import Person, Project, Task
from tenants.accounts.models import Department

# Facet (the parameter's name) → (its word, the fields of the filters it sets).
FACETS: Final[dict[str, tuple[Any, tuple[str, ...]]]] = {
    "status": (gettext_lazy("Status"), ("statuses",)),
    "priority": (gettext_lazy("Priority"), ("priorities",)),
    "assignee": (gettext_lazy("Owner"), ("assignees",)),
    "department": (gettext_lazy("Department"), ("departments",)),
    "project": (gettext_lazy("Project"), ("projects",)),
    "due": (gettext_lazy("Due"), ("due", "due_before", "due_after")),
    "completed": (gettext_lazy("Completed"), ("completed_before", "completed_after")),
    "tag": (gettext_lazy("Tag"), ("tags",)),
    "source": (gettext_lazy("Workspace"), ("sources",)),
    "archived": (gettext_lazy("Archive"), ("archived",)),
}
DUE_WORDS: Final[dict[Due, Any]] = {
    Due.OVERDUE: gettext_lazy("overdue"),
    Due.TODAY: gettext_lazy("today"),
    Due.THIS_WEEK: gettext_lazy("this week"),
    Due.NONE: gettext_lazy("no date"),
}
ARCHIVED_WORDS: Final[dict[Archived, Any]] = {
    Archived.NO: gettext_lazy("not archived"),
    Archived.ONLY: gettext_lazy("archived only"),
    Archived.ALL: gettext_lazy("with archived"),
}
SORT_WORDS: Final[dict[Sort, tuple[Any, Any]]] = {
    # (ascending, descending)
    Sort.UPDATED: (gettext_lazy("Least recently updated"), gettext_lazy("Last updated")),
    Sort.DUE: (gettext_lazy("Due soonest"), gettext_lazy("Due latest")),
    Sort.PRIORITY: (gettext_lazy("Lowest priority"), gettext_lazy("Highest priority")),
    Sort.CREATED: (gettext_lazy("Oldest"), gettext_lazy("Newest")),
    Sort.TITLE: (gettext_lazy("Title A–Z"), gettext_lazy("Title Z–A")),
    Sort.COMPLETED: (gettext_lazy("Completed first"), gettext_lazy("Completed last")),
}


@dataclass(frozen=True, kw_only=True)
class Chip:
    """One filter that is set: its facet, what it says and the address without it."""

    facet: str
    label: str
    value: str
    clear_url: str


@dataclass(frozen=True, kw_only=True)
class SortLink:
    """One order to choose, and the address in it."""

    label: str
    url: str
    is_current: bool


def chips_for(filters: TaskFilters, base_url: str) -> list[Chip]:
    """A chip for each facet that is set; at most one query for each kind of thing that has a name."""
    return [
        Chip(
            facet=facet,
            label=str(word),
            value=text,
            clear_url=address(base_url, clear(filters, fields)),
        )
        for facet, (word, fields) in FACETS.items()
        if (text := _text(facet, filters))
    ]


def clear(filters: TaskFilters, fields: Iterable[str]) -> TaskFilters:
    """The same filters with these fields at their defaults."""
    for name in fields:
        filters = filters.without(name)
    return filters


def address(base_url: str, filters: TaskFilters, **extra: str) -> str:
    """A page's address with these filters."""
    query = filters.query_string(**extra)
    return f"{base_url}?{query}" if query else base_url


def sort_links(filters: TaskFilters, base_url: str) -> list[SortLink]:
    """Every order there is, each sort's usual direction first."""
    orders: list[Order] = [
        order for sort in Sort for order in (NATURAL_ORDER[sort], NATURAL_ORDER[sort].reversed())
    ]
    return [
        SortLink(
            label=sort_word(order),
            url=address(base_url, filters.but(order=order)),
            is_current=order == filters.order,
        )
        for order in orders
    ]


def sort_word(order: Order) -> str:
    """An order in words."""
    return str(SORT_WORDS[order.by][order.is_descending])


def _text(facet: str, filters: TaskFilters) -> str:
    match facet:
        case "status":
            return _named(filters.statuses, lambda: str(Task.Status(filters.statuses[0]).label))
        case "priority":
            return _named(filters.priorities, lambda: str(Task.Priority(filters.priorities[0]).label))
        case "assignee":
            return _named(filters.assignees, lambda: _person(filters.assignees[0]))
        case "department":
            return _named(filters.departments, lambda: _row(Department, filters.departments[0]))
        case "project":
            return _named(filters.projects, lambda: _row(Project, filters.projects[0]))
        case "tag":
            return _named(filters.tags, lambda: filters.tags[0])
        case "source":
            return _named(filters.sources, lambda: filters.sources[0])
        case "due":
            word = str(DUE_WORDS[filters.due]) if filters.due else ""
            return _dates(word, filters.due_after, filters.due_before)
        case "completed":
            return _dates("", filters.completed_after, filters.completed_before)
        case _:
            return "" if filters.archived is Archived.NO else str(ARCHIVED_WORDS[filters.archived])


def _named(values: tuple[Any, ...], name: Any) -> str:
    if not values:
        return ""
    return str(name()) if len(values) == 1 else _("any of %(count)s") % {"count": len(values)}


def _person(owner: Any) -> str:
    if owner == ME:
        return _("me")
    if owner == NOBODY:
        return _("nobody")
    return Person.objects.filter(pk=owner).values_list("name", flat=True).first() or _("unknown")


def _row(model: type[Department] | type[Project], reference: Any) -> str:
    if not isinstance(reference, UUID):
        return _("none")
    name: str | None = model._default_manager.filter(pk=reference).values_list("name", flat=True).first()
    return name or _("unknown")


def _dates(word: str, after: date | None, before: date | None) -> str:
    parts = [word] if word else []
    if after:
        parts.append(_("after %(day)s") % {"day": short_date(after)})
    if before:
        parts.append(_("before %(day)s") % {"day": short_date(before)})
    return ", ".join(parts)


def short_date(day: date, today: date | None = None) -> str:
    """A day as "2 Dec", with its year when that is not this one."""
    this_year = (today or timezone.localdate()).year
    return date_format(day, "j M" if day.year == this_year else "j M Y")
