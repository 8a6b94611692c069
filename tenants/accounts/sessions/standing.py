"""Whether a browser's session still holds: asked once a request, in one query."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from tenants.accounts.models import AuthenticatorApp, Passkey, SupportVisit, User, UserSession
from tenants.accounts.networks import is_within
from tenants.accounts.sessions.policy import Rules, rules_beside, rules_from
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)

# One write a minute tells when somebody was last here well enough.
NOTE_EVERY: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A sign-in that holds, and the rules it holds under."""

    sign_in_id: UUID
    method: str
    proved_at: datetime
    has_second_factor: bool
    rules: Rules
    # Of an operator who was let in: until when, and under which grant.
    visit: SupportVisit | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Say whether the person has proved who they are recently enough for a sensitive step."""
        return now - self.proved_at < self.rules.step_up


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a session does not count. ``is_over`` says that it never will again."""

    reason: str
    is_over: bool


@atomic
def standing_of(*, sign_in_id: str, user: User, address: str, host: str = "") -> Standing | Refused:
    """Look a sign-in up, hold it to the company's rules, and note that it was used."""
    row = (
        UserSession.objects.select_related("support_visit__account")
        .filter(pk=sign_in_id, user=user)
        .annotate(
            rules=rules_beside(),
            has_factor=Exists(
                AuthenticatorApp.objects.filter(user=OuterRef("user")).exclude(confirmed_at=None)
            )
            | Exists(Passkey.objects.filter(user=OuterRef("user"), suspected_at=None)),
        )
        .first()
        if _is_id(sign_in_id)
        else None
    )
    if row is None:
        return Refused("unknown", is_over=True)
    if row.ended_at is not None:
        return Refused(row.ended_because or "ended", is_over=True)
    if row.host and row.host != host:
        # A cookie that was carried to another name of the company's.
        return Refused("host", is_over=False)
    rules = rules_from(row.rules)
    now = timezone.now()
    if now - row.last_seen_at > rules.idle:
        return _ended(row, now, "idle")
    if now - row.started_at > rules.absolute:
        return _ended(row, now, "too_old")
    visit: SupportVisit | None = getattr(row, "support_visit", None)
    if visit is not None and (visit.ended_at is not None or visit.ends_at <= now):
        return _ended(row, now, "support_over")
    # Who lets an operator in knows that they come from elsewhere.
    if visit is None and not is_within(address, rules.allowed_networks):
        return Refused("network", is_over=False)
    _note_seen(row, now, address)
    return Standing(
        sign_in_id=row.pk,
        method=row.method,
        proved_at=row.proved_at,
        has_second_factor=row.has_factor,
        rules=rules,
        visit=visit,
    )


def _ended(row: UserSession, now: datetime, because: str) -> Refused:
    if doors_of(current_tenant().state).writes:
        UserSession.objects.filter(pk=row.pk, ended_at=None).update(ended_at=now, ended_because=because)
    return Refused(because, is_over=True)


def _note_seen(row: UserSession, now: datetime, address: str) -> None:
    # Who may only read notes nothing: a company that is being moved must not be written to.
    if now - row.last_seen_at < NOTE_EVERY or not doors_of(current_tenant().state).writes:
        return
    due = Q(last_seen_at__lte=now - NOTE_EVERY)
    UserSession.objects.filter(due, pk=row.pk).update(last_seen_at=now, ip_address=address or None)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except (ValueError, TypeError, AttributeError):
        return False
    return True
