"""Writing down what happened at single sign-on, for the company's administrators."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, Protocol

import structlog
from django.core.cache import cache
from django.db import InternalError, OperationalError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from tenants.accounts.access import Actor, require
from tenants.accounts.models import IdentityProvider, SsoLogEntry, User
from tenants.accounts.networks import client_address
from tenants.dispatch import enqueue
from tenants.tenancy import atomic
from tenants.tenancy.backend.whereabouts import is_moving

log = structlog.get_logger(__name__)

NOTICE_JOB: Final = "accounts.sso_notice"
KEEP: Final = timedelta(days=180)
# Strangers can cause refusals: so many a minute are written down, the rest only counted in the product's own log.
# Passkeys apart: whoever sends nonsense there does not hide what happens at a provider.
_MOST_REFUSALS_PER_MINUTE: Final = {"provider": 120, "passkey": 60}
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


class Refusal(Protocol):
    """What the log says of something that was refused."""

    @property
    def reason(self) -> StrEnum:
        """One word for programs."""

    @property
    def detail(self) -> str:
        """One sentence for people."""

    @property
    def subject(self) -> str:
        """Who or what it was about, by the name the sender has for it."""


@atomic
def note(
    *,
    event: str,
    outcome: SsoLogEntry.Outcome,
    provider: IdentityProvider | None = None,
    visit: Visit | None = None,
    user: User | None = None,
    refused: Refusal | None = None,
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
    if outcome == Outcome.REFUSED and _is_flood("passkey" if event.startswith("passkey") else "provider"):
        return
    entry = SsoLogEntry(
        provider=provider,
        provider_name=provider.name if provider else provider_name,
        event=event,
        outcome=outcome,
        reason=reason,
        detail=_readable(detail or (refused.detail if refused else ""))[:500],
        subject=_readable(subject or (refused.subject if refused else ""))[:512],
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


def _readable(text: str) -> str:
    """The text without what no page shows and no column keeps: strangers write parts of it."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _minute() -> str:
    return f"{timezone.now():%H%M}"


def _is_flood(kind: str) -> bool:
    key = f"sso-refusals-{kind}-{_minute()}"
    cache.add(key, 0, timeout=120)
    try:
        return int(cache.incr(key)) > _MOST_REFUSALS_PER_MINUTE[kind]
    except ValueError:
        return False
