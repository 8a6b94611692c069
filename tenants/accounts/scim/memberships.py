"""Who is in a directory's group: joined and left a few at a time, without reading who else is in it."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from tenants.accounts.access.catalogue import all_separations
from tenants.accounts.access.granting import (
    changing_access,
    check_separations,
    duties_of,
    withdraw_invitations_beyond,
)
from tenants.accounts.events import AccessChanged
from tenants.accounts.models import (
    Group,
    GroupMembership,
    Invitation,
    RoleBinding,
    ScimGroup,
    ScimPerson,
    User,
)
from tenants.accounts.sessions.services import end_sign_ins_of
from tenants.foundation.errors import InvalidInput
from tenants.outbox.bus import publish


def join(row: ScimGroup, user_ids: Collection[UUID]) -> int:
    """Take people of the directory into its group; return how many were not in it yet.

    Raises: InvalidInput (not a person of this directory), Conflict (duties that may not meet).
    """
    wanted = set(user_ids)
    if not wanted:
        return 0
    known = ScimPerson.objects.filter(directory=row.directory_id, deleted_at=None, user__in=wanted)
    if missing := wanted - set(known.values_list("user_id", flat=True)):
        msg = f"There is no such person in this directory: {min(missing)}."
        raise InvalidInput(msg, code="invalid_input.scim_member")
    memberships = GroupMembership.objects.filter(group=row.group_id)
    new = wanted - set(memberships.filter(user__in=wanted).values_list("user_id", flat=True))
    if not new:
        return 0
    bindings = roles_of(row.group_id)
    rows = [
        GroupMembership(group_id=row.group_id, user_id=user_id, source=Group.Source.SCIM)
        for user_id in sorted(new)
    ]
    if not bindings:
        GroupMembership.objects.bulk_create(rows, ignore_conflicts=True)
        return len(new)
    with changing_access():
        duties = duties_of(bindings)
        if any({each.first, each.second} & duties for each in all_separations()):
            check_separations(list(User.objects.filter(pk__in=new)), duties)
        GroupMembership.objects.bulk_create(rows, ignore_conflicts=True)
    end_sign_ins_of(new, because="role")
    return len(new)


def leave(row: ScimGroup, condition: Q | None = None) -> int:
    """Have people leave a directory's group: those the condition on memberships finds, or all of them."""
    memberships = GroupMembership.objects.filter(group=row.group_id)
    if condition is not None:
        memberships = memberships.filter(condition)
    bindings = roles_of(row.group_id)
    if not bindings:
        # What was shared with the group is theirs no more.
        if left := memberships.delete()[0]:
            publish(AccessChanged())
        return left
    with changing_access():
        leaving = set(memberships.values_list("user_id", flat=True))
        memberships.filter(user__in=leaving).delete()
        lost_roles(leaving)
    return len(leaving)


def replace(row: ScimGroup, user_ids: Collection[UUID]) -> tuple[int, int]:
    """Let exactly these people be in the group; return how many joined and left. Raises: as `join`."""
    left = leave(row, ~Q(user__in=set(user_ids)))
    return join(row, user_ids), left


def lost_roles(user_ids: Collection[UUID]) -> None:
    """What follows for people who lose roles: their sign-ins end, and invitations they could no longer give."""
    end_sign_ins_of(user_ids, because="role")
    inviting = Invitation.objects.filter(invited_by__in=user_ids, accepted_at=None, revoked_at=None)
    for person in User.objects.filter(pk__in=inviting.values("invited_by")):
        withdraw_invitations_beyond(person)


def roles_of(group_id: UUID) -> list[RoleBinding]:
    """What the people of a group get by it."""
    return list(RoleBinding.objects.filter(group=group_id).select_related("custom_role"))
