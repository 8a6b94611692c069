"""Undo: what tasks were before a change, kept for a quarter of an hour, and the button that puts it back."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from redis.exceptions import RedisError

from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import archive_tasks, edit_tasks, restore_tasks
from tenants.accounts.access import UserActor, actor_of, require_somewhere
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import Conflict
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

KEPT_SECONDS: Final = 900


@dataclass(frozen=True)
class Undo:
    """How to put tasks back: groups of (former value, ids) of one kind of change."""

    kind: str
    groups: tuple[tuple[Any, tuple[UUID, ...]], ...]

    @classmethod
    def before(cls, tasks: Iterable[Task], kind: str) -> Undo:
        """Remember tasks as they are, before a change of this kind."""
        groups: dict[Any, list[UUID]] = {}
        for task in tasks:
            match kind:
                case "status":
                    value: Any = task.status
                case "priority":
                    value = task.priority
                case "milestone":
                    value = task.milestone_id
                case "assign":
                    value = tuple(sorted(person.pk for person in task.assignees.all()))
                case _:
                    value = task.is_archived
            groups.setdefault(value, []).append(task.pk)
        return cls(kind, tuple((value, tuple(ids)) for value, ids in groups.items()))


def offer_undo(undo: Undo, *, actor: UserActor) -> str:
    """Keep an undo for this actor; returns the address that does it, "" when nothing can be kept just now."""
    token = secrets.token_urlsafe(12)
    try:
        cache.set(_key(actor, token), undo, KEPT_SECONDS)
    except RedisError as error:
        # What was done stands: it is not to fail because it could not be undone.
        log.warning("undo.not_offered", error=str(error))
        return ""
    return reverse("tasks:undo", args=[token])


def _key(actor: UserActor, token: str) -> str:
    return f"tasks-undo:{actor.user_id}:{token}"


@login_required
@require_POST
def put_back(request: HttpRequest, token: str) -> HttpResponse:
    """Put tasks back as they were. Raises: Conflict (too late, or undone already), Forbidden."""
    actor = actor_of(request)
    undo = cache.get(_key(actor, token))
    # What it puts back is asked for task by task below, as it was when it was changed.
    is_archive = isinstance(undo, Undo) and undo.kind == "archive"
    require_somewhere(actor, "tasks.archive" if is_archive else "tasks.edit")
    if not isinstance(undo, Undo):
        raise Conflict(_("It is too late to undo this."), code="tasks.undo_gone")
    cache.delete(_key(actor, token))
    with atomic():
        for value, ids in undo.groups:
            _restore(undo.kind, value, ids, actor)
    if htmx_of(request):
        return HttpResponse(status=204)
    return toast(request, HttpResponseRedirect(reverse("tasks:list")), _("Undone."))


def _restore(kind: str, value: Any, ids: tuple[UUID, ...], actor: UserActor) -> None:
    match kind:
        case "status":
            edit_tasks(ids=ids, changes=TaskChanges(status=value), actor=actor)
        case "priority":
            edit_tasks(ids=ids, changes=TaskChanges(priority=value), actor=actor)
        case "milestone":
            edit_tasks(ids=ids, changes=TaskChanges(milestone_id=value), actor=actor)
        case "assign":
            edit_tasks(ids=ids, changes=TaskChanges(assignee_ids=value), actor=actor)
        case _ if value:
            archive_tasks(ids=ids, actor=actor)
        case _:
            restore_tasks(ids=ids, actor=actor)
