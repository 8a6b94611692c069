"""When single sign-on is the only way in: whose own credentials still count."""

from tenants.accounts.models import BreakGlassOwner, IdentityProvider, User
from tenants.accounts.sso import sso_log
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.foundation.ids import uuid7
from tenants.tenancy import atomic


def enforced_provider() -> IdentityProvider | None:
    """The provider that is the only way in, if one is."""
    with atomic():
        return IdentityProvider.objects.filter(state=IdentityProvider.State.ENFORCED).first()


def offered_providers() -> list[IdentityProvider]:
    """The providers that have a button on the sign-in page."""
    states = (IdentityProvider.State.ACTIVE, IdentityProvider.State.ENFORCED)
    with atomic():
        return list(IdentityProvider.objects.filter(state__in=states))


def may_use_own_credentials(user: User | None, visit: sso_log.Visit) -> bool:
    """Whether a password or passkey of this person's counts now; either way it is noted while one is enforced.

    None stands for nobody: a wrong password, an address nobody has. It is looked at and noted like one that is right
    and does not count, so that neither the answer nor what it costs says which it was.
    """
    provider = enforced_provider()
    if provider is None:
        return user is not None
    with atomic():
        asked_for = user.pk if user else uuid7()
        is_named = BreakGlassOwner.objects.filter(user=asked_for, user__is_active=True).exists()
        sso_log.note(
            event="break_glass.used" if is_named else "own_credentials",
            outcome=sso_log.Outcome.ACCEPTED if is_named else sso_log.Outcome.REFUSED,
            provider=provider,
            user=user,
            visit=visit,
            refused=None if is_named else SsoRefused(Reason.PASSWORD),
            detail="An emergency owner signed in with a credential of their own." if is_named else "",
            is_told=is_named,
        )
    return is_named
