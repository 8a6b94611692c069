"""Groups: made by hand or told by a directory, and who is in them."""

from collections.abc import Collection
from uuid import UUID

import structlog
from django.db import IntegrityError
from django.db.models import Count, QuerySet

from tenants.accounts.access.actors import Actor
from tenants.accounts.access.checks import require
from tenants.accounts.access.granting import (
    changing_access,
    check_may_grant,
    check_reaches,
    check_separations,
    duties_of,
    given_by,
    lasting_owners,
    withdraw_invitations_beyond,
)
from tenants.accounts.access.roles import Role
from tenants.accounts.access.second_person import check_may_make_owner_alone
from tenants.accounts.models import Group, GroupMembership, RoleBinding, User
from tenants.accounts.scim.ruling import check_group_is_ours
from tenants.accounts.sessions.services import end_sign_ins_of
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.foundation.seen_text import has_unseen
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


def visible_groups(*, actor: Actor) -> QuerySet[Group]:
    """The company's groups with their number of members, by name. Raises: Forbidden."""
    require(actor, "accounts.view_access")
    return Group.objects.annotate(size=Count("memberships")).order_by("name", "pk")


@atomic
def create_group(
    *,
    name: str,
    actor: Actor,
    description: str = "",
    external_id: str = "",
    source: Group.Source = Group.Source.MANUAL,
) -> Group:
    """Make a group. Raises: Forbidden, InvalidInput (name), Conflict (name, or the directory's name, is taken)."""
    require(actor, "accounts.manage_groups")
    group = Group(
        name=_checked_name(name), description=description.strip(), external_id=external_id, source=source
    )
    _save(group)
    log.info("group.created", group_id=group.pk, source=source)
    return group


@atomic
def change_group(*, group: Group, actor: Actor, name: str, description: str = "") -> Group:
    """Name a group anew. Raises: Forbidden, InvalidInput, Conflict (taken)."""
    require(actor, "accounts.manage_groups")
    check_group_is_ours(group)
    group.name, group.description = _checked_name(name), description.strip()
    _save(group)
    return group


@atomic
def delete_group(*, group: Group, actor: Actor) -> None:
    """Delete a group; its people lose what came by it at once. Raises: Forbidden (it holds more than oneself)."""
    require(actor, "accounts.manage_groups")
    check_group_is_ours(group)
    with changing_access():
        for binding in _bindings(group):
            check_may_grant(actor, given_by(binding))
        gave_roles = RoleBinding.objects.filter(group=group).exists()
        people = list(User.objects.filter(group_memberships__group=group))
        Group.objects.filter(pk=group.pk).delete()
        for person in people:
            withdraw_invitations_beyond(person)
        if gave_roles:
            end_sign_ins_of([person.pk for person in people], because="role")
    log.info("group.deleted", group_id=group.pk)


@atomic
def set_members(
    *,
    group: Group,
    user_ids: Collection[UUID],
    actor: Actor,
    source: Group.Source = Group.Source.MANUAL,
) -> Group:
    """Let exactly these people be in a group. Saying it again changes nothing.

    Whose roles change by it is signed out everywhere: who joins or leaves a group that has any.

    Raises: Forbidden (the group holds more than oneself, or somebody does), NotFound (a person), Conflict (duties).
    """
    require(actor, "accounts.manage_groups")
    check_group_is_ours(group)
    with changing_access():
        now = set(group.memberships.values_list("user_id", flat=True))
        wanted = set(user_ids)
        found = {user.pk: user for user in User.objects.filter(pk__in=wanted | now)}
        if missing := wanted - set(found):
            raise NotFound(f"There is no such person: {min(missing)}.", code="not_found.user")
        joining, leaving = [found[pk] for pk in wanted - now], [found[pk] for pk in now - wanted]
        bindings = _bindings(group)
        if joining or leaving:
            for binding in bindings:
                check_may_grant(actor, given_by(binding))
            for person in (*joining, *leaving):
                check_reaches(actor, person)
            _check_may_make_owners(joining, bindings, actor)
        check_separations(joining, duties_of(bindings))
        group.memberships.filter(user__in=leaving).delete()
        GroupMembership.objects.bulk_create(
            GroupMembership(group=group, user=person, source=source) for person in joining
        )
        for person in leaving:
            withdraw_invitations_beyond(person)
        if bindings:
            end_sign_ins_of([person.pk for person in (*joining, *leaving)], because="role")
    log.info("group.members_changed", group_id=group.pk, joined=len(joining), left=len(leaving))
    return group


@atomic
def add_member(*, group: Group, user: User, actor: Actor, source: Group.Source = Group.Source.MANUAL) -> None:
    """Take a person into a group; they may be in already. Raises: as `set_members`."""
    members = set(group.memberships.values_list("user_id", flat=True))
    set_members(group=group, user_ids=members | {user.pk}, actor=actor, source=source)


@atomic
def remove_member(*, group: Group, user: User, actor: Actor) -> None:
    """Take a person out of a group, if they are in it. Raises: as `set_members`."""
    members = set(group.memberships.values_list("user_id", flat=True))
    set_members(group=group, user_ids=members - {user.pk}, actor=actor)


def _check_may_make_owners(
    joining: Collection[User], bindings: Collection[RoleBinding], actor: Actor
) -> None:
    """Whoever joins a group that owns is a new owner, unless they are one already. Raises: SecondPersonNeeded."""
    if any(each.role == Role.OWNER for each in bindings) and any(
        not lasting_owners().filter(user=person).exists() for person in joining
    ):
        check_may_make_owner_alone(actor)


def _bindings(group: Group) -> list[RoleBinding]:
    return list(RoleBinding.objects.filter(group=group).select_related("custom_role"))


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 200:
        raise InvalidInput(
            "A group needs a name.", fields={"name": ["Enter a name of up to 200 characters."]}
        )
    if has_unseen(name):
        msg = "The name holds signs that cannot be seen."
        raise InvalidInput(msg, fields={"name": [msg]})
    return name


def _save(group: Group) -> None:
    try:
        with atomic():
            group.save()
    except IntegrityError as error:
        msg = "There is a group with this name already."
        raise Conflict(msg, code="conflict.group_name", fields={"name": [msg]}) from error
