"""Departments and projects found by the names a source gives them, made where the name is new."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db.models.functions import Lower

from tasks.importing.keys import derive_key
from tasks.models import NumberSeries, Project
from tenants.accounts.models import Department
from tenants.foundation.errors import Conflict
from tenants.tenancy import wait_for_turn

_COLORS: Final = 6
_MAX_DEPARTMENT_CHARS: Final = 120
_TRIES: Final = 5


def departments_named(names: Iterable[str]) -> dict[str, Department]:
    """Departments by lower-case name, new ones made; four statements unless others make some just now.

    Raises: Conflict when others keep taking the keys.
    """
    wanted = {name[:_MAX_DEPARTMENT_CHARS].lower(): name[:_MAX_DEPARTMENT_CHARS] for name in names}
    found = _departments(wanted)
    if len(found) < len(wanted):
        wait_for_turn("tasks.departments")  # two syncs that count the colours at once would give one twice
        found = _departments(wanted)
    for _ in range(_TRIES):
        missing = [name for lower, name in sorted(wanted.items()) if lower not in found]
        if not missing:
            return found
        taken = {key.upper() for key in Department.objects.values_list("key", flat=True)}
        fresh: list[Department] = []
        for name in missing:
            key = derive_key(name, taken)
            fresh.append(Department(name=name, key=key, color=len(taken) % _COLORS + 1))
            taken.add(key)
        # Another transaction may be making the same ones: whoever comes second takes the first one's. It may
        # also take the key of another name: then the next turn derives a new one.
        Department.objects.bulk_create(fresh, ignore_conflicts=True)
        found = _departments(wanted)
    return _complete(found, wanted)


def _departments(wanted: Iterable[str]) -> dict[str, Department]:
    if not wanted:
        return {}
    rows = Department.objects.alias(lower=Lower("name")).filter(lower__in=list(wanted))
    return {row.name.lower(): row for row in rows}


def projects_named(names: Iterable[str]) -> dict[str, Project]:
    """Projects by lower-case name, new ones made; five statements unless others make some just now.

    Raises: Conflict when others keep taking the keys.
    """
    wanted = {name.lower(): name for name in names}
    found = _projects(wanted)
    for _ in range(_TRIES):
        missing = [name for lower, name in sorted(wanted.items()) if lower not in found]
        if not missing:
            return found
        taken = taken_keys()
        fresh: list[Project] = []
        for name in missing:
            key = derive_key(name, taken)
            fresh.append(Project(name=name, key=key))
            taken.add(key)
        Project.objects.bulk_create(fresh, ignore_conflicts=True)
        found = _projects(wanted)
    return _complete(found, wanted)


def _complete[T](found: dict[str, T], wanted: Iterable[str]) -> dict[str, T]:
    if missing := sorted(set(wanted) - set(found)):
        raise Conflict(f"No free key was found for “{missing[0]}”.", code="tasks.no_free_key")
    return found


def _projects(wanted: Iterable[str]) -> dict[str, Project]:
    if not wanted:
        return {}
    rows = Project.objects.alias(lower=Lower("name")).filter(lower__in=list(wanted))
    return {row.name.lower(): row for row in rows}


def taken_keys() -> set[str]:
    """Every prefix in use or used before: none is given twice, so a key means one task for ever."""
    return {
        *Project.objects.values_list("key", flat=True),
        *NumberSeries.objects.values_list("prefix", flat=True),
    }
