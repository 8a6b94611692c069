"""Departments and projects found by the names a source gives them, made where the name is new."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db.models.functions import Lower

from tasks.importing.keys import derive_key
from tasks.models import NumberSeries, Project
from tenants.accounts.models import Department

_COLORS: Final = 6
_MAX_DEPARTMENT_CHARS: Final = 120


def departments_named(names: Iterable[str]) -> dict[str, Department]:
    """Departments by lower-case name, new ones made; at most four statements."""
    wanted = {name[:_MAX_DEPARTMENT_CHARS].lower(): name[:_MAX_DEPARTMENT_CHARS] for name in names}
    found = _departments(wanted)
    missing = [name for lower, name in sorted(wanted.items()) if lower not in found]
    if missing:
        taken = {key.upper() for key in Department.objects.values_list("key", flat=True)}
        fresh: list[Department] = []
        for name in missing:
            key = derive_key(name, taken)
            fresh.append(Department(name=name, key=key, color=len(taken) % _COLORS + 1))
            taken.add(key)
        # Another transaction may be making the same ones: whoever comes second takes the first one's.
        Department.objects.bulk_create(fresh, ignore_conflicts=True)
        found = _departments(wanted)
    return found


def _departments(wanted: Iterable[str]) -> dict[str, Department]:
    if not wanted:
        return {}
    rows = Department.objects.alias(lower=Lower("name")).filter(lower__in=list(wanted))
    return {row.name.lower(): row for row in rows}


def projects_named(names: Iterable[str]) -> dict[str, Project]:
    """Projects by lower-case name, new ones made; at most five statements."""
    wanted = {name.lower(): name for name in names}
    found = _projects(wanted)
    missing = [name for lower, name in sorted(wanted.items()) if lower not in found]
    if missing:
        taken = taken_keys()
        fresh: list[Project] = []
        for name in missing:
            key = derive_key(name, taken)
            fresh.append(Project(name=name, key=key))
            taken.add(key)
        Project.objects.bulk_create(fresh, ignore_conflicts=True)
        found = _projects(wanted)
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
