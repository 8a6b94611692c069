"""A company comes in: directory entry, keys, schema, host name, first owner; each step may be repeated."""

import re
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from tenants.accounts.access import SYSTEM, Role
from tenants.accounts.invitations.services import invite_user
from tenants.accounts.selectors import owners
from tenants.accounts.services import ensure_first_owner
from tenants.accounts.tidying import schedule_tidying
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.models import Domain, Tenant
from tenants.secrets.services import ensure_data_key
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.cells import choose_cell
from tenants.tenancy.directory import directory
from tenants.tenancy.provisioning import provision_schema
from tenants.tenancy.spares import reserve_schema

log = structlog.get_logger(__name__)
SLUG = re.compile(r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")
RESERVED = frozenset({"www", "api", "app", "admin", "mail", "static", "status", "support", "help", "docs"})
PLATFORM = "platform"


@dataclass(frozen=True)
class Onboarded:
    """What a new company gets: its owner at once (a password was given), or the token of the owner's invitation."""

    tenant: TenantRef
    address: str
    owner_id: UUID | None
    invitation: Secret | None


def onboard_tenant(
    *,
    slug: str,
    name: str,
    owner_email: str,
    owner_name: str,
    owner_password: str | None = None,
    language: str = "en",
    time_zone: str = "UTC",
    brand_color: str = "#5b5bd6",
) -> Onboarded:
    """Take a company in; a call that was cut short is finished by the same call.

    The tenant ``platform`` may be made without an owner (no ``owner_email``); it gets its first one by another call.

    Raises: InvalidInput (slug, name), Conflict (the slug is another company's).
    """
    check_slug(slug)
    if not name.strip():
        raise InvalidInput("A company needs a name.", fields={"name": ["Give the company a name."]})
    tenant = _reserve(slug, name.strip(), language, time_zone, brand_color)
    ensure_data_key(tenant)
    provision_schema(tenant)
    with tenant_scope(tenant.ref), atomic():
        schedule_tidying()
        owner_id, invitation = None, None
        if owner_email:
            owner_id, invitation = _bring_in_owner(owner_email, owner_name, owner_password)
    tenant.state = Tenant.State.ACTIVE
    tenant.save(update_fields=["state", "updated_at"])
    directory.forget()
    log.info("tenant.onboarded", tenant=slug)
    return Onboarded(tenant.ref, address_of(slug), owner_id, invitation)


def _bring_in_owner(email: str, name: str, password: str | None) -> tuple[UUID | None, Secret | None]:
    if password is not None:
        return ensure_first_owner(email=email, name=name, password=password).pk, None
    return None, invite_user(email=email, role=Role.OWNER, actor=SYSTEM, name=name).token


def check_slug(slug: str) -> None:
    """Refuse a slug that cannot be a host label or is reserved.

    Raises: InvalidInput.
    """
    if not SLUG.fullmatch(slug):
        raise InvalidInput(
            "This address cannot be used.",
            fields={
                "slug": ["Use 1–40 lower-case letters, digits and hyphens, not starting or ending with one."]
            },
        )
    if slug in RESERVED:
        raise InvalidInput("This address is reserved.", fields={"slug": ["Choose another address."]})


def address_of(slug: str) -> str:
    """Where a company's console answers."""
    port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
    return f"{settings.PUBLIC_SCHEME}://{slug}.{settings.BASE_DOMAIN}{port}"


def lacks_owner(tenant: Tenant) -> bool:
    """Whether this is the platform's tenant, made with the databases and nobody's so far."""
    if tenant.slug != PLATFORM or tenant.state != Tenant.State.ACTIVE:
        return False
    with tenant_scope(tenant.ref), atomic():
        return not owners().exists()


def _reserve(slug: str, name: str, language: str, time_zone: str, brand_color: str) -> Tenant:
    with transaction.atomic(using="default"):
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant is None:
            cell = choose_cell()
            place = reserve_schema(cell)
            tenant = Tenant.objects.create(
                pk=place.tenant_id, slug=slug, name=name, cell=cell, schema=place.schema, role=place.role,
                language=language, time_zone=time_zone, brand_color=brand_color,
            )  # fmt: skip
        elif tenant.state != Tenant.State.PROVISIONING and not lacks_owner(tenant):
            raise Conflict("Another company has this address.", code="tenants.slug_taken")
        Domain.objects.get_or_create(
            host=f"{slug}.{settings.BASE_DOMAIN}", defaults={"tenant": tenant, "is_canonical": True}
        )
    return tenant
