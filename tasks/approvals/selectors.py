"""Reads of approvals: which ones somebody may see, which wait for them, who may still answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from tasks.models import (
    ApprovalApprover,
    ApprovalDecision,
    ApprovalRequest,
    Milestone,
    Project,
    Task,
)
from tasks.selectors import visible_project_rows, visible_tasks
from tenants.accounts.access import Actor
from tenants.accounts.clients import is_client
from tenants.accounts.models import GroupMembership
from tenants.foundation.errors import NotFound

type Subject = Task | Milestone | Project
COLUMNS: Final[dict[type[Subject], str]] = {Task: "task", Milestone: "milestone", Project: "project"}
LIMIT: Final = 100


def visible_approvals(*, actor: Actor) -> QuerySet[ApprovalRequest]:
    """The approvals about what a reader may see; a client sees those alone that ask for their own answer."""
    projects = visible_project_rows(actor=actor).order_by().values("pk")
    rows = ApprovalRequest.objects.filter(
        Q(task__in=visible_tasks(actor=actor).live().order_by().values("pk"))
        | Q(project__in=projects)
        | Q(milestone__project__in=projects)
    )
    if is_client(actor):
        rows = rows.filter(asks(actor.user_id))
    return rows


def asks(user_id: UUID | None) -> Exists:
    """A condition on approvals: somebody is among those whose answer is asked for, themselves or by a group."""
    groups = GroupMembership.objects.filter(user=user_id).values("group")
    return Exists(
        ApprovalApprover.objects.filter(Q(user=user_id) | Q(group__in=groups), request=OuterRef("pk"))
    )


def waiting_for(*, actor: Actor) -> QuerySet[ApprovalRequest]:
    """The open approvals an answer of theirs is missing in, the oldest first; nobody answers what they asked."""
    answered = ApprovalDecision.objects.filter(request=OuterRef("pk"), user=actor.user_id)
    return (
        visible_approvals(actor=actor)
        .filter(asks(actor.user_id), ~Exists(answered), state=ApprovalRequest.State.REQUESTED)
        .exclude(asked_by=actor.user_id)
        .order_by("created_at", "pk")
    )


def with_parts(rows: QuerySet[ApprovalRequest]) -> QuerySet[ApprovalRequest]:
    """Read along what a line about an approval shows: its subject, approvers and answers; two more queries."""
    approvers = ApprovalApprover.objects.select_related("user", "group").order_by("pk")
    return rows.select_related(
        "task", "task__project", "milestone", "milestone__project", "project"
    ).prefetch_related(
        Prefetch("approvers", queryset=approvers),
        Prefetch("decisions", queryset=ApprovalDecision.objects.order_by("created_at", "pk")),
    )


def approvals_about(*, subject: Subject, actor: Actor, limit: int = LIMIT) -> Sequence[ApprovalRequest]:
    """The visible approvals about one thing, newest first; of a project those of its milestones too."""
    condition = Q(**{COLUMNS[type(subject)]: subject.pk})
    if isinstance(subject, Project):
        condition |= Q(milestone__project=subject.pk)
    rows = visible_approvals(actor=actor).filter(condition).order_by("-created_at", "-pk")
    return list(with_parts(rows)[:limit])


def visible_approval(*, actor: Actor, approval_id: UUID) -> ApprovalRequest:
    """One approval. Raises: NotFound."""
    found = with_parts(visible_approvals(actor=actor)).filter(pk=approval_id).first()
    if found is None:
        raise NotFound("There is no such approval.", code="approvals.not_found")
    return found


def is_asked(approval: ApprovalRequest, *, actor: Actor) -> bool:
    """Whether an answer of this actor's is awaited now; one query."""
    return waiting_for(actor=actor).filter(pk=approval.pk).exists()
