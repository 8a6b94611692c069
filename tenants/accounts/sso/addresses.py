"""Our addresses as a provider knows them: always on the company's canonical host, whatever host was asked."""

from django.urls import reverse

from tenants.accounts.models import IdentityProvider
from tenants.tenancy import addresses
from tenants.tenancy.addresses import canonical_address


def canonical_host() -> str:
    """The one host on which the company's sign-in addresses exist, with its port if that is not the usual one."""
    return addresses.with_port(addresses.canonical_host())


def entity_id(provider: IdentityProvider) -> str:
    """What we are called towards this provider; our metadata lies there."""
    return canonical_address(reverse("sso:saml_metadata", args=[provider.pk]))


def acs_url(provider: IdentityProvider) -> str:
    """Where this provider posts its responses."""
    return canonical_address(reverse("sso:saml_acs", args=[provider.pk]))


def slo_url(provider: IdentityProvider) -> str:
    """Where this provider sends people whom it signs out."""
    return canonical_address(reverse("sso:saml_slo", args=[provider.pk]))


def redirect_uri(provider: IdentityProvider) -> str:
    """Where this OpenID Connect provider sends people back to: one address per provider, against mix-ups."""
    return canonical_address(reverse("sso:oidc_callback", args=[provider.pk]))


def backchannel_logout_uri(provider: IdentityProvider) -> str:
    """Where this OpenID Connect provider says by itself whose sign-ins are over."""
    return canonical_address(reverse("sso:oidc_backchannel", args=[provider.pk]))


def signed_out_uri() -> str:
    """Where OpenID Connect providers send people whom they have signed out."""
    return canonical_address(reverse("account_login"))
