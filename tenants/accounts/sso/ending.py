"""Ending the sign-ins a provider knows by its own names, whichever protocol it says so by."""

from collections.abc import Collection
from typing import Final

import structlog
from django.contrib.sessions.models import Session
from django.utils import timezone

from tenants.accounts.models import IdentityProvider, PendingSignIn, SsoSession, UserSession
from tenants.accounts.sessions.ending import end_by_session_keys
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

_BECAUSE: Final = "provider"


@atomic
def end_provider_sessions(
    provider: IdentityProvider, *, subject: str = "", indexes: Collection[str] = ()
) -> int:
    """End what came of a provider's sessions; return how many there were.

    ``subject`` alone ends all of that person's, ``indexes`` alone those sessions whosesoever they are, and both
    together only those of the person. Neither of them ends nothing.
    """
    if not subject and not indexes:
        return 0
    rows = SsoSession.objects.filter(identity__provider=provider)
    if subject:
        rows = rows.filter(identity__subject=subject)
    if indexes:
        rows = rows.filter(session_index__in=indexes)
    return _end(provider, list(rows))


@atomic
def forget_answers(provider: IdentityProvider, *, subject: str) -> int:
    """Make sign-ins of a person worthless that were answered there but are not finished here; return how many."""
    if not subject:
        return 0
    return PendingSignIn.objects.filter(provider=provider, claims__subject=subject).delete()[0]


def _end(provider: IdentityProvider, rows: list[SsoSession]) -> int:
    keys = [row.session_key for row in rows]
    sign_ins = [row.sign_in_id for row in rows if row.sign_in_id]
    UserSession.objects.filter(pk__in=sign_ins, ended_at=None).update(
        ended_at=timezone.now(), ended_because=_BECAUSE
    )
    # Rows of the release before only know the browser's session.
    end_by_session_keys([row.session_key for row in rows if not row.sign_in_id], because=_BECAUSE)
    Session.objects.filter(session_key__in=keys).delete()
    SsoSession.objects.filter(session_key__in=keys).delete()
    log.info("sso.sessions_ended", provider_id=provider.pk, sessions=len(keys))
    return len(keys)
