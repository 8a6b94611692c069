"""When single sign-on is the only way in: whose own credentials still count."""

from tenants.accounts.models import BreakGlassOwner, IdentityProvider, User
from tenants.accounts.sso import sso_log
from tenants.accounts.sso.reasons import Reason, SsoRefused
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


def may_use_own_credentials(user: User, visit: sso_log.Visit) -> bool:
    """Whether a password or passkey of this person's counts now; either way it is noted while one is enforced."""
    provider = enforced_provider()
    if provider is None:
        return True
    with atomic():
        is_named = BreakGlassOwner.objects.filter(user=user, user__is_active=True).exists()
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
