"""An invented client of the first company: shared projects, milestones, approvals that wait for her, a few words."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog
from django.db.models import Count
from django.utils import timezone

from integrations.demo.companies import SignIn
from tasks.approvals.services import request_approval
from tasks.models import ApprovalRequest, Milestone, Project, Task
from tasks.services import add_comment
from tasks.sharing import LEVELS, share
from tenants.accounts.access import SYSTEM, Actor, Role
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import create_user
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.addresses import address_of

log = structlog.get_logger(__name__)

NAME: Final = "Clara Quarrystone"
EMAIL: Final = "clara@quarrystone.example"
ROLE: Final = "client"
_PROJECTS: Final = 2
_MILESTONES: Final = (("Plan agreed", -21), ("First part handed over", 12), ("Everything handed over", 45))


def ensure_client(ref: TenantRef, *, company: str, password: str) -> SignIn:
    """Let the client in, share with her what has most tasks, and ask her, unless that was done before."""
    with tenant_scope(ref), atomic():
        user = User.objects.filter(email=EMAIL).first()
        if user is None:
            user = create_user(email=EMAIL, name=NAME, role=Role.GUEST, password=password, actor=SYSTEM)
        elif not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password", "updated_at"])
        if not ApprovalRequest.objects.exists():
            _share_and_ask(user)
    return SignIn(company, address_of(ref.slug), ROLE, NAME, EMAIL)


def _share_and_ask(client: User) -> None:
    found = User.objects.filter(role_bindings__role=Role.MANAGER).earliest("role_bindings__id")
    manager = actor_for(found)
    busiest = (
        Project.objects.filter(archived_at=None)
        .annotate(n=Count("tasks"))
        .filter(n__gt=0)
        .order_by("-n", "name")
    )
    projects = list(busiest[:_PROJECTS])
    for project in projects:
        share(thing=project, holder=client, codes=LEVELS["approve"], actor=manager)
        _plan(project)
    for project in projects:
        _ask(project, client, manager)
    log.info("demo.client", projects=[project.key for project in projects])


def _plan(project: Project) -> None:
    today = timezone.localdate()
    for name, days in _MILESTONES:
        reached = timezone.now() + timedelta(days=days - 1) if days < 0 else None
        Milestone.objects.get_or_create(
            project=project,
            name=name,
            defaults={"due_on": today + timedelta(days=days), "reached_at": reached},
        )


def _ask(project: Project, client: User, manager: Actor) -> None:
    task = Task.objects.filter(project=project, archived_at=None).open().order_by("due_order", "pk").first()
    if task is not None:
        request_approval(
            subject=task,
            text=f"May we go on with “{task.title}” as it is described there?",
            approvers=[client],
            due_on=timezone.localdate() + timedelta(days=7),
            actor=manager,
        )
        add_comment(
            task=task,
            body="We have put the latest state into the description. Please have a look.",
            actor=manager,
            is_shared=True,
        )
        add_comment(task=task, body="Not for the client: we are two days behind here.", actor=manager)
    milestone = Milestone.objects.filter(project=project, name=_MILESTONES[1][0]).first()
    if milestone is not None:
        request_approval(
            subject=milestone,
            text="Does the day of the first hand-over suit you?",
            approvers=[client],
            actor=manager,
        )
