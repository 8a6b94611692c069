"""A company comes in: a saga of steps that anybody can take up again, for a caller who waits for it."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth.hashers import make_password

from tenants.accounts.access import SYSTEM, Role
from tenants.accounts.invitations.services import invite_user
from tenants.accounts.models import User
from tenants.accounts.selectors import owners
from tenants.accounts.services import check_password, ensure_first_owner, normal_email
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.foundation.platform import PLATFORM_SLUG
from tenants.lifecycle.onboarding_steps import ONBOARD, has_open_invitation, seal_hash, slug_taken
from tenants.lifecycle.operations import (
    abandon,
    ask_for_run,
    carry_out,
    run_operation,
    start_operation,
    wait_for,
)
from tenants.lifecycle.retired_names import is_retired
from tenants.models import Operation, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.addresses import address_of
from tenants.tenancy.errors import OwnerElsewhere

log = structlog.get_logger(__name__)
# How long a request waits for the workers to make a schema; they go on after that.
WORKERS_SECONDS = 30.0
# Hyphens in the third and fourth place say that a browser shows another name: letters that look like somebody else's.
SLUG = re.compile(r"^(?!..--)[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")
RESERVED = frozenset({"www", "api", "app", "admin", "mail", "static", "status", "support", "help", "docs"})


@dataclass(frozen=True, kw_only=True)
class NewCompany:
    """What a company is to be, and who will own it; without a password the owner is invited."""

    slug: str
    name: str
    owner_email: str
    owner_name: str
    owner_password: str | None = None
    language: str = "en"
    time_zone: str = "UTC"
    brand_color: str = "#5b5bd6"
    region: str = ""


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
    region: str = "",
    asked_by: str = "",
) -> Onboarded:
    """Take a company in; a call that was cut short is finished by the same call, or by the workers before long.

    The tenant ``platform`` may be made without an owner (no ``owner_email``); it gets its first one by another call.
    Nothing is left of a company that could not be taken in.

    Raises: InvalidInput (slug, name, address, password, region), Conflict (the slug is another company's, no cell has
    room, somebody else is just taking this company in), NotIsolated, DatabaseError.
    """
    wanted = NewCompany(
        slug=slug, name=name, owner_email=owner_email, owner_name=owner_name, owner_password=owner_password,
        language=language, time_zone=time_zone, brand_color=brand_color, region=region,
    )  # fmt: skip
    owner = checked_owner(wanted)
    standing = Tenant.objects.filter(slug=slug).first()
    if standing is not None and lacks_owner(standing):
        return _name_owner(standing, owner, owner_password)
    if not _is_finished_now(slug, owner["email"]):
        _carry_out(_written_down(wanted, owner, asked_by=asked_by))
    tenant = Tenant.objects.get(slug=slug)
    log.info("tenant.onboarded", tenant=slug)
    with tenant_scope(tenant.ref), atomic():
        return _onboarded(tenant, owner)


def write_down_onboarding(wanted: NewCompany, *, asked_by: str) -> Operation:
    """Note that a company is to be taken in; :func:`ask_for_run` has the workers do it once this is committed.

    Raises: InvalidInput (slug, name, address, password, region), Conflict (the slug is another company's).
    """
    owner = checked_owner(wanted)
    is_taken = Tenant.objects.filter(slug=wanted.slug).exists() or is_retired(wanted.slug)
    under_way = Operation.objects.filter(kind=ONBOARD, tenant_slug=wanted.slug, state__in=Operation.OPEN)
    if is_taken or under_way.exists():
        raise slug_taken()
    if wanted.region and not any(
        policy.region == wanted.region for policy in settings.CELL_POLICIES.values()
    ):
        raise InvalidInput(
            "There is no such region.", fields={"region": ["Choose one of the regions there are."]}
        )
    return _written_down(wanted, owner, asked_by=asked_by)


def checked_owner(wanted: NewCompany) -> dict[str, str]:
    """The owner's address in its normal form, and name. Raises: InvalidInput (slug, name, address, password)."""
    check_slug(wanted.slug)
    if not wanted.name.strip():
        raise InvalidInput("A company needs a name.", fields={"name": ["Give the company a name."]})
    is_needed = bool(wanted.owner_email) or wanted.slug != PLATFORM_SLUG
    owner = {
        "email": normal_email(wanted.owner_email) if is_needed else "",
        "name": wanted.owner_name,
    }
    if wanted.owner_password is not None:
        check_password(wanted.owner_password, User(email=owner["email"], name=owner["name"]))
    return owner


def _written_down(wanted: NewCompany, owner: dict[str, str], *, asked_by: str) -> Operation:
    values: dict[str, Any] = {
        "slug": wanted.slug, "name": wanted.name.strip(), "language": wanted.language,
        "time_zone": wanted.time_zone, "brand_color": wanted.brand_color, "region": wanted.region, "owner": owner,
    }  # fmt: skip
    if wanted.owner_password is not None:
        hashed = make_password(wanted.owner_password)
        values["sealed_hash"] = seal_hash(hashed, slug=wanted.slug, email=owner["email"])
    return start_operation(
        kind=ONBOARD, tenant_id=None, tenant_slug=wanted.slug, asked_by=asked_by, values=values
    )


def waits_for_owner(tenant: Tenant) -> bool:
    """Whether a company has nobody yet but an invited owner. Its schema must stand."""
    with tenant_scope(tenant.ref), atomic():
        return bool(_invited_owner(tenant).get("email")) and not owners().exists()


def issue_owners_link(tenant: Tenant) -> Secret | None:
    """A new link for the owner who was invited and has not come yet; the one before is worth nothing any more.

    None when nobody is waited for. Its doors must be open.
    """
    if not waits_for_owner(tenant):
        return None
    owner = _invited_owner(tenant)
    with tenant_scope(tenant.ref), atomic():
        return invite_user(
            email=owner["email"], role=Role.OWNER, actor=SYSTEM, name=owner.get("name", "")
        ).token


def _invited_owner(tenant: Tenant) -> dict[str, str]:
    operation = Operation.objects.filter(kind=ONBOARD, tenant_id=tenant.pk).order_by("-created_at").first()
    found: dict[str, str] = operation.input.get("owner", {}) if operation else {}
    return found


def give_up_onboarding(operation_id: UUID, *, reason: str) -> Operation:
    """Take a company back that could not be taken in: nothing of it is left. Raises: NotFound, Conflict."""
    operation = Operation.objects.filter(pk=operation_id, kind=ONBOARD).first()
    tenant = _tenant_of(operation) if operation else None
    if tenant is not None and tenant.state != Tenant.State.PROVISIONING:
        raise Conflict("This company is open: it can be deleted, not taken back.", code="onboarding.is_open")
    return abandon(operation_id, reason=reason)


def _tenant_of(operation: Operation) -> Tenant | None:
    return Tenant.objects.filter(pk=operation.tenant_id).first() if operation.tenant_id else None


def _is_finished_now(slug: str, owner_email: str) -> bool:
    """Go on with what an earlier call left; False when there is nothing left of it.

    Raises: Conflict (it is another company's, is being taken in for another owner, or somebody is at it).
    """
    left = Operation.objects.filter(kind=ONBOARD, tenant_slug=slug, state__in=Operation.OPEN).first()
    if left is None:
        if Tenant.objects.filter(slug=slug).exclude(state=Tenant.State.PROVISIONING).exists():
            raise slug_taken()
        return False
    if left.state == Operation.State.RUNNING:
        theirs = left.input["owner"]["email"]
        if owner_email and theirs and owner_email != theirs:  # the platform's may have none
            raise slug_taken()  # or the caller would be told of success for a company that is somebody else's
        _carry_out(left)
        return True
    if run_operation(left.pk).state in Operation.OPEN:
        raise Conflict("This company is just being taken back.", code="operations.under_way")
    return False


def _carry_out(operation: Operation) -> None:
    """Do it, and leave to the platform's workers what this process may not: making a schema where no spare stands.

    Raises: what :func:`carry_out` raises, Conflict when the workers undid it or have not done it in time.
    """
    try:
        carry_out(operation.pk)
    except OwnerElsewhere:
        ask_for_run(operation)
        wait_for(operation.pk, seconds=WORKERS_SECONDS)


def _name_owner(tenant: Tenant, owner: dict[str, str], password: str | None) -> Onboarded:
    if not owner["email"]:
        raise InvalidInput(
            "The platform needs an owner.", fields={"owner_email": ["Enter an e-mail address."]}
        )
    with tenant_scope(tenant.ref), atomic():
        if password is None:
            link = invite_user(email=owner["email"], role=Role.OWNER, actor=SYSTEM, name=owner["name"]).token
            return Onboarded(tenant.ref, address_of(tenant.slug), None, link)
        user = ensure_first_owner(email=owner["email"], name=owner["name"], password=password)
    return Onboarded(tenant.ref, address_of(tenant.slug), user.pk, None)


def _onboarded(tenant: Tenant, owner: dict[str, str]) -> Onboarded:
    """What the caller is told; an invited owner's link is made here, for it is kept nowhere."""
    address, owner_id, link = address_of(tenant.slug), None, None
    first = owners().select_related("user").order_by("pk").first()
    if first is not None:
        owner_id = first.user_id
    elif owner["email"] and has_open_invitation(owner["email"]):
        link = invite_user(email=owner["email"], role=Role.OWNER, actor=SYSTEM, name=owner["name"]).token
    return Onboarded(tenant.ref, address, owner_id, link)


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


def lacks_owner(tenant: Tenant) -> bool:
    """Whether this is the platform's tenant, made with the databases and nobody's so far."""
    if tenant.slug != PLATFORM_SLUG or tenant.state != Tenant.State.ACTIVE:
        return False
    with tenant_scope(tenant.ref), atomic():
        return not owners().exists()
