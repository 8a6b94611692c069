"""The company's mail server for pages and programs, without its password."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from tenants.accounts.access import Actor, require
from tenants.branding.mail_servers.values import is_ours
from tenants.branding.models import MailServer
from tenants.branding.permissions import MANAGE_BRANDING
from tenants.tenancy import atomic

CODE_VALID_FOR: Final = timedelta(minutes=30)
MOST_TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownServer:
    """A server as it is shown. ``awaits_code``: a test letter is on its way."""

    host: str
    port: int
    security: str
    username: str
    has_password: bool
    from_address: str
    is_from_ours: bool
    proved_at: datetime | None
    awaits_code: bool
    failures: int
    failing_since: datetime | None
    rests_until: datetime | None
    problem: str
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServers:
    """The one in use and the one still to be proved; None where there is none."""

    active: ShownServer | None
    candidate: ShownServer | None


@atomic
def mail_servers(*, actor: Actor | None) -> MailServers:
    """What the company has set up. Raises: Forbidden."""
    require(actor, MANAGE_BRANDING)
    return mail_servers_now()


def mail_servers_now() -> MailServers:
    """The same for who has been asked already; inside a transaction."""
    rows = {row.stage: row for row in MailServer.objects.all()}
    active, candidate = rows.get(MailServer.Stage.ACTIVE), rows.get(MailServer.Stage.CANDIDATE)
    return MailServers(
        active=_shown(active) if active else None, candidate=_shown(candidate) if candidate else None
    )


def awaits_code(row: MailServer) -> bool:
    """Whether a code that is typed in now can still be right."""
    is_fresh = row.code_sent_at is not None and timezone.now() - row.code_sent_at < CODE_VALID_FOR
    return bool(row.code_hash) and is_fresh and row.code_tries < MOST_TRIES


def _shown(row: MailServer) -> ShownServer:
    return ShownServer(
        host=row.host, port=row.port, security=row.security, username=row.username,
        has_password=row.password_id is not None, from_address=row.from_address,
        is_from_ours=is_ours(row.from_address), proved_at=row.proved_at, awaits_code=awaits_code(row),
        failures=row.failures, failing_since=row.failing_since, rests_until=row.rests_until, problem=row.problem,
        changed_by=row.changed_by,
    )  # fmt: skip
