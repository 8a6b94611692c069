"""Sharing single tasks and projects with people and groups, and taking that back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db.models import Q
from django.utils import timezone

from tasks.events import ShareTakenBack
from tasks.guarding import SHAREABLE
from tasks.models import Project, ProjectGroupShare, ProjectUserShare, Task, TaskGroupShare, TaskUserShare
from tenants.accounts.access import Actor, can, permission, require
from tenants.accounts.clients import is_client
from tenants.accounts.invitations.guests import ensure_guest
from tenants.accounts.models import Group, RoleBinding, SupportAccount, User
from tenants.accounts.selectors import actor_for
from tenants.dispatch import enqueue
from tenants.foundation.errors import Forbidden, InvalidInput, NotFound
from tenants.foundation.letters.rationing import spend_letters
from tenants.outbox.bus import publish
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

VIEW: Final = "tasks.view"
APPROVE: Final = "tasks.approve"
SHARE_LETTER_JOB: Final = "tasks.share_letter"
MOST_OFFERED: Final = 200
# What pages offer, from little to much.
LEVELS: Final[dict[str, tuple[str, ...]]] = {
    "view": (),
    "comment": ("tasks.comment",),
    "approve": ("tasks.comment", APPROVE),
    "edit": ("tasks.comment", APPROVE, "tasks.complete", "tasks.edit"),
}
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
    if isinstance(holder, User) and SupportAccount.objects.filter(user=holder).exists():
        msg = "This is an operator who visits, and nobody of yours."
        raise InvalidInput(msg, fields={"user_id": [msg]})
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
    if table.objects.filter(**mine).exclude(permission__in=wanted).delete()[0]:
        publish(ShareTakenBack(thing_id=thing.pk, is_task=isinstance(thing, Task)))
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
def share_with_client(
    *,
    thing: Task | Project,
    email: str,
    codes: Collection[str],
    actor: Actor,
    expires_at: datetime | None = None,
) -> Shared:
    """Let somebody in as a guest, if they are not here yet, share an object with them and write to them.

    Raises: as `share`, `ensure_guest` and `tell_of_share`.
    """
    require(actor, "tasks.share", on=thing)
    user = ensure_guest(email=email, actor=actor)
    shared = share(thing=thing, holder=user, codes=codes, actor=actor, expires_at=expires_at)
    tell_of_share(thing=thing, user=user, actor=actor)
    return shared


def tell_of_share(*, thing: Task | Project, user: User, actor: Actor) -> None:
    """Have a letter written to a client with whom something was shared; colleagues get none. Raises: LimitReached."""
    if is_client(actor_for(user)):
        spend_letters(actor_id=actor.user_id)
        payload = {"user_id": str(user.pk), "is_task": isinstance(thing, Task), "by": actor.name[:200]}
        enqueue(SHARE_LETTER_JOB, object_id=thing.pk, payload=payload)


def level_of(codes: Collection[str]) -> str:
    """Which of `LEVELS` a share is, "" for none of them."""
    held = set(codes) - {VIEW}
    return next((name for name, wanted in LEVELS.items() if set(wanted) == held), "")


def possible_approvers(*, thing: Task | Project, actor: Actor) -> list[User | Group]:
    """Who may be asked for an approval: with whom it is shared for that, and colleagues whose role allows it.

    Whoever may not see the company's people is offered the first only.
    """
    at = Q(content_object=thing)
    shared: list[tuple[type[Any], type[Any], Q]] = [(*_share_tables(type(thing)), at)]
    if isinstance(thing, Task) and thing.project_id is not None:
        shared.append((*_share_tables(Project), Q(content_object=thing.project_id)))
    people, groups = Q(pk__in=[]), Q(pk__in=[])
    for of_people, of_groups, where in shared:
        given = where & Q(permission=APPROVE)
        people |= Q(pk__in=of_people.objects.filter(given).values("user"))
        groups |= Q(pk__in=of_groups.objects.filter(given).values("group"))
    if can(actor, "accounts.view_users"):
        bindings = RoleBinding.objects.company_wide().filter(
            Q(role__in=permission(APPROVE).holders) | Q(custom_role__codes__contains=[APPROVE])
        )
        people |= Q(pk__in=bindings.filter(user__isnull=False).values("user"))
        groups |= Q(pk__in=bindings.filter(group__isnull=False).values("group"))
    found = User.objects.filter(people, is_active=True, service_account=None, support_account=None).order_by(
        "name", "pk"
    )
    if actor.user_id is not None:
        found = found.exclude(pk=actor.user_id)
    return [*found[:MOST_OFFERED], *Group.objects.filter(groups).order_by("name", "pk")[:MOST_OFFERED]]


def _share_tables(model: type[Any]) -> tuple[type[Any], type[Any]]:
    return _TABLES[model, User], _TABLES[model, Group]


@atomic
def unshare(*, thing: Task | Project, holder: User | Group, actor: Actor) -> None:
    """Take everything back that was shared of an object with somebody. Repeating changes nothing. Raises: Forbidden."""
    require(actor, "tasks.share", on=thing)
    table = _TABLES[type(thing), type(holder)]
    if table.objects.filter(content_object=thing, **{_side(holder): holder}).delete()[0]:
        publish(ShareTakenBack(thing_id=thing.pk, is_task=isinstance(thing, Task)))
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
