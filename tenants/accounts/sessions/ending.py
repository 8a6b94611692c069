"""Ending sign-ins of which only the browser's session is known."""

from collections.abc import Iterable

from django.utils import timezone

from tenants.accounts.models import UserSession
from tenants.accounts.sessions.services import ROW_KEY
from tenants.accounts.sessions.store import SessionStore
from tenants.tenancy import atomic


@atomic
def end_by_session_keys(keys: Iterable[str], *, because: str) -> int:
    """End the sign-ins some browsers' sessions belong to, before those are deleted; return how many it were."""
    rows = [SessionStore(key).load().get(ROW_KEY) for key in keys]
    open_ones = UserSession.objects.filter(pk__in=[row for row in rows if row], ended_at=None)
    return open_ones.update(ended_at=timezone.now(), ended_because=because)
