"""Sending people to a SAML provider with a signed request."""

from onelogin.saml2.auth import OneLogin_Saml2_Auth

from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso.addresses import acs_url
from tenants.accounts.sso.pending import Begun
from tenants.accounts.sso.saml.own_keys import own_keys
from tenants.accounts.sso.saml.settings import request_data, settings_for


def request_address(provider: IdentityProvider, begun: Begun) -> str:
    """Return the provider's address with our signed request in it; its id is kept with the sign-in."""
    path = "/" + acs_url(provider).partition("://")[2].partition("/")[2]
    auth = OneLogin_Saml2_Auth(request_data(path), old_settings=settings_for(provider, own_keys()))
    address = str(auth.login(return_to=begun.state, set_nameid_policy=False))
    begun.row.request_id = auth.get_last_request_id()
    begun.row.save(update_fields=["request_id"])
    return address
