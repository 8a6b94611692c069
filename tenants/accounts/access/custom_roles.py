"""Roles of the company's own: named sets of permissions its administrators put together."""

from collections.abc import Collection

import structlog
from django.db import IntegrityError
from django.db.models import QuerySet

from tenants.accounts.access.actors import Actor
from tenants.accounts.access.catalogue import broken_separations, is_known
from tenants.accounts.access.checks import require
from tenants.accounts.access.granting import changing_access, check_may_grant, check_separations
from tenants.accounts.access.holdings import Holding
from tenants.accounts.access.roles import Role
from tenants.accounts.models import CustomRole, User
from tenants.accounts.sessions.services import end_sign_ins_of
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.foundation.seen_text import drawn, has_unseen
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


def visible_custom_roles(*, actor: Actor) -> QuerySet[CustomRole]:
    """The company's own roles, by name. Raises: Forbidden."""
    require(actor, "accounts.view_access")
    return CustomRole.objects.order_by("name", "pk")


@atomic
def create_custom_role(
    *, name: str, codes: Collection[str], actor: Actor, description: str = ""
) -> CustomRole:
    """Make a role out of permissions one holds oneself.

    Raises: Forbidden, InvalidInput (name, codes), Conflict (the name is taken, duties that may not meet).
    """
    require(actor, "accounts.manage_roles")
    role = CustomRole(
        name=_checked_name(name),
        description=description.strip(),
        codes=_checked_codes(codes),
        created_by_id=actor.user_id,
    )
    check_may_grant(actor, Holding(frozenset(role.codes)))
    _save(role)
    log.info("custom_role.created", custom_role_id=role.pk, codes=role.codes)
    return role


@atomic
def change_custom_role(
    *,
    role: CustomRole,
    actor: Actor,
    name: str | None = None,
    codes: Collection[str] | None = None,
    description: str | None = None,
) -> CustomRole:
    """Change a role for everybody who has it, at once. What is not given stays.

    When what it allows changes, those who have it are signed out everywhere.

    Raises: Forbidden (what it held or shall hold is not one's own), NotFound, InvalidInput, Conflict (name, duties).
    """
    require(actor, "accounts.manage_roles")
    with changing_access():
        current = CustomRole.objects.select_for_update().filter(pk=role.pk).first()
        if current is None:
            raise NotFound("There is no such role.", code="not_found.role")
        before = (current.name, current.description, current.codes)
        check_may_grant(actor, Holding(frozenset(code for code in current.codes if is_known(code))))
        if name is not None:
            current.name = _checked_name(name)
        if description is not None:
            current.description = description.strip()
        if codes is not None:
            current.codes = _checked_codes(codes)
            check_may_grant(actor, Holding(frozenset(current.codes)))
        if before != (current.name, current.description, current.codes):
            current.version += 1
            _save(current)
        holders = _holders(current)
        check_separations(holders)
        if before[2] != current.codes:
            end_sign_ins_of([holder.pk for holder in holders], because="role")
    log.info("custom_role.changed", custom_role_id=current.pk, version=current.version, codes=current.codes)
    return current


@atomic
def delete_custom_role(*, role: CustomRole, actor: Actor) -> None:
    """Delete a role nobody has any more. Doing it again changes nothing. Raises: Forbidden, Conflict (in use)."""
    require(actor, "accounts.manage_roles")
    with changing_access():
        holders = role.bindings.count()
        if holders:
            raise Conflict(
                f"This role is given {holders} times. Take it away first.", code="conflict.role_in_use"
            )
        CustomRole.objects.filter(pk=role.pk).delete()
    log.info("custom_role.deleted", custom_role_id=role.pk)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise InvalidInput("A role needs a name.", fields={"name": ["Enter a name."]})
    if len(name) > 80:
        raise InvalidInput("This name is too long.", fields={"name": ["At most 80 characters."]})
    if has_unseen(name):
        msg = "The name holds signs that cannot be seen."
        raise InvalidInput(msg, fields={"name": [msg]})
    # As it looks: a letter of another alphabet makes no other name of it.
    if drawn(name) in {drawn(text) for role in Role for text in (str(role.label), role.value)}:
        msg = "A built-in role has this name."
        raise Conflict(msg, code="conflict.role_name", fields={"name": [msg]})
    return name


def _checked_codes(codes: Collection[str]) -> list[str]:
    wanted = sorted(set(codes))
    if not wanted:
        raise InvalidInput("A role allows something.", fields={"codes": ["Choose at least one."]})
    unknown = [code for code in wanted if not is_known(code) or code.startswith("platform.")]
    if unknown:
        msg = f"There is no such permission: {', '.join(unknown)}."
        raise InvalidInput(msg, fields={"codes": [msg]})
    for broken in broken_separations(wanted):
        raise Conflict(
            f"One role cannot hold both. {broken.why}",
            code="conflict.separation_of_duties",
            fields={"codes": [broken.why]},
            params={"first": broken.first, "second": broken.second},
        )
    return wanted


def _save(role: CustomRole) -> None:
    try:
        with atomic():
            role.save()
    except IntegrityError as error:
        msg = "There is a role with this name already."
        raise Conflict(msg, code="conflict.role_name", fields={"name": [msg]}) from error


def _holders(role: CustomRole) -> list[User]:
    direct = User.objects.filter(role_bindings__custom_role=role)
    by_group = User.objects.filter(group_memberships__group__role_bindings__custom_role=role)
    by_department = User.objects.filter(department__role_bindings__custom_role=role)
    return list((direct | by_group | by_department).distinct())
