"""Tasks, projects and people for tests, made through the tables (rules are what the tests are about)."""

from typing import Any

import factory
from django.utils import timezone

from tasks.models import Person, Project, Task, TaskDependency
from tenants.accounts.models import Department


class DepartmentFactory(factory.django.DjangoModelFactory[Department]):
    """A department with a name of its own."""

    class Meta:
        model = Department

    name = factory.Sequence(lambda n: f"Department {n}")
    key = factory.Sequence(lambda n: f"D{n}")
    color = 2


class ProjectFactory(factory.django.DjangoModelFactory[Project]):
    """An active project."""

    class Meta:
        model = Project

    name = factory.Sequence(lambda n: f"Project {n}")
    key = factory.Sequence(lambda n: f"PR{n}")


class PersonFactory(factory.django.DjangoModelFactory[Person]):
    """Somebody known from a workspace."""

    class Meta:
        model = Person

    name = factory.Sequence(lambda n: f"Person {n}")
    email = factory.Sequence(lambda n: f"person{n}@north.example")


class TaskFactory(factory.django.DjangoModelFactory[Task]):
    """A planned task; `assignees=[…]` puts people on it, `depends_on=[…]` makes it wait."""

    class Meta:
        model = Task
        skip_postgeneration_save = True

    key_prefix = "T"
    number = factory.Sequence(lambda n: n + 1)
    title = factory.Sequence(lambda n: f"Inspect turbine {n}")
    status = Task.Status.PLANNED
    completed_at = factory.LazyAttribute(
        lambda task: timezone.now() if task.status == Task.Status.DONE else None
    )

    @factory.post_generation
    def assignees(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Put people on the task."""
        if extracted:
            self.assignees.add(*extracted)

    @factory.post_generation
    def depends_on(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Make the task wait for others."""
        for other in extracted or ():
            TaskDependency.objects.create(task=self, depends_on=other)
