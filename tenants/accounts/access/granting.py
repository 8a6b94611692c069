"""The rules of giving and taking: only what one holds, never the last owner, no two duties that may not meet."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from django.utils import timezone

from tenants.accounts.access.actors import Actor, SystemActor
from tenants.accounts.access.catalogue import (
    Sensitivity,
    all_permissions,
    broken_separations,
    codes_of,
    is_known,
)
from tenants.accounts.access.gathering import bindings_of, gathered_actor, holding_of
from tenants.accounts.access.holdings import Holding
from tenants.accounts.access.left_alone import lasting_holders, note_who_is_left
from tenants.accounts.access.roles import Role, ScopeType
from tenants.accounts.events import AccessChanged
from tenants.accounts.models import Invitation, RoleBinding, User
from tenants.accounts.models.role_binding import RoleBindingQuerySet
from tenants.foundation.errors import Conflict, Forbidden
from tenants.outbox.bus import publish
from tenants.tenancy import wait_for_turn

_PLATFORM = "platform."


def lasting_owners() -> RoleBindingQuerySet:
    """The owner roles that keep a company: of people who can sign in, in their own name, without an end."""
    return RoleBinding.objects.company_wide().filter(
        role=Role.OWNER, user__is_active=True, expires_at__isnull=True
    )


def wait_to_change_access() -> None:
    """Let one transaction of the company at a time change who may do what, until it ends.

    Whoever also locks a person, an invitation or a role takes this turn first, as everybody does who changes them.
    """
    wait_for_turn("accounts.access")


@contextmanager
def changing_access() -> Iterator[None]:
    """One change of who may do what at a time, and none that leaves a company without the owner it had.

    A role with an end, or one that comes by a group, does not count: it can go without anybody here doing anything.
    Whoever depends on what people may do hears of it (`AccessChanged`). Raises: Conflict.
    """
    # Two owners who demote each other at the same moment wait for one another here, whichever rows they touch.
    wait_to_change_access()
    had_owner, holders = lasting_owners().exists(), lasting_holders()
    yield
    if had_owner and not lasting_owners().exists():
        raise Conflict("A company keeps at least one owner.", code="conflict.last_owner")
    note_who_is_left(holders)
    publish(AccessChanged())


def check_may_grant(actor: Actor, given: Holding) -> None:
    """Let only those give something who hold all of it themselves, there. Raises: Forbidden."""
    if isinstance(actor, SystemActor):
        return
    missing = given.without(_PLATFORM) if not actor.holding.covers(given) else None
    if missing is not None and not actor.holding.covers(missing):
        codes = sorted(missing.anywhere() - actor.holding.everywhere)
        raise Forbidden(
            "You can give only roles up to your own.",
            code="forbidden.role_above_own",
            params={"missing": codes},
        )


def check_may_give_role(actor: Actor, role: Role) -> None:
    """Let only those give a built-in role who hold as much themselves. Raises: Forbidden."""
    check_may_grant(actor, Holding(codes_of(role)))


def may_give_role(actor: Actor, role: Role) -> bool:
    """Say whether an actor may give a built-in role to somebody."""
    try:
        check_may_give_role(actor, role)
    except Forbidden:
        return False
    return True


def check_reaches(actor: Actor, user: User) -> None:
    """Let only those decide about a person who hold all that the person holds. Raises: Forbidden."""
    if isinstance(actor, SystemActor) or actor.user_id == user.pk:
        return
    # What the actor's person holds: a token made for this one permission may use it on everyone its person reaches.
    if not actor.own_holding.covers(gathered_actor(user).own_holding):
        raise Forbidden("This person's role is higher than yours.", code="forbidden.person_above")


def check_may_shut_out(actor: Actor, user: User) -> None:
    """Let those shut a person out, or in again, who hold every sensitive permission the person holds.

    Work on tasks does not count: whoever looks after security shuts out people who hold what they do not.
    Raises: Forbidden.
    """
    if isinstance(actor, SystemActor) or actor.user_id == user.pk:
        return
    theirs = gathered_actor(user)
    is_above = Role.OWNER in theirs.roles and Role.OWNER not in actor.roles
    if is_above or not actor.own_holding.covers(weighty_part(theirs.own_holding)):
        raise Forbidden("This person's role is higher than yours.", code="forbidden.person_above")


def weighty_part(held: Holding) -> Holding:
    """What of a holding is sensitive: the rest is everyday work."""
    weighty = [each.code for each in all_permissions() if each.sensitivity is not Sensitivity.NORMAL]
    return held.limited_to(weighty)


def duties_of(bindings: Iterable[RoleBinding]) -> set[str]:
    """The built-in roles among some bindings, and the codes of the company's own roles."""
    duties: set[str] = set()
    for binding in bindings:
        duties |= {binding.role} if binding.role else set(binding.custom_role.codes)  # type: ignore[union-attr]
    return duties


def check_separations(users: Collection[User], added: Collection[str] = ()) -> None:
    """Refuse to let duties meet in one person that may not, by whatever way each of them comes. Raises: Conflict."""
    for user in users:
        duties = duties_of(bindings_of(user).select_related("custom_role")) | set(added)
        for broken in broken_separations(duties):
            raise Conflict(
                f"{user.name or user.email} would hold two duties that stay apart. {broken.why}",
                code="conflict.separation_of_duties",
                params={"first": broken.first, "second": broken.second},
            )


def withdraw_invitations_beyond(user: User) -> None:
    """Revoke a person's open invitations to what they may no longer give: nobody comes in on a right that is gone."""
    actor = gathered_actor(user)
    is_inviting = actor.holds("accounts.invite_users")
    beyond = [role for role in Role if not (is_inviting and may_give_role(actor, role))]
    open_ones = Invitation.objects.filter(invited_by=user, accepted_at=None, revoked_at=None)
    open_ones.filter(role__in=beyond).update(revoked_at=timezone.now())
    for invitation in open_ones.exclude(custom_role=None).select_related("custom_role"):
        codes = invitation.custom_role.codes if invitation.custom_role else []
        if not actor.holding.covers(Holding(frozenset(code for code in codes if is_known(code)))):
            invitation.revoked_at = timezone.now()
            invitation.save(update_fields=["revoked_at"])


def given_by(binding: RoleBinding) -> Holding:
    """What a binding gives its holder."""
    codes = binding.custom_role.codes if binding.custom_role else None
    return holding_of(binding.role, codes, ScopeType(binding.scope_type), binding.scope_id)
