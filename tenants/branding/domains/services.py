"""Claiming a domain, giving it up, and choosing the one that letters lead to."""

from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from tenants.accounts.access import Actor, require
from tenants.accounts.keyed_hashes import keyed_hash, random_secret
from tenants.accounts.sessions.services import end_sign_ins_on
from tenants.branding.domains import names
from tenants.branding.domains.events import CustomDomainClaimed, CustomDomainRemoved, PrimaryHostChosen
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.foundation.platform import PLATFORM_SLUG
from tenants.models import CustomDomain, Domain
from tenants.outbox.bus import publish
from tenants.permissions import MANAGE_DOMAINS, VIEW_DOMAINS
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.addresses import canonical_host
from tenants.tenancy.directory import directory

log = structlog.get_logger(__name__)

LABEL: Final = "_nts-challenge"
MOST: Final = 20
_PURPOSE: Final = "custom-domain"


def visible_domains(*, actor: Actor) -> QuerySet[CustomDomain]:
    """The company's domains, by name. Raises: Forbidden."""
    require(actor, VIEW_DOMAINS)
    return own_domains()


def own_domains() -> QuerySet[CustomDomain]:
    """The current company's domains, for whoever has been asked already."""
    return CustomDomain.objects.filter(tenant_id=current_tenant().id).order_by("host")


def proof_of(row: CustomDomain) -> tuple[str, str]:
    """The name and the value of the TXT record that proves this claim: of this company, this name, this time."""
    digest = keyed_hash(_PURPOSE, f"{row.host}\0{row.nonce}").hex()[:40]
    return f"{LABEL}.{row.host}", f"nts-domain-verification={digest}"


def target() -> str:
    """Where a company's domain has to lead (CNAME)."""
    return settings.CUSTOM_DOMAIN_TARGET or canonical_host()


def claim_domain(*, host: str, actor: Actor) -> CustomDomain:
    """Say which name the company wants to be reached under; it counts for nothing until it is proved.

    Raises: Forbidden, InvalidInput (no name a company can have), Conflict (on the list, another's, too many).
    """
    require(actor, MANAGE_DOMAINS)
    name = names.normal_host(host)
    if current_tenant().slug == PLATFORM_SLUG:
        raise Conflict("The platform is reached under its own host.", code="conflict.platform_host")
    _refuse_ours(name)
    with transaction.atomic(using="default"):
        _refuse_others(name)
        if own_domains().count() >= MOST:
            raise Conflict(f"At most {MOST} domains.", code="conflict.many_domains")
        row = CustomDomain(
            tenant_id=current_tenant().id,
            host=name,
            skeleton=names.skeleton(name),
            nonce=random_secret(),
        )
        try:
            with transaction.atomic(using="default"):
                row.save(force_insert=True)
        except IntegrityError as error:
            raise Conflict("This domain is on the list already.", code="conflict.domain_known") from error
    with atomic():
        publish(CustomDomainClaimed(domain_id=row.pk, host=name))
    log.info("custom_domain.claimed", host=name, domain_id=row.pk)
    return row


def remove_domain(*, domain_id: UUID, actor: Actor) -> None:
    """Give a name up: it leads nowhere from now on, its sign-ins end, and anybody may claim it.

    Raises: Forbidden, NotFound.
    """
    require(actor, MANAGE_DOMAINS)
    with transaction.atomic(using="default"):
        row = locked(domain_id)
        close_host(row, because="domain_removed")
        row.delete()
    with atomic():
        publish(CustomDomainRemoved(domain_id=domain_id, host=row.host))
    directory.forget()
    log.info("custom_domain.removed", host=row.host, domain_id=domain_id)


def choose_primary(*, domain_id: UUID | None, actor: Actor) -> str:
    """Have letters and links lead to one of the active domains, or (None) to the canonical host; return the host.

    The addresses of single sign-on and of directories stay where they are. Raises: Forbidden, NotFound, Conflict.
    """
    require(actor, MANAGE_DOMAINS)
    host = canonical_host()
    with transaction.atomic(using="default"):
        # One lock for all of them: two choices at once take turns.
        rows = {row.pk: row for row in own_domains().select_for_update(no_key=True).order_by("pk")}
        if domain_id is not None:
            chosen = rows.get(domain_id)
            if chosen is None:
                raise NotFound("This domain is not on the list.")
            if chosen.state != CustomDomain.State.ACTIVE:
                raise Conflict("This domain does not lead here yet.", code="conflict.domain_inactive")
            host = chosen.host
        CustomDomain.objects.filter(pk__in=rows, is_primary=True).update(is_primary=False)
        if domain_id is not None:
            CustomDomain.objects.filter(pk=domain_id).update(is_primary=True)
    with atomic():
        publish(PrimaryHostChosen(host=host))
    log.info("custom_domain.primary_chosen", host=host)
    return host


def locked(domain_id: UUID) -> CustomDomain:
    """One of the company's domains, locked in the open transaction on the control plane. Raises: NotFound."""
    row = own_domains().select_for_update(of=("self",), no_key=True).filter(pk=domain_id).first()
    if row is None:
        raise NotFound("This domain is not on the list.")
    return row


def close_host(row: CustomDomain, *, because: str) -> None:
    """Make the host nobody's, and end the sign-ins that count there; the row is the caller's to change."""
    if row.domain_id is not None:
        Domain.objects.filter(pk=row.domain_id, is_canonical=False).delete()
    row.domain, row.is_primary = None, False
    with atomic():
        ended = end_sign_ins_on(row.host, because=because)
    log.info("custom_domain.closed", host=row.host, because=because, sign_ins=ended)


def _refuse_ours(name: str) -> None:
    base = settings.BASE_DOMAIN.lower()
    ours = {base, settings.CUSTOM_DOMAIN_TARGET.lower()} - {""}
    if any(names.is_within(name, each) or names.is_within(each, name) for each in ours):
        raise _invalid("This name is the platform's own.")
    if any(names.is_within(names.squinted(name), names.squinted(each)) for each in ours):
        raise _invalid("This name could be mistaken for the platform's own.")


def _refuse_others(name: str) -> None:
    """Stop a name that is proved to be another's, or that looks like one. An unproved claim of theirs is no reason."""
    others = CustomDomain.objects.exclude(tenant_id=current_tenant().id).filter(state__in=CustomDomain.PROVED)
    if others.filter(host=name).exists() or Domain.objects.filter(host=name).exclude(
        tenant_id=current_tenant().id
    ):
        raise Conflict("Another company is reached under this domain.", code="conflict.domain_taken")
    alike = others.filter(skeleton=names.skeleton(name)).exclude(host=name).values_list("host", flat=True)
    if any(not (names.is_ascii(name) and names.is_ascii(other)) for other in alike):
        raise _invalid("This name could be mistaken for one that is in use here.")


def _invalid(text: str) -> InvalidInput:
    return InvalidInput(text, code="invalid_input.domain", fields={"domain": [text]})
