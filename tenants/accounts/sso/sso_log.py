"""Writing down what happened at single sign-on, for the company's administrators."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from django.core.cache import cache
from django.db import InternalError, OperationalError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from tenants.accounts.access import Actor, require
from tenants.accounts.models import IdentityProvider, SsoLogEntry, User
from tenants.accounts.networks import client_address
from tenants.accounts.sso.reasons import SsoRefused
from tenants.dispatch import enqueue
from tenants.tenancy import atomic
from tenants.tenancy.backend.whereabouts import is_moving

log = structlog.get_logger(__name__)

NOTICE_JOB: Final = "accounts.sso_notice"
KEEP: Final = timedelta(days=180)
# Strangers can cause refusals: so many a minute are written down, the rest only counted in the product's own log.
_MOST_REFUSALS_PER_MINUTE: Final = 120
_READ_ONLY: Final = "25006"  # PostgreSQL: read_only_sql_transaction
Outcome = SsoLogEntry.Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """From where a request came, and its id."""

    address: str = ""
    request_id: str = ""


def visit_of(request: HttpRequest) -> Visit:
    """From where a request comes."""
    return Visit(address=client_address(request) or "", request_id=getattr(request, "request_id", ""))


@atomic
def note(
    *,
    event: str,
    outcome: SsoLogEntry.Outcome,
    provider: IdentityProvider | None = None,
    visit: Visit | None = None,
    user: User | None = None,
    refused: SsoRefused | None = None,
    detail: str = "",
    subject: str = "",
    is_test: bool = False,
    provider_name: str = "",
    is_told: bool = False,
) -> None:
    """Add an entry; a flood of refusals is cut off. `provider_name` names what is no provider: a directory.

    `is_told` has a letter about it sent to everybody else who looks after single sign-on.
    """
    reason = refused.reason.value if refused else ""
    log.info("sso.noted", sso_event=event, outcome=outcome.value, reason=reason)
    if outcome == Outcome.REFUSED and _is_flood():
        return
    entry = SsoLogEntry(
        provider=provider,
        provider_name=provider.name if provider else provider_name,
        event=event,
        outcome=outcome,
        reason=reason,
        detail=(detail or (refused.detail if refused else ""))[:500],
        subject=(subject or (refused.subject if refused else ""))[:512],
        user=user,
        is_test=is_test,
        address=visit.address[:45] if visit else "",
        request_id=visit.request_id[:80] if visit else "",
    )
    try:
        with atomic():
            entry.save(force_insert=True)
            if is_told:
                enqueue(NOTICE_JOB, object_id=entry.pk)
    except (InternalError, OperationalError) as error:
        # While the company is being moved nothing can be written; the line above says it all the same.
        if not (is_moving(error) or getattr(error.__cause__, "sqlstate", "") == _READ_ONLY):
            raise
        log.warning("sso.not_kept", sso_event=event)


def visible_log(*, actor: Actor) -> QuerySet[SsoLogEntry]:
    """The company's entries, newest first. Raises: Forbidden."""
    require(actor, "accounts.manage_sso")
    return SsoLogEntry.objects.select_related("provider", "user").order_by("-at", "-id")


def _is_flood() -> bool:
    key = f"sso-refusals-{timezone.now():%H%M}"
    cache.add(key, 0, timeout=120)
    try:
        return int(cache.incr(key)) > _MOST_REFUSALS_PER_MINUTE
    except ValueError:
        return False
