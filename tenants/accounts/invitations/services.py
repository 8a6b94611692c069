"""Invitations: made by an administrator, accepted once by whoever holds the link."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Actor, Role, RoleSource, ScopeType, codes_of, require
from tenants.accounts.access.catalogue import is_known
from tenants.accounts.access.gathering import gathered_actor
from tenants.accounts.access.granting import (
    changing_access,
    check_may_give_role,
    check_may_grant,
    check_separations,
    wait_to_change_access,
)
from tenants.accounts.access.holdings import Holding
from tenants.accounts.access.second_person import check_may_make_owner_alone
from tenants.accounts.keyed_hashes import keyed_hash, random_public_id, random_secret
from tenants.accounts.models import CustomRole, Invitation, RoleBinding, User
from tenants.accounts.services import check_password, create_user, email_taken, normal_email
from tenants.accounts.sessions.services import end_sign_ins
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.tenancy import atomic, wait_for_turn

log = structlog.get_logger(__name__)

VALID_FOR: Final = timedelta(days=7)
_PURPOSE: Final = "invitation"
_PREFIX: Final = "nts_invite_"


@dataclass(frozen=True, slots=True)
class IssuedInvitation:
    """An invitation and its link's token, which is seen here and never again."""

    invitation: Invitation
    token: Secret


@atomic
def invite_user(
    *, email: str, role: Role, actor: Actor, name: str = "", custom_role: CustomRole | None = None
) -> IssuedInvitation:
    """Invite somebody; a second invitation of the same address takes the place of an open first one.

    They get the built-in role, and beside it one of the company's own if wanted.
    Raises: Forbidden (also for a role above one's own), InvalidInput (address), Conflict (already here).
    """
    require(actor, "accounts.invite_users")
    check_may_give_role(actor, role)
    if custom_role is not None:
        check_may_grant(actor, Holding(frozenset(code for code in custom_role.codes if is_known(code))))
    if role is Role.OWNER:
        check_may_make_owner_alone(actor)
    address = normal_email(email)
    if User.objects.filter(email=address).exists():
        raise email_taken()
    # The table lets one open invitation of an address be: the second of two at once takes the place of the first.
    wait_for_turn(f"accounts.invitation/{address}")
    Invitation.objects.select_for_update().filter(email=address, accepted_at=None, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    token = f"{_PREFIX}{random_public_id()}_{random_secret()}"
    invitation = Invitation.objects.create(
        email=address,
        name=name.strip(),
        role=role,
        custom_role=custom_role,
        token_hash=keyed_hash(_PURPOSE, token),
        invited_by_id=actor.user_id,
        expires_at=timezone.now() + VALID_FOR,
    )
    log.info("invitation.issued", invitation_id=invitation.pk, role=role)
    return IssuedInvitation(invitation, Secret(token))


@atomic
def renew_invitation(*, invitation: Invitation, actor: Actor) -> IssuedInvitation:
    """Make a new link in place of a lost or expired one. Raises: Forbidden, Conflict (accepted)."""
    if invitation.state == Invitation.State.ACCEPTED:
        raise Conflict("This invitation was accepted.", code="conflict.invitation_accepted")
    return invite_user(
        email=invitation.email,
        role=Role(invitation.role),
        actor=actor,
        name=invitation.name,
        custom_role=invitation.custom_role,
    )


@atomic
def revoke_invitation(*, invitation: Invitation, actor: Actor) -> Invitation:
    """Make an invitation's link worthless. Raises: Forbidden, Conflict (it was accepted)."""
    require(actor, "accounts.invite_users")
    current = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if current.accepted_at is not None:
        raise Conflict("This invitation was accepted.", code="conflict.invitation_accepted")
    if current.revoked_at is None:
        current.revoked_at = timezone.now()
        current.save(update_fields=["revoked_at"])
        log.info("invitation.revoked", invitation_id=current.pk)
    return current


@atomic
def open_invitation(token: str, *, lock: bool = False) -> Invitation:
    """Find the invitation a link leads to.

    Raises: NotFound, alike for links that are unknown, used, revoked and expired.
    """
    rows = Invitation.objects.select_for_update() if lock else Invitation.objects.all()
    invitation = None
    if token.startswith(_PREFIX) and token.isascii():
        invitation = rows.filter(token_hash=keyed_hash(_PURPOSE, token)).first()
    if invitation is None or invitation.state != Invitation.State.OPEN:
        raise NotFound(
            "This invitation is not valid any more. Ask for a new one.", code="not_found.invitation"
        )
    return invitation


@atomic
def accept_invitation(*, token: str, name: str, password: str) -> User:
    """Let the holder of a link in, with a name and a password of their choice; the link is used up.

    Raises: NotFound (link), InvalidInput (name, password), Conflict (the address came in another way).
    """
    invitation = open_invitation(token, lock=True)
    if not name.strip():
        raise InvalidInput("A person needs a name.", fields={"name": ["Enter a name."]})
    check_password(password, User(email=invitation.email, name=name.strip()))
    user = create_user(
        email=invitation.email,
        name=name,
        role=Role(invitation.role),
        password=password,
        actor=SYSTEM,
        source=RoleSource.INVITATION,
    )
    use_up(invitation, user)
    log.info("invitation.accepted", invitation_id=invitation.pk, user_id=user.pk)
    return user


@atomic
def accept_as(*, token: str, user: User, name: str, password: str = "") -> User:
    """Let somebody who is here as a guest already, and signed in, take up an invitation to more.

    Only they themselves: who invites has the link as well, and must not come into an account that is somebody else's.
    A password is wanted where they have none. Their sign-ins end, as whenever a role changes.
    Raises: NotFound (link), Forbidden (another person), InvalidInput (name, password), Conflict (no guest any more).
    """
    wait_to_change_access()
    invitation = open_invitation(token, lock=True)
    if user.email != invitation.email:
        raise Forbidden("This invitation is somebody else's.", code="forbidden.not_invited")
    current = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not name.strip():
        raise InvalidInput("A person needs a name.", fields={"name": ["Enter a name."]})
    if not current.has_usable_password():
        check_password(password, current)
        current.set_password(password)
    current.name = name.strip()
    current.save(update_fields=["name", "password", "updated_at"])
    take_up(invitation, current)
    log.info("invitation.taken_up", invitation_id=invitation.pk, user_id=user.pk)
    return current


def take_up(invitation: Invitation, user: User) -> None:
    """Give a guest the role of their open invitation in place of the guest's; their sign-ins end.

    Whoever has locked the invitation waited for the turn of changes of access before.
    Raises: Conflict (they are no guest any more, or duties that may not meet).
    """
    if not gathered_actor(user).own_holding.everywhere <= codes_of(Role.GUEST):
        raise email_taken()
    with changing_access():
        RoleBinding.objects.filter(user=user, role=Role.GUEST, scope_type=ScopeType.COMPANY).delete()
        RoleBinding.objects.get_or_create(
            user=user,
            role=invitation.role,
            scope_type=ScopeType.COMPANY,
            defaults={"source": RoleSource.INVITATION.value, "granted_by": invitation.invited_by},
        )
        check_separations([user])
        use_up(invitation, user)
    end_sign_ins(user, because="role")


def who_is_here(invitation: Invitation) -> User | None:
    """The account an invited address has already: they were let in as a guest meanwhile."""
    return User.objects.filter(email=invitation.email, is_active=True, support_account=None).first()


def use_up(invitation: Invitation, user: User) -> None:
    """Give who came in by an invitation the company's own role it names, and let nobody come by it again.

    Raises: Conflict (duties that may not meet).
    """
    if invitation.custom_role is not None:
        RoleBinding.objects.create(
            user=user,
            custom_role=invitation.custom_role,
            source=RoleSource.INVITATION.value,
            granted_by=invitation.invited_by,
        )
        check_separations([user])
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
