"""What access control has to know of tasks and projects: their part of the company, and how they are shared."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from tasks.models import (
    Project,
    ProjectGroupShare,
    ProjectUserShare,
    Task,
    TaskGroupShare,
    TaskUserShare,
)
from tenants.accounts.access import Guarded, Scope, ScopeType, register_guarded
from tenants.accounts.access.scopes import register_scope_names
from tenants.accounts.models import GroupMembership

# What can be given for one object. A project's shares hold for the tasks in it.
SHAREABLE: Final = ("tasks.view", "tasks.comment", "tasks.approve", "tasks.complete", "tasks.edit")
IN_FORCE: Final = Q(expires_at=None) | Q(expires_at__gt=Now())


def register() -> None:
    """Make tasks and projects known to access control."""
    register_guarded(
        Guarded(
            model=Task,
            scopes_of=_scopes_of_task,
            scope_columns=(
                (ScopeType.DEPARTMENT, "department_id"),
                (ScopeType.PROJECT, "project_id"),
            ),
            shares=_Shares(
                ((TaskUserShare, TaskGroupShare, "pk"), (ProjectUserShare, ProjectGroupShare, "project_id"))
            ),
        )
    )
    register_guarded(
        Guarded(
            model=Project,
            scopes_of=_scopes_of_project,
            scope_columns=((ScopeType.DEPARTMENT, "department_id"), (ScopeType.PROJECT, "pk")),
            shares=_Shares(((ProjectUserShare, ProjectGroupShare, "pk"),)),
        )
    )
    register_scope_names(ScopeType.PROJECT, _project_names)


def _scopes_of_task(task: Task) -> Iterator[Scope]:
    if task.department_id is not None:
        yield Scope(ScopeType.DEPARTMENT, task.department_id)
    if task.project_id is not None:
        yield Scope(ScopeType.PROJECT, task.project_id)


def _scopes_of_project(project: Project) -> Iterator[Scope]:
    if project.department_id is not None:
        yield Scope(ScopeType.DEPARTMENT, project.department_id)
    yield Scope(ScopeType.PROJECT, project.pk)


def _project_names() -> dict[UUID, str]:
    return dict(Project.objects.filter(archived_at=None).order_by("name").values_list("pk", "name"))


@dataclass(frozen=True, slots=True)
class _Shares:
    """Direct tables of shares: (for people, for groups, the column of the row that names the shared object)."""

    tables: tuple[tuple[type[Any], type[Any], str], ...]

    def codes(self) -> frozenset[str]:
        """The permissions that can be shared for one object."""
        return frozenset(SHAREABLE)

    def any_for(self, user_id: UUID) -> Q:
        """Whether any object at all is shared with a user."""
        condition = Q()
        # The first are its own; the others are asked where they are the first.
        for people, groups, _column in self.tables[:1]:
            condition |= Q(Exists(people.objects.filter(IN_FORCE, user=user_id)))
            condition |= Q(Exists(groups.objects.filter(IN_FORCE, group__in=_groups_of(user_id))))
        return condition

    def condition(self, user_id: UUID, code: str) -> Q:
        """Whether a row is shared with a user for a permission: one EXISTS a table, on its unique index."""
        condition = Q()
        for people, groups, column in self.tables:
            shared = Q(IN_FORCE, permission=code, content_object=OuterRef(column))
            condition |= Q(Exists(people.objects.filter(shared, user=user_id)))
            condition |= Q(Exists(groups.objects.filter(shared, group__in=_groups_of(user_id))))
        return condition


def _groups_of(user_id: UUID) -> Any:
    return GroupMembership.objects.filter(user=user_id).values(holder=F("group"))
