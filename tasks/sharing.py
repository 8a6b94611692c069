"""Sharing single tasks and projects with people and groups, and taking that back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.utils import timezone

from tasks.guarding import SHAREABLE
from tasks.models import Project, ProjectGroupShare, ProjectUserShare, Task, TaskGroupShare, TaskUserShare
from tenants.accounts.access import Actor, can, require
from tenants.accounts.models import Group, User
from tenants.foundation.errors import Forbidden, InvalidInput, NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

VIEW: Final = "tasks.view"
_TABLES: Final[dict[tuple[type[Any], type[Any]], type[Any]]] = {
    (Task, User): TaskUserShare,
    (Task, Group): TaskGroupShare,
    (Project, User): ProjectUserShare,
    (Project, Group): ProjectGroupShare,
}


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What one person or group may do with one task or project."""

    thing: Task | Project
    holder: User | Group
    codes: tuple[str, ...]
    expires_at: datetime | None
    granted_by_id: UUID | None
    created_at: datetime


@atomic
def share(
    *,
    thing: Task | Project,
    holder: User | Group,
    codes: Collection[str],
    actor: Actor,
    expires_at: datetime | None = None,
) -> Shared:
    """Let somebody do exactly these things with one object; who may do anything may see it. Repeating changes nothing.

    Raises: Forbidden (sharing, or giving what one may not do there oneself), InvalidInput (codes, end, holder).
    """
    require(actor, "tasks.share", on=thing)
    wanted = {VIEW, *codes}
    if unknown := sorted(wanted - set(SHAREABLE)):
        msg = f"This cannot be shared: {', '.join(unknown)}."
        raise InvalidInput(msg, fields={"codes": [msg]})
    if expires_at is not None and expires_at <= timezone.now():
        msg = "Choose a time to come."
        raise InvalidInput(msg, fields={"expires_at": [msg]})
    if isinstance(holder, User) and not holder.is_active:
        msg = "This person is deactivated."
        raise InvalidInput(msg, fields={"user_id": [msg]})
    if missing := sorted(code for code in wanted if not can(actor, code, thing)):
        raise Forbidden(
            f"You cannot share what you may not do yourself: {', '.join(missing)}.",
            code="forbidden.share_above_own",
        )
    table = _TABLES[type(thing), type(holder)]
    mine = {"content_object": thing, _side(holder): holder}
    table.objects.filter(**mine).exclude(permission__in=wanted).delete()
    for code in sorted(wanted):
        table.objects.update_or_create(
            **mine,
            permission=code,
            defaults={"expires_at": expires_at},
            create_defaults={"expires_at": expires_at, "granted_by_id": actor.user_id},
        )
    log.info("object.shared", object=str(thing.pk), holder=str(holder.pk), codes=sorted(wanted))
    return next(each for each in shares_of(thing=thing, actor=actor) if each.holder == holder)


@atomic
def unshare(*, thing: Task | Project, holder: User | Group, actor: Actor) -> None:
    """Take everything back that was shared of an object with somebody. Repeating changes nothing. Raises: Forbidden."""
    require(actor, "tasks.share", on=thing)
    table = _TABLES[type(thing), type(holder)]
    table.objects.filter(content_object=thing, **{_side(holder): holder}).delete()
    log.info("object.unshared", object=str(thing.pk), holder=str(holder.pk))


def shares_of(*, thing: Task | Project, actor: Actor) -> Sequence[Shared]:
    """With whom an object is shared, by name; two queries. Raises: Forbidden."""
    require(actor, "tasks.share", on=thing)
    found: dict[UUID, list[Any]] = {}
    for holder in (User, Group):
        table, side = _TABLES[type(thing), holder], _side(holder())
        for row in table.objects.filter(content_object=thing).select_related(side).order_by("permission"):
            found.setdefault(getattr(row, f"{side}_id"), []).append(row)
    shared = [
        Shared(
            thing=thing,
            holder=getattr(rows[0], "user", None) or rows[0].group,
            codes=tuple(row.permission for row in rows),
            expires_at=rows[0].expires_at,
            granted_by_id=rows[0].granted_by_id,
            created_at=rows[0].created_at,
        )
        for rows in found.values()
    ]
    return sorted(shared, key=lambda each: (str(each.holder), each.holder.pk))


@atomic
def holder_of(*, user_id: UUID | None, group_id: UUID | None) -> User | Group:
    """The person or the group. Raises: InvalidInput (both or neither), NotFound."""
    if (user_id is None) is (group_id is None):
        raise InvalidInput("Name one person or one group.", fields={"user_id": ["One of the two."]})
    found: User | Group | None = None
    if user_id is not None:
        found = User.objects.filter(pk=user_id).first()
    elif group_id is not None:
        found = Group.objects.filter(pk=group_id).first()
    if found is None:
        raise NotFound("There is no such person or group.", code="not_found.holder")
    return found


def _side(holder: User | Group) -> str:
    return "user" if isinstance(holder, User) else "group"
