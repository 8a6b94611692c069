"""The steps by which a company comes in: each may be repeated after it was cut short at any place, and undone."""

import base64
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from tenants.accounts.access import SYSTEM, Role
from tenants.accounts.invitations.services import invite_user
from tenants.accounts.models import Invitation
from tenants.accounts.selectors import owners
from tenants.accounts.services import ensure_first_owner, normal_email
from tenants.accounts.tidying import schedule_tidying
from tenants.foundation.crypto import WrappedKey, length_prefixed
from tenants.foundation.errors import Conflict
from tenants.lifecycle.operations import Run, Step, register_saga
from tenants.lifecycle.retired_names import is_retired
from tenants.lifecycle.spares import want_spares
from tenants.lifecycle.transitions import change_state
from tenants.models import DataKey, Domain, Tenant
from tenants.secrets.keys import key_encryption_keys
from tenants.secrets.services import ensure_data_key
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.addresses import host_of_slug
from tenants.tenancy.cells import choose_cell, hold_room
from tenants.tenancy.directory import directory
from tenants.tenancy.provisioning import drop_schema, provision_schema
from tenants.tenancy.self_test import check_isolation
from tenants.tenancy.sizes import has_schema
from tenants.tenancy.spares import reserve_schema

ONBOARD: Final = "onboard"
PROVISIONING: Final = Tenant.State.PROVISIONING


@dataclass(frozen=True, slots=True)
class OwnersPassword:
    """What the sealed hash of a first owner's password belongs to: it opens for this company and address only."""

    slug: str
    email: str

    def as_bytes(self) -> bytes:
        """Return the context in the form it is authenticated in."""
        return length_prefixed(b"nts-first-owner", self.slug.encode(), self.email.encode())


def seal_hash(password_hash: str, *, slug: str, email: str) -> dict[str, str]:
    """The hash of a password in a form that may wait in an operation's row. Raises: KeysMisconfigured."""
    wrapped = key_encryption_keys().wrap(password_hash.encode(), OwnersPassword(slug, email))
    return {"kek": wrapped.kek_id, "blob": base64.b64encode(wrapped.blob).decode()}


def open_hash(sealed: dict[str, str], *, slug: str, email: str) -> str:
    """The hash again. Raises: CryptoError."""
    wrapped = WrappedKey(sealed["kek"], base64.b64decode(sealed["blob"]))
    return key_encryption_keys().unwrap(wrapped, OwnersPassword(slug, email)).decode()


def reserve(run: Run) -> None:
    """Take the slug, the host name and a place in a cell; a spare schema where there is one.

    Raises: Conflict (the slug was another company's, or is being taken by another call), InvalidInput (region).
    """
    if "tenant_id" in run.context:
        return
    wanted = run.input
    host = host_of_slug(wanted["slug"])
    if is_retired(wanted["slug"]) or is_retired(host):
        raise slug_taken()
    while not _is_reserved_in(choose_cell(wanted["region"] or None), run, host):
        pass  # others have just taken its last place


def _is_reserved_in(cell: str, run: Run, host: str) -> bool:
    """Take slug, host name and a place in this cell; False when it has become full. Raises: Conflict."""
    wanted = run.input
    try:
        with transaction.atomic(using="default"):
            tenant = Tenant.objects.select_for_update().filter(slug=wanted["slug"]).first()
            if tenant is None:
                if not hold_room(cell):
                    return False
                tenant = _new_tenant(wanted, cell)
            elif tenant.state != PROVISIONING:
                raise slug_taken()
            domain, _ = Domain.objects.get_or_create(
                host=host, defaults={"tenant": tenant, "is_canonical": True}
            )
            if domain.tenant_id != tenant.pk:
                raise slug_taken()
            run.belongs_to(tenant.pk)
    except IntegrityError as error:
        raise slug_taken() from error
    return True


def slug_taken() -> Conflict:
    """The error for an address that is somebody's, was somebody's or is just being taken."""
    message = "Another company has this address."
    return Conflict(message, code="tenants.slug_taken", fields={"slug": ["This address is taken."]})


def _new_tenant(wanted: dict[str, str], cell: str) -> Tenant:
    place = reserve_schema(cell)
    transaction.on_commit(want_spares, using="default", robust=True)
    return Tenant.objects.create(
        pk=place.tenant_id, slug=wanted["slug"], name=wanted["name"], cell=cell, schema=place.schema,
        role=place.role, region=settings.CELL_POLICIES[cell].region, language=wanted["language"],
        time_zone=wanted["time_zone"], brand_color=wanted["brand_color"],
    )  # fmt: skip


def release(run: Run) -> None:
    """Give everything back: the schema a spare came with, keys, host name and slug.

    Raises: Conflict for a company whose doors are open already.
    """
    tenant = _tenant_or_none(run)
    if tenant is None:
        return
    if tenant.state != PROVISIONING:
        raise Conflict("This company is open: it can be deleted, not taken back.", code="onboarding.is_open")
    drop_schema(tenant)
    DataKey.objects.filter(tenant=tenant).delete()
    tenant.delete()
    directory.forget()


def make_key(run: Run) -> None:
    """Give the company its data key. Raises: KeysMisconfigured."""
    ensure_data_key(_tenant(run))


def make_schema(run: Run) -> None:
    """Make the schema and the role, unless a spare was taken. Raises: OwnerElsewhere where this process may not."""
    tenant = _tenant(run)
    if not has_schema(tenant.cell, tenant.schema):
        provision_schema(tenant)


def bring_in_owner(run: Run) -> None:
    """Make the first owner, or an invitation for them whose link is given out later. The platform may have neither."""
    owner = run.input["owner"]
    if not owner["email"]:
        return
    with tenant_scope(_tenant(run).ref), atomic():
        if sealed := run.input.get("sealed_hash"):
            stored = open_hash(sealed, slug=run.input["slug"], email=owner["email"])
            ensure_first_owner(email=owner["email"], name=owner["name"], password_hash=stored)
        elif not owners().exists() and not has_open_invitation(owner["email"]):
            invite_user(email=owner["email"], role=Role.OWNER, actor=SYSTEM, name=owner["name"])


def has_open_invitation(email: str) -> bool:
    """Whether an owner was invited under this address and may still come; a tenant's scope must be open."""
    waiting = Invitation.objects.filter(email=normal_email(email), role=Role.OWNER)
    return waiting.filter(accepted_at=None, revoked_at=None).exists()


def set_schedules(run: Run) -> None:
    """Set up the company's recurring work; it waits until the doors open."""
    with tenant_scope(_tenant(run).ref), atomic():
        schedule_tidying()


def prove_isolation(run: Run) -> None:
    """See for oneself that the company has its own rows and no others. Raises: NotIsolated."""
    tenant = _tenant(run)
    run.remember(self_test=check_isolation(tenant.ref, neighbour_of(tenant)))


def neighbour_of(tenant: Tenant) -> str | None:
    """The schema of some other company in the same cell."""
    others = Tenant.objects.filter(cell=tenant.cell).exclude(pk=tenant.pk).exclude(state=PROVISIONING)
    return others.exclude(state=Tenant.State.DELETED).values_list("schema", flat=True).first()


def open_doors(run: Run) -> None:
    """Let people in."""
    tenant = _tenant(run)
    if tenant.state == PROVISIONING:
        change_state(tenant.pk, Tenant.State.ACTIVE, asked_by=run.operation.asked_by)
    run.result(tenant_id=str(tenant.pk), cell=tenant.cell, region=tenant.region)


def _tenant_or_none(run: Run) -> Tenant | None:
    tenant_id = run.context.get("tenant_id")
    return Tenant.objects.filter(pk=UUID(tenant_id)).first() if tenant_id else None


def _tenant(run: Run) -> Tenant:
    return Tenant.objects.get(pk=UUID(run.context["tenant_id"]))


register_saga(
    ONBOARD,
    Step("reserve", reserve, release),
    Step("data_key", make_key),
    Step("schema", make_schema),
    Step("owner", bring_in_owner),
    Step("schedules", set_schedules),
    Step("self_test", prove_isolation),
    Step("open", open_doors),
)
