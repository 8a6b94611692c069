"""Who can answer an approval now: by role or by share, themselves or as one of a group; one query for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet

from tasks.guarding import IN_FORCE
from tasks.models import (
    ApprovalApprover,
    Project,
    ProjectGroupShare,
    ProjectUserShare,
    Task,
    TaskGroupShare,
    TaskUserShare,
)
from tenants.accounts.access import permission
from tenants.accounts.access.objects import scopes_of
from tenants.accounts.models import GroupMembership, RoleBinding, User

APPROVE: Final = "tasks.approve"


def people_who_may_approve(thing: Task | Project) -> QuerySet[User]:
    """Everybody of whom `can(actor, "tasks.approve", thing)` is true: a question for many at once, asked in SQL."""
    bindings = RoleBinding.objects.in_force()
    there = Q(scope_type="company")
    for scope in scopes_of(thing):
        there |= Q(scope_type=scope.type, scope_id=scope.id)
    giving = bindings.filter(there).filter(
        Q(role__in=permission(APPROVE).holders) | Q(custom_role__codes__contains=[APPROVE])
    )
    # A share is worth nothing to somebody whose every role has gone.
    by_share = _shared_with(thing) & _reached_by(bindings)
    return User.objects.filter(_reached_by(giving) | by_share, is_active=True)


def able_of(
    approvers: Iterable[ApprovalApprover], thing: Task | Project, *, but: UUID | None
) -> dict[UUID, set[UUID]]:
    """For each approver (by its id) the people who can answer as it, leaving out who asked; two queries."""
    rows = list(approvers)
    groups = [row.group_id for row in rows if row.group_id is not None]
    memberships = GroupMembership.objects.filter(group__in=groups).values_list("group_id", "user_id")
    members: dict[UUID, set[UUID]] = {}
    for group_id, user_id in memberships:
        members.setdefault(group_id, set()).add(user_id)
    people = {
        row.pk: {row.user_id} if row.user_id is not None else members.get(row.group_id, set())  # type: ignore[arg-type]
        for row in rows
    }
    named = set().union(*people.values()) - {but}
    able = set(people_who_may_approve(thing).filter(pk__in=named).values_list("pk", flat=True))
    return {key: found & able for key, found in people.items()}


def _shared_with(thing: Task | Project) -> Q:
    tables: list[tuple[Any, Any, UUID]] = []
    if isinstance(thing, Project):
        tables.append((ProjectUserShare, ProjectGroupShare, thing.pk))
    else:
        tables.append((TaskUserShare, TaskGroupShare, thing.pk))
        if thing.project_id is not None:
            tables.append((ProjectUserShare, ProjectGroupShare, thing.project_id))
    found = Q(pk__in=[])
    for people, groups, pk in tables:
        given = Q(IN_FORCE, permission=APPROVE, content_object=pk)
        found |= Q(pk__in=people.objects.filter(given).values("user"))
        found |= _in_groups(groups.objects.filter(given).values("group"))
    return found


def _reached_by(bindings: QuerySet[RoleBinding]) -> Q:
    return (
        Q(pk__in=bindings.filter(user__isnull=False).values("user"))
        | _in_groups(bindings.filter(group__isnull=False).values("group"))
        | Q(department__in=bindings.filter(department__isnull=False).values("department"))
    )


def _in_groups(groups: QuerySet[Any, Any]) -> Q:
    return Q(pk__in=GroupMembership.objects.filter(group__in=groups).values("user"))
