"""Whose account a provider's answer opens: an existing one, a new one, or none."""

from dataclasses import dataclass
from typing import Final

import structlog
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role, RoleSource, ScopeType
from tenants.accounts.access.granting import (
    changing_access,
    wait_to_change_access,
    withdraw_invitations_beyond,
)
from tenants.accounts.invitations.services import take_up, use_up
from tenants.accounts.models import (
    BreakGlassOwner,
    EmailDomain,
    ExternalIdentity,
    GroupRule,
    IdentityProvider,
    Invitation,
    RoleBinding,
    User,
)
from tenants.accounts.services import create_user, normal_email
from tenants.accounts.sessions.services import end_sign_ins_of
from tenants.accounts.sso.claims import Claims
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.accounts.sso.withholding import Withheld, withheld_of
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.tenancy import atomic, wait_for_turn

log = structlog.get_logger(__name__)
# Nobody becomes an owner because of what another system says.
MAPPABLE_ROLES: Final = tuple(role for role in Role if role is not Role.OWNER)


@dataclass(frozen=True, slots=True)
class Arrival:
    """The account and how it was found; `withheld` are roles of their groups they may not have."""

    identity: ExternalIdentity
    user: User
    is_new_user: bool
    roles: tuple[str, ...]
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleChange:
    """What the next sign-in would mean for one person."""

    user: User
    gets: tuple[str, ...]
    loses: tuple[str, ...]
    withheld: tuple[Withheld, ...] = ()


@atomic
def arrive(provider: IdentityProvider, claims: Claims) -> Arrival:
    """Find or make the account of whoever signed in, and give the roles of their groups that they may have.

    Where that changes their roles, their other sign-ins end. Raises: SsoRefused.
    """
    if not claims.subject:
        raise SsoRefused(Reason.SUBJECT)
    wait_for_turn(f"sso-arrive-{provider.pk}-{claims.subject}")
    identity = (
        ExternalIdentity.objects.select_related("user")
        .filter(provider=provider, subject=claims.subject)
        .first()
    )
    is_new = False
    if identity is None:
        user, is_new = _account_for(provider, claims)
        identity = ExternalIdentity(provider=provider, subject=claims.subject, user=user)
    user = identity.user
    if not user.is_active:
        raise SsoRefused(Reason.DEACTIVATED, subject=claims.subject)
    identity.email, identity.groups = claims.email[:254], claims.groups
    identity.last_sign_in_at = timezone.now()
    identity.save()
    roles, withheld = _give_roles(provider, user, claims.groups)
    return Arrival(identity, user, is_new, roles, withheld)


def believed_email(claims: Claims) -> str:
    """Return the address if it may name an account here. Raises: SsoRefused.

    A provider may write any address into its answer; only those of domains the company has verified are believed.
    """
    if not claims.email:
        raise SsoRefused(Reason.EMAIL_MISSING, subject=claims.subject)
    if claims.is_email_verified is False:
        raise SsoRefused(
            Reason.EMAIL_UNVERIFIED, f"{claims.email} is not verified there.", subject=claims.subject
        )
    try:
        address = normal_email(claims.email)
    except InvalidInput as error:
        raise SsoRefused(
            Reason.EMAIL_MISSING, "The e-mail address is none.", subject=claims.subject
        ) from error
    domain = address.rpartition("@")[2]
    if not EmailDomain.objects.filter(domain=domain, state=EmailDomain.State.VERIFIED).exists():
        text = f"{address} is of no domain the company has verified. Add {domain} and its TXT record."
        raise SsoRefused(Reason.EMAIL_DOMAIN, text, subject=claims.subject)
    return address


def roles_of_groups(provider: IdentityProvider, groups: list[str]) -> frozenset[Role]:
    """The roles the rules give to somebody in these groups."""
    rules = GroupRule.objects.filter(provider=provider, group_name__in=groups).values_list("role", flat=True)
    return frozenset(Role(role) for role in rules)


def would_change(provider: IdentityProvider) -> list[RoleChange]:
    """Dry run: who would get and lose which roles if everybody signed in now with the groups last seen.

    And who would still not get one their groups give, because it may not meet another duty of theirs.
    """
    changes = []
    for identity in (
        ExternalIdentity.objects.filter(provider=provider).select_related("user").order_by("id")[:500]
    ):
        wanted, withheld = _allowed(identity.user, roles_of_groups(provider, identity.groups))
        lost, gained = _differences(identity.user, wanted)
        gets = tuple(sorted(role.value for role in gained))
        loses = tuple(sorted(role.value for role in lost))
        if gets or loses or withheld:
            changes.append(RoleChange(identity.user, gets, loses, withheld))
    return changes


def _account_for(provider: IdentityProvider, claims: Claims) -> tuple[User, bool]:
    address = believed_email(claims)
    wait_for_turn(f"sso-account-{address}")
    # Before an invitation is locked: whoever takes roles away takes this turn, and then revokes invitations.
    wait_to_change_access()
    user = User.objects.filter(email=address).first()
    if user is not None:
        if not user.is_active:
            raise SsoRefused(Reason.DEACTIVATED, subject=claims.subject)
        if ExternalIdentity.objects.filter(provider=provider, user=user).exists():
            text = f"{address} already signs in here as another subject of this provider."
            raise SsoRefused(Reason.EMAIL_TAKEN, text, subject=claims.subject)
        if BreakGlassOwner.objects.filter(user=user).exists():
            text = f"{address} is a break-glass owner: no provider may open that account."
            raise SsoRefused(Reason.EMAIL_TAKEN, text, subject=claims.subject)
        waiting = _open_invitation(address)
        if waiting is not None:
            # Let in as a guest since they were invited: the provider has proved who they are.
            try:
                with atomic():
                    take_up(waiting, user)
            except Conflict:
                log.info("sso.invitation_left", user_id=user.pk, invitation_id=waiting.pk)
        return user, False
    invitation = _open_invitation(address)
    if invitation is None and not provider.provisions_users:
        raise SsoRefused(Reason.NO_ACCOUNT, f"There is no account for {address}.", subject=claims.subject)
    user = create_user(
        email=address,
        name=(claims.name or address.partition("@")[0])[:120],
        role=Role(invitation.role) if invitation else Role(provider.default_role),
        password=None,
        actor=SYSTEM,
        source=RoleSource.INVITATION if invitation else RoleSource.JIT,
    )
    if invitation is not None:
        use_up(invitation, user)
    return user, True


def _open_invitation(address: str) -> Invitation | None:
    rows = Invitation.objects.select_for_update()
    return rows.filter(
        email=address, accepted_at=None, revoked_at=None, expires_at__gt=timezone.now()
    ).first()


def _held(user: User) -> tuple[frozenset[Role], frozenset[Role]]:
    """Company-wide roles by single sign-on, and by any other way."""
    bindings = RoleBinding.objects.filter(user=user, custom_role=None, scope_type="company")
    pairs = [(Role(role), source) for role, source in bindings.values_list("role", "source")]
    by_sso = frozenset(role for role, source in pairs if source == RoleSource.SSO)
    return by_sso, frozenset(role for role, source in pairs if source != RoleSource.SSO)


def _give_roles(
    provider: IdentityProvider, user: User, groups: list[str]
) -> tuple[tuple[str, ...], tuple[Withheld, ...]]:
    by_groups = roles_of_groups(provider, groups)
    wanted, withheld = _allowed(user, by_groups)
    if any(_differences(user, wanted)):
        with changing_access():
            # Looked at again: somebody may have changed them while this waited for its turn.
            wanted, withheld = _allowed(user, by_groups)
            lost, gained = _differences(user, wanted)
            _bring_to(user, lost, gained)
            withdraw_invitations_beyond(user)
        # As after a change by hand. Whoever is coming in now has no sign-in yet: that one is made afterwards.
        end_sign_ins_of([user.pk], because="role")
        log.info("sso.roles_changed", user_id=user.pk, gained=len(gained), lost=len(lost))
    return tuple(sorted(role.value for role in wanted)), withheld


def _allowed(user: User, wanted: frozenset[Role]) -> tuple[frozenset[Role], tuple[Withheld, ...]]:
    withheld = withheld_of(user, wanted)
    return wanted - {each.role for each in withheld}, withheld


def _differences(user: User, wanted: frozenset[Role]) -> tuple[frozenset[Role], frozenset[Role]]:
    """Which roles they lose and which they gain. One query."""
    held, others = _held(user)
    return held - wanted, wanted - held - others


def _bring_to(user: User, lost: frozenset[Role], gained: frozenset[Role]) -> None:
    company_wide = RoleBinding.objects.filter(user=user, scope_type=ScopeType.COMPANY)
    company_wide.filter(source=RoleSource.SSO, role__in=[role.value for role in lost]).delete()
    for role in gained:
        RoleBinding.objects.get_or_create(
            user=user,
            role=role,
            scope_type=ScopeType.COMPANY,
            scope_id=None,
            defaults={"source": RoleSource.SSO.value},
        )
