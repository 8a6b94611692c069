"""Our addresses as a provider knows them: always on the company's canonical host, whatever host was asked."""

from django.conf import settings
from django.urls import reverse

from tenants.accounts.models import IdentityProvider
from tenants.models import Domain
from tenants.tenancy import current_tenant


def canonical_host() -> str:
    """The one host on which the company's sign-in addresses exist, with its port if that is not the usual one."""
    tenant = current_tenant()
    named = (
        Domain.objects.filter(tenant_id=tenant.id, is_canonical=True).values_list("host", flat=True).first()
    )
    port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
    return f"{named or f'{tenant.slug}.{settings.BASE_DOMAIN}'}{port}"


def canonical_address(path: str) -> str:
    """An absolute address on the canonical host."""
    return f"{settings.PUBLIC_SCHEME}://{canonical_host()}{path}"


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
