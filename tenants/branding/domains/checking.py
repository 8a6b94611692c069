"""Looking a domain up, and what follows from what was found: proved, reached, warned of, suspended, restored."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Actor, require
from tenants.accounts.keyed_hashes import random_secret
from tenants.branding.domains.events import CustomDomainMoved
from tenants.branding.domains.letters import Notice, tell
from tenants.branding.domains.lookups import Found, LookUp, Proof, look_up
from tenants.branding.domains.services import close_host, locked, own_domains, proof_of, target
from tenants.branding.domains.warnings import note_warnings
from tenants.dispatch import enqueue
from tenants.foundation.errors import Conflict
from tenants.foundation.metrics import CUSTOM_DOMAIN_CHECKS
from tenants.models import CustomDomain, Domain, Tenant
from tenants.outbox.bus import publish
from tenants.permissions import MANAGE_DOMAINS
from tenants.tenancy import atomic, current_tenant, tenant_scope
from tenants.tenancy.directory import directory
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)

CHECK_DOMAINS: Final = "branding.check_domains"
LOST_AFTER: Final = timedelta(days=7)
EVERY: Final = timedelta(hours=24)
# A letter when the record is first missed, and one more while there is time.
WARN_AGAIN_AFTER: Final = timedelta(days=4)
State = CustomDomain.State


def check_domain(*, domain_id: UUID, actor: Actor, look: LookUp = look_up) -> CustomDomain:
    """Look a domain up and act on what was found; call it outside any transaction, it asks name servers.

    Raises: Forbidden, NotFound, Conflict (another company has proved it first).
    """
    require(actor, MANAGE_DOMAINS)
    with transaction.atomic(using="default"):
        row = locked(domain_id)
    with atomic():
        leads_to = target()
    record, value = proof_of(row)
    return note(domain_id, look(row.host, record, value, leads_to), nonce=row.nonce)


def note(domain_id: UUID, found: Found, *, nonce: str) -> CustomDomain:
    """Write down what was found. Raises: NotFound (it was removed meanwhile), Conflict."""
    CUSTOM_DOMAIN_CHECKS.labels(outcome=found.proof.value).inc()
    now = timezone.now()
    notice: Notice | None = None
    try:
        with transaction.atomic(using="default"):
            # All claims of the name in one order, before one's own: companies that prove it at once take turns.
            host = own_domains().filter(pk=domain_id).values("host")
            list(CustomDomain.objects.select_for_update(no_key=True).filter(host__in=host).order_by("pk"))
            row = locked(domain_id)
            before = row.state
            if found.proof is Proof.THERE and row.nonce == nonce:
                notice = _proved(row, found, now)
            elif found.proof is Proof.GONE:
                notice = _missed(row, now)
            row.checked_at, row.proof_problem = now, found.proof_problem[:300]
            if found.proof is not Proof.UNKNOWN:
                row.route_problem = found.route_problem[:300]
            row.save()
    except IntegrityError as error:
        raise Conflict("Another company has proved this domain.", code="conflict.domain_taken") from error
    _tell_all(row, before, notice)
    return row


def _proved(row: CustomDomain, found: Found, now: datetime) -> Notice | None:
    was_suspended, was_missing = row.state == State.SUSPENDED, row.missing_since is not None
    row.verified_at, row.missing_since, row.warned_at = row.verified_at or now, None, None
    if row.state not in CustomDomain.PROVED:
        row.state = State.VERIFIED
        # The proof decides: others who say that it is theirs begin anew, with another record.
        others = CustomDomain.objects.filter(host=row.host).exclude(pk=row.pk)
        for other in others.exclude(state__in=CustomDomain.PROVED):
            other.state, other.nonce, other.verified_at = State.PENDING, random_secret(), None
            other.proof_problem = "Another company has proved that this domain is theirs."
            other.save()
    if row.state == State.VERIFIED and found.leads_here:
        domain, _ = Domain.objects.get_or_create(host=row.host, defaults={"tenant_id": row.tenant_id})
        if domain.tenant_id != row.tenant_id:
            raise Conflict("Another company is reached under this domain.", code="conflict.domain_taken")
        row.domain, row.state = domain, State.ACTIVE
    # Who was told that it is going is told that it stays.
    return Notice.RESTORED if was_suspended or was_missing else None


def _missed(row: CustomDomain, now: datetime) -> Notice | None:
    if row.state not in CustomDomain.PROVED:
        return None
    row.missing_since = row.missing_since or now
    if now - row.missing_since >= LOST_AFTER:
        close_host(row, because="domain_suspended")
        row.state, row.verified_at = State.SUSPENDED, None
        return Notice.SUSPENDED
    if row.warned_at is None or now - row.warned_at >= WARN_AGAIN_AFTER:
        row.warned_at = now
        return Notice.MISSING
    return None


def _tell_all(row: CustomDomain, before: str, notice: Notice | None) -> None:
    with atomic():
        if row.state != before:
            publish(CustomDomainMoved(domain_id=row.pk, host=row.host, from_state=before, to_state=row.state))
        if notice is not None:
            tell(row, notice, ends=row.missing_since + LOST_AFTER if row.missing_since else None)
    note_warnings(own_domains(), lost_after=LOST_AFTER)
    if row.state != before:
        directory.forget()
        log.info("custom_domain.moved", host=row.host, domain_id=row.pk, before=before, now=row.state)


def check_due_domains(*, look: LookUp = look_up) -> int:
    """Look up the current company's domains whose turn it is; how many it were. Outside any transaction."""
    due = own_domains().filter(checked_at__lte=timezone.now() - EVERY + timedelta(hours=1))
    checked = 0
    for row in due.exclude(state=State.PENDING):
        try:
            check_domain(domain_id=row.pk, actor=SYSTEM, look=look)
        except Conflict as conflict:
            # It was suspended, and another company has proved it since: nothing to do.
            log.info("custom_domain.check_refused", host=row.host, reason=conflict.message)
        checked += 1
    return checked


def ask_for_due_checks() -> int:
    """Have every company that has domains look them up, each in a job of its own; how many companies it were."""
    concerned = CustomDomain.objects.exclude(state=State.PENDING).values("tenant_id")
    asked = 0
    for tenant in Tenant.objects.filter(pk__in=concerned).order_by("pk").iterator():
        if not doors_of(tenant.state).works:
            continue
        with tenant_scope(tenant.ref), atomic():
            enqueue(CHECK_DOMAINS, slot=CHECK_DOMAINS)
        asked += 1
    log.info("custom_domains.checks_asked", platform=current_tenant().slug, companies=asked)
    return asked
