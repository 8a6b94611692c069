"""Giving and taking roles: to people, groups, departments and tokens, here or there, for good or until a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from django.db.models import Model, QuerySet
from django.utils import timezone

from tenants.accounts.access.actors import Actor
from tenants.accounts.access.checks import require
from tenants.accounts.access.granting import (
    changing_access,
    check_may_grant,
    check_reaches,
    check_separations,
    duties_of,
    given_by,
    withdraw_invitations_beyond,
)
from tenants.accounts.access.holdings import NOTHING, Scope
from tenants.accounts.access.roles import Role, RoleSource, ScopeType
from tenants.accounts.access.scopes import check_scope
from tenants.accounts.access.second_person import check_may_make_owner_alone
from tenants.accounts.models import ApiToken, CustomRole, Department, Group, RoleBinding, User
from tenants.accounts.scim.ruling import check_may_own
from tenants.accounts.sessions.services import end_sign_ins_of
from tenants.foundation.errors import InvalidInput, NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

type Kind = Literal["user", "group", "department", "token"]
KINDS: Final[dict[Kind, type[Model]]] = {
    "user": User, "group": Group, "department": Department, "token": ApiToken,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a role is given to."""

    kind: Kind
    id: UUID

    def people(self) -> Sequence[User]:
        """The people who come by what this holder is given. Raises: NotFound when there is no such holder."""
        if not KINDS[self.kind]._default_manager.filter(pk=self.id).exists():
            raise NotFound(f"There is no such {self.kind}.", code="not_found.holder")
        ways: dict[Kind, dict[str, Any]] = {
            "user": {"pk": self.id},
            "group": {"group_memberships__group": self.id},
            "department": {"department": self.id},
            "token": {"api_tokens": self.id},
        }
        return list(User.objects.filter(**ways[self.kind]).order_by("pk"))


def visible_bindings(*, actor: Actor) -> QuerySet[RoleBinding]:
    """Who has what, those that have run out too; newest last. Raises: Forbidden."""
    require(actor, "accounts.view_access")
    return RoleBinding.objects.select_related(
        "user", "group", "department", "token", "custom_role", "granted_by"
    ).order_by("created_at", "pk")


@atomic
def grant_role(
    *,
    holder: Holder,
    role: Role | CustomRole,
    actor: Actor,
    scope: Scope | None = None,
    expires_at: datetime | None = None,
    source: RoleSource = RoleSource.MANUAL,
    agreed: bool = False,
) -> RoleBinding:
    """Give a role. Giving it again changes its end, nothing else. Whoever gets it is signed out everywhere.

    `agreed`: a second person was asked where the company wants one for making an owner.
    Raises: Forbidden (also for more than one holds there oneself, and for somebody who holds more), NotFound,
    InvalidInput (scope, end), Conflict (last owner, duties that may not meet), SecondPersonNeeded.
    """
    require(actor, "accounts.change_roles")
    if role is Role.OWNER and scope is None and not agreed:
        check_may_make_owner_alone(actor)
    check_scope(scope)
    if expires_at is not None and expires_at <= timezone.now():
        msg = "Choose a time to come."
        raise InvalidInput(msg, fields={"expires_at": [msg]})
    with changing_access():
        people = holder.people()
        if role is Role.OWNER and holder.kind == "group":
            check_may_own(holder.id)
        wanted = _binding(holder, role, scope)
        given = given_by(wanted)
        if scope is not None and given == NOTHING:
            msg = "This role allows nothing in a part of the company: give it for the whole company."
            raise InvalidInput(msg, fields={"scope_type": [msg]})
        check_may_grant(actor, given)
        if holder.kind == "user":
            check_reaches(actor, people[0])
        if holder.kind != "token":
            # A token holds no more than its person: it brings them no new duty.
            check_separations(people, duties_of([wanted]))
        same = {
            f"{holder.kind}_id": holder.id, "role": wanted.role, "custom_role": wanted.custom_role,
            "scope_type": wanted.scope_type, "scope_id": wanted.scope_id,
        }  # fmt: skip
        binding, is_new = RoleBinding.objects.get_or_create(
            **same,
            defaults={"expires_at": expires_at, "source": source.value, "granted_by_id": actor.user_id},
        )
        if not is_new and binding.expires_at != expires_at:
            binding.expires_at, binding.granted_by_id = expires_at, actor.user_id
            binding.save(update_fields=["expires_at", "granted_by"])
        if is_new and holder.kind != "token":
            end_sign_ins_of([person.pk for person in people], because="role")
    log.info("role.granted", binding_id=binding.pk, holder=holder.kind, holder_id=holder.id, role=_word(role))
    return binding


@atomic
def revoke_role(*, binding: RoleBinding, actor: Actor) -> None:
    """Take a role away; it is gone with the next request, and so are the sign-ins of those who had it.

    Doing it again changes nothing.

    Raises: Forbidden (also for what is higher than one's own), Conflict (the last owner stays).
    """
    require(actor, "accounts.change_roles")
    with changing_access():
        current = RoleBinding.objects.select_related("custom_role", "user").filter(pk=binding.pk).first()
        if current is None:
            return
        check_may_grant(actor, given_by(current))
        if current.user is not None:
            check_reaches(actor, current.user)
        people = _holder_of(current).people()
        current.delete()
        for person in people:
            withdraw_invitations_beyond(person)
        if current.token_id is None:
            end_sign_ins_of([person.pk for person in people], because="role")
    log.info("role.revoked", binding_id=binding.pk, role=current.role or str(current.custom_role))


def _binding(holder: Holder, role: Role | CustomRole, scope: Scope | None) -> RoleBinding:
    binding = RoleBinding(
        role=role.value if isinstance(role, Role) else "",
        custom_role=None if isinstance(role, Role) else role,
        scope_type=scope.type if scope else ScopeType.COMPANY,
        scope_id=scope.id if scope else None,
    )
    setattr(binding, f"{holder.kind}_id", holder.id)
    return binding


def _holder_of(binding: RoleBinding) -> Holder:
    kind: Kind
    for kind in KINDS:
        if (number := getattr(binding, f"{kind}_id")) is not None:
            return Holder(kind, number)
    raise AssertionError("The table refuses a binding without a holder.")


def _word(role: Role | CustomRole) -> str:
    return role.value if isinstance(role, Role) else f"custom:{role.pk}"
