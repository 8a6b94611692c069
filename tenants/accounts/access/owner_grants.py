"""Making somebody an owner, where the company wants two people for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access.actors import Actor
from tenants.accounts.access.bindings import KINDS, Holder, Kind, grant_role
from tenants.accounts.access.changes import (
    Approved,
    ChangeKind,
    DiffLine,
    Json,
    Subject,
    register_change,
)
from tenants.accounts.access.holdings import Scope
from tenants.accounts.access.proposals import hold_for_second_person
from tenants.accounts.access.roles import Role, RoleSource
from tenants.accounts.models import CustomRole, ProposedChange, RoleBinding, User
from tenants.tenancy import atomic


@atomic
def give_role(
    *,
    holder: Holder,
    role: Role | CustomRole,
    actor: Actor,
    scope: Scope | None = None,
    expires_at: datetime | None = None,
    source: RoleSource = RoleSource.MANUAL,
    reason: str = "",
) -> RoleBinding | ProposedChange:
    """Give a role, or write down that somebody shall be an owner where a second person has to agree.

    Raises: as `grant_role`, Conflict (somebody else proposed the same).
    """
    if role is Role.OWNER and scope is None:
        joining = holder.people()
        waiting = hold_for_second_person(
            kind=MAKE_OWNER,
            actor=actor,
            target_id=holder.id,
            target_name=_name(holder),
            arguments={"kind": holder.kind, "expires_at": expires_at.isoformat() if expires_at else None},
            diff=[DiffLine(name, "—", str(Role.OWNER.label)) for name in _names(holder, joining)],
            reason=reason,
        )
        if waiting is not None:
            return waiting
    return grant_role(
        holder=holder, role=role, actor=actor, scope=scope, expires_at=expires_at, source=source, agreed=True
    )


def _names(holder: Holder, people: Sequence[User]) -> list[str]:
    """The holder, and of a group or department who is in it: they are the owners."""
    first = _name(holder)
    return [first] if holder.kind == "user" else [first, *(f"{first}: {person}" for person in people)]


def _name(holder: Holder) -> str:
    return str(KINDS[holder.kind]._default_manager.filter(pk=holder.id).first() or "")


def _apply(approved: Approved) -> None:
    end = approved.arguments["expires_at"]
    grant_role(
        holder=Holder(cast(Kind, approved.arguments["kind"]), cast(UUID, approved.target_id)),
        role=Role.OWNER,
        actor=approved.proposer,
        expires_at=datetime.fromisoformat(str(end)) if end else None,
        agreed=True,
    )


def _state(target_id: UUID | None) -> Json:
    """Which roles the holder has and who is in it: a group that was filled meanwhile is looked at anew."""
    rows = RoleBinding.objects.filter(user=target_id) | RoleBinding.objects.filter(group=target_id)
    rows |= RoleBinding.objects.filter(department=target_id) | RoleBinding.objects.filter(token=target_id)
    people = (
        User.objects.filter(Q(access_groups=target_id) | Q(department=target_id)).order_by("pk").distinct()
    )
    return [
        *(f"{each.role}{each.custom_role_id}{each.scope_id}" for each in rows.order_by("pk")),
        *(str(number) for number in people.values_list("pk", flat=True)),
    ]


MAKE_OWNER: Final = register_change(
    ChangeKind(
        key="role.make_owner",
        label=_("Make somebody an owner"),
        permission="accounts.change_roles",
        subject=Subject.OWNERS,
        apply=_apply,
        state_of=_state,
    )
)
