"""Where a company is reached from outside: the one home for scheme, host and port of our own addresses."""

from django.conf import settings
from django.db.models import Q

from tenants.models import Domain
from tenants.tenancy.context import current_tenant


def public_address(host: str, path: str = "") -> str:
    """Return an absolute address on a host of ours, with the port the world sees, whatever port was asked."""
    return f"{settings.PUBLIC_SCHEME}://{with_port(host)}{path}"


def with_port(host: str) -> str:
    """Return the host with the port the world sees, if that is not the scheme's usual one."""
    return f"{host}:{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else host


def canonical_host() -> str:
    """The current tenant's one host for good: providers of sign-ins and directories know it. One query."""
    tenant = current_tenant()
    rows = Domain.objects.filter(tenant_id=tenant.id, is_canonical=True)
    return rows.values_list("host", flat=True).first() or host_of_slug(tenant.slug)


def canonical_address(path: str = "") -> str:
    """An absolute address on the canonical host: where sign-ins by providers and directories arrive."""
    return public_address(canonical_host(), path)


def primary_host() -> str:
    """The host people are led to by letters and links: the one the company chose, else the canonical one. One query."""
    tenant = current_tenant()
    rows = Domain.objects.filter(tenant_id=tenant.id).filter(
        Q(is_canonical=True) | Q(custom_domain__is_primary=True)
    )
    return rows.order_by("is_canonical").values_list("host", flat=True).first() or host_of_slug(tenant.slug)


def primary_address(path: str = "") -> str:
    """An absolute address as letters and links name it."""
    return public_address(primary_host(), path)


def host_of_slug(slug: str) -> str:
    """The host every company gets when it is taken in."""
    return f"{slug}.{settings.BASE_DOMAIN}"


def address_of(slug: str) -> str:
    """Where the console of the company with this slug answers from its first day on. Sends no query."""
    return public_address(host_of_slug(slug))
