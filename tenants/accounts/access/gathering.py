"""Everything somebody holds, in one query: their own bindings, their groups', their department's and their token's."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import BooleanField, Case, Q, Value, When

from tenants.accounts.access.actors import UserActor
from tenants.accounts.access.catalogue import codes_of
from tenants.accounts.access.holdings import NOTHING, Holding, Scope
from tenants.accounts.access.objects import all_guarded
from tenants.accounts.access.roles import Role, ScopeType
from tenants.accounts.models import GroupMembership, RoleBinding, User
from tenants.accounts.models.role_binding import RoleBindingQuerySet

_COLUMNS = ("token_id", "role", "custom_role__codes", "scope_type", "scope_id")


def gathered_actor(
    user: User, *, token_id: UUID | None = None, scopes: frozenset[str] | None = None
) -> UserActor:
    """Return a user as an actor. One query; nothing is kept from one request to the next.

    A role this release does not know holds nothing.
    """
    rows = (
        bindings_of(user, token_id=token_id)
        .annotate(_shares=_anything_shared_with(user.pk))
        .values_list(*_COLUMNS, "_shares")
    )
    roles: set[Role] = set()
    more, of_token, shares = NOTHING, None, False
    for of_token_id, role, codes, scope_type, scope_id, is_shared in rows:
        shares = shares or is_shared
        held = holding_of(role, codes, scope_type, scope_id)
        if of_token_id is not None:
            of_token = held if of_token is None else of_token | held
        elif scope_type == ScopeType.COMPANY and role in Role:
            roles.add(Role(role))
        else:
            more |= held
    return UserActor(
        user=user,
        roles=frozenset(roles),
        more=more,
        token_scopes=scopes,
        token_id=token_id,
        token_holding=of_token,
        shares=shares,
    )


def bindings_of(user: User, *, token_id: UUID | None = None) -> RoleBindingQuerySet:
    """Return the bindings in force that reach a user, and those of a token of theirs."""
    groups = GroupMembership.objects.filter(user=user).values("group")
    condition = Q(user=user) | Q(group__in=groups)
    if user.department_id is not None:
        condition |= Q(department=user.department_id)
    if token_id is not None:
        condition |= Q(token=token_id)
    return RoleBinding.objects.in_force().filter(condition)


def holding_of(role: str, codes: Iterable[str] | None, scope_type: str, scope_id: UUID | None) -> Holding:
    """What one binding gives: a built-in role's codes or those of a role of the company's own."""
    held = codes_of(Role(role)) if role in Role else frozenset(codes or ())
    scope = Scope(ScopeType(scope_type), scope_id) if scope_id is not None else None
    return Holding.of(held, scope)


def _anything_shared_with(user_id: UUID) -> Case:
    condition = Q()
    for guarded in all_guarded():
        if guarded.shares is not None:
            condition |= guarded.shares.any_for(user_id)
    if not condition:
        condition = Q(pk__in=[])
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())
