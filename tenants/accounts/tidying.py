"""Deleting what has run out: sessions, and the answers kept for idempotency keys."""

from datetime import timedelta
from typing import Final

import structlog
from django.contrib.sessions.models import Session
from django.utils import timezone

from tenants.accounts.access.recording import forget_old_denials
from tenants.accounts.idempotency import delete_expired_records
from tenants.accounts.models import SpentChallenge, UserSession
from tenants.accounts.sessions.handovers import forget_old_handovers
from tenants.dispatch import schedule
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

TIDY_UP_JOB: Final = "accounts.tidy_up"
_EVERY: Final = timedelta(hours=24)
_BATCH: Final = 5000
# How long one can still see where one was signed in.
_KEEP_SIGN_INS: Final = timedelta(days=90)


def schedule_tidying() -> None:
    """Have the current tenant's left-overs deleted once a day; asking again changes nothing."""
    schedule(TIDY_UP_JOB, every=_EVERY, first_at=timezone.now() + _EVERY)


def tidy_up() -> tuple[int, int]:
    """Delete, in batches of their own transactions; return how many sessions and kept answers went."""
    sessions = answers = 0
    while deleted := _delete_expired_sessions():
        sessions += deleted
    while deleted := delete_expired_records(limit=_BATCH):
        answers += deleted
    while _delete_old_sign_ins() or _delete_spent_challenges() or forget_old_denials():
        pass
    forget_old_handovers()
    log.info("accounts.tidied_up", sessions=sessions, answers=answers)
    return sessions, answers


@atomic
def _delete_expired_sessions() -> int:
    expired = Session.objects.filter(expire_date__lte=timezone.now()).values("pk")[:_BATCH]
    return Session.objects.filter(pk__in=expired).delete()[0]


@atomic
def _delete_old_sign_ins() -> int:
    old = UserSession.objects.filter(last_seen_at__lt=timezone.now() - _KEEP_SIGN_INS).values("pk")[:_BATCH]
    return UserSession.objects.filter(pk__in=old).delete()[0]


@atomic
def _delete_spent_challenges() -> int:
    old = SpentChallenge.objects.filter(expires_at__lte=timezone.now()).values("pk")[:_BATCH]
    return SpentChallenge.objects.filter(pk__in=old).delete()[0]
