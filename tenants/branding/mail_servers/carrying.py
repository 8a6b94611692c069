"""Who takes a company's letters: its own mail server while that works, the platform's when it does not."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django.utils.translation import gettext

from tenants.branding.events import MailServerChanged
from tenants.branding.mail_servers.letters import TELL_OF_FAILURE
from tenants.branding.mail_servers.routes import hand_over, route_to
from tenants.branding.mail_servers.values import is_ours
from tenants.branding.mail_servers.warnings import forget_failing, note_failing
from tenants.branding.models import MailServer
from tenants.dispatch import enqueue, tries_left
from tenants.foundation.crypto import CryptoError
from tenants.foundation.errors import ExternalServiceError, NotFound
from tenants.foundation.letters import Letter
from tenants.foundation.letters.smtp import MailRoute
from tenants.foundation.metrics import COMPANY_LETTERS
from tenants.outbox.bus import publish
from tenants.tenancy import TenancyError, TenantRef, atomic, tenant_scope

log = structlog.get_logger(__name__)
# As many letters in a row, and the server is left alone for a while.
MOST_FAILURES: Final = 3
FIRST_REST: Final = timedelta(minutes=5)
LONGEST_REST: Final = timedelta(hours=6)
# Somebody waits for a page, or for a letter that lets them in; a job can wait longer.
SECONDS_WHILE_WAITED_FOR: Final = 8.0
SECONDS_IN_A_JOB: Final = 25.0
# A company that is read-only, moving or closed.
_NOT_WRITTEN: Final = (DatabaseError, InterfaceError, TenancyError)


@dataclass(frozen=True, slots=True)
class _Way:
    """A letter's way out by the company's server."""

    id: UUID
    host: str
    route: MailRoute
    address: str
    has_failed: bool


@dataclass(frozen=True, slots=True)
class CompanyCarrier:
    """Takes the letters of the company in whose scope they were written, wherever they are sent."""

    tenant: TenantRef

    def carry(self, letter: Letter) -> bool:
        """Whether the company's server has taken it; False: the platform's is to.

        A letter that can wait is tried again by its job when the server is only away; one that somebody waits for, or
        that no job would send again, or that the server refused for good, goes by the platform's at once.
        Raises: ExternalServiceError.
        """
        with tenant_scope(self.tenant):
            way = _way()
            if way is None:
                return False
            can_wait = tries_left() > 0 and not letter.is_urgent
            seconds = SECONDS_IN_A_JOB if can_wait else SECONDS_WHILE_WAITED_FOR
            try:
                hand_over(letter, route=way.route, address=way.address, seconds=seconds)
            except ExternalServiceError as error:
                COMPANY_LETTERS.labels(outcome=error.reason).inc()
                is_resting = _noted(way.id, error.message)
                log.warning("letter.not_taken", kind=letter.kind, reason=error.reason, is_resting=is_resting)
                if error.is_transient and can_wait and not is_resting:
                    raise
                return False
            COMPANY_LETTERS.labels(outcome="taken").inc()
            log.info("letter.sent", kind=letter.kind, by="company")
            if way.has_failed:
                with suppress(*_NOT_WRITTEN):
                    note_success(way.id)
            return True


def note_failure(server_id: UUID, problem: str, *, is_final: bool = False) -> bool:
    """Count it; after a few in a row the server rests and the company is told, once. Whether it rests now."""
    now = timezone.now()
    with atomic():
        row = MailServer.objects.select_for_update(no_key=True).filter(pk=server_id).first()
        if row is None:
            return True
        row.failures = max(row.failures + 1, MOST_FAILURES if is_final else 0)
        row.problem = problem[:400]
        is_resting = row.failures >= MOST_FAILURES
        if is_resting:
            row.rests_until = now + _rest_after(row.failures)
            row.failing_since = row.failing_since or now
            if row.told_at is None:
                row.told_at = now
                enqueue(TELL_OF_FAILURE, object_id=row.pk)
                publish(MailServerChanged(what="failing", host=row.host, from_address=row.from_address))
        row.save()
    if is_resting:
        note_failing(row.host)
    return is_resting


def note_success(server_id: UUID) -> None:
    """Forget what it failed at: it has taken a letter."""
    with atomic():
        row = MailServer.objects.select_for_update(no_key=True).filter(pk=server_id).first()
        if row is None:
            return
        if row.told_at is not None:
            publish(MailServerChanged(what="working", host=row.host, from_address=row.from_address))
        row.failures, row.problem = 0, ""
        row.failing_since = row.rests_until = row.told_at = None
        row.save()
    forget_failing()


def _way() -> _Way | None:
    """The server in use, unless it rests; one whose sender's domain is not proved any more is not used."""
    row: MailServer | None = None
    try:
        with atomic():
            row = MailServer.objects.filter(stage=MailServer.Stage.ACTIVE).first()
            if row is None or _rests(row, timezone.now()):
                return None
            if is_ours(row.from_address):
                return _Way(row.pk, row.host, route_to(row), row.from_address, row.failures > 0)
            problem = gettext("The domain of the sender's address is not proved any more.")
    except (CryptoError, NotFound):
        problem = gettext("The password cannot be read any more: enter it again.")
    except _NOT_WRITTEN as error:
        log.warning("mail_server.not_read", error=type(error).__name__)
        return None
    if row is not None:
        _noted(row.pk, problem, is_final=True)
    return None


def _noted(server_id: UUID, problem: str, *, is_final: bool = False) -> bool:
    """As :func:`note_failure`; where nothing can be written the letter must go out all the same."""
    try:
        return note_failure(server_id, problem, is_final=is_final)
    except _NOT_WRITTEN as error:
        log.warning("mail_server.not_noted", error=type(error).__name__)
        return True


def _rests(row: MailServer, now: datetime) -> bool:
    return row.rests_until is not None and row.rests_until > now


def _rest_after(failures: int) -> timedelta:
    doublings = min(failures - MOST_FAILURES, 10)
    return min(FIRST_REST * (1 << doublings), LONGEST_REST)
