"""Signing out at an OpenID Connect provider (RP-initiated logout): offered after signing out here."""

from urllib.parse import urlencode, urlsplit
from uuid import UUID

from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso.addresses import signed_out_uri
from tenants.accounts.sso.oidc.discovery import discover
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.tenancy import atomic


def end_session_address(provider_id: UUID) -> str:
    """Where the provider ends a session of its own; asks the provider, so call it outside any transaction.

    No ID token goes along as a hint: none is kept here, so the provider asks the person whether they mean it.
    Raises: SsoRefused (not an OpenID Connect provider in use, or it has no such address).
    """
    with atomic():
        provider = IdentityProvider.objects.filter(pk=provider_id, kind=IdentityProvider.Kind.OIDC).first()
        back = signed_out_uri()
    if provider is None or not provider.is_offered:
        raise SsoRefused(Reason.NOT_OFFERED)
    address = discover(provider.issuer).end_session
    if not address:
        raise SsoRefused(Reason.DISCOVERY, "The provider has no sign-out of its own (end_session_endpoint).")
    asked = urlencode({"client_id": provider.client_id, "post_logout_redirect_uri": back})
    return f"{address}{'&' if urlsplit(address).query else '?'}{asked}"
