"""Tasks, projects and people for tests, made through the tables: services are what is tested."""

from collections.abc import Iterable
from itertools import count
from typing import Any

from django.utils import timezone

from tasks.models import Person, Project, Task, TaskAssignee, TaskDependency
from tenants.accounts.models import Department

_numbers = count(1)


def make_department(**values: Any) -> Department:
    """Make a department with a name of its own."""
    number = next(_numbers)
    return Department.objects.create(
        **{"name": f"Department {number}", "key": f"D{number}", "color": 2} | values
    )


def make_project(**values: Any) -> Project:
    """Make an active project."""
    number = next(_numbers)
    return Project.objects.create(**{"name": f"Project {number}", "key": f"PR{number}"} | values)


def make_person(**values: Any) -> Person:
    """Make somebody known from a workspace."""
    number = next(_numbers)
    return Person.objects.create(
        **{"name": f"Person {number}", "email": f"person{number}@north.example"} | values
    )


def make_task(*, assignees: Iterable[Person] = (), depends_on: Iterable[Task] = (), **values: Any) -> Task:
    """Make a planned task with these people on it, waiting for those tasks."""
    number = next(_numbers)
    given = {"key_prefix": "T", "number": number, "title": f"Inspect turbine {number}"} | values
    if given.get("status") == Task.Status.DONE:
        given.setdefault("completed_at", timezone.now())
    task = Task.objects.create(**given)
    TaskAssignee.objects.bulk_create(TaskAssignee(task=task, person=person) for person in assignees)
    TaskDependency.objects.bulk_create(TaskDependency(task=task, depends_on=other) for other in depends_on)
    return task
