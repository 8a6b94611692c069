"""Writing down what requests were refused and which permissions they used, after their transactions are over."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from tenants.accounts.access.actors import Actor
from tenants.accounts.access.checks import require
from tenants.accounts.access.denying import Denial, Notes, taking_notes
from tenants.accounts.models import AccessDenial, PermissionUse
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)

KEEP_DENIALS: Final = timedelta(days=90)
# What this process wrote down today already: (company, person, permission) → the day.
_MOST_KNOWN: Final = 50_000
_known_uses: dict[tuple[UUID, UUID, str], date] = {}


class AccessNotesMiddleware:
    """Takes notes of refusals and uses during a request, and writes them when its transaction has ended.

    A refused request is undone, so the refusal could not be written inside it. Stands around the transaction.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer first, write then."""
        with taking_notes() as notes:
            response = self._get_response(request)
        if notes.denials or notes.uses:
            match = getattr(request, "resolver_match", None)
            record(notes, route=getattr(match, "view_name", "") or "")
        return response


def record(notes: Notes, *, route: str = "") -> None:
    """Write notes down: a refusal once a minute with a count, a use once a day. A failure is logged, never raised."""
    tenant = current_tenant()
    if not doors_of(tenant.state).writes:
        return
    today = timezone.now().date()
    fresh = [
        use
        for use in notes.uses
        if settings.ACCESS_NOTES_USES and _known_uses.get((tenant.id, *use)) != today
    ]
    if not (notes.denials or fresh):
        return
    try:
        with atomic():
            for denial, times in Counter(notes.denials).items():
                _count(denial, times, route)
            if fresh:
                _note_uses(fresh, today)
    except DatabaseError as error:
        log.warning("access.notes_lost", error=str(error).strip(), denials=len(notes.denials))
        return
    if len(_known_uses) > _MOST_KNOWN:
        _known_uses.clear()
    _known_uses.update({(tenant.id, *use): today for use in fresh})


def recent_denials(*, actor: Actor, user_id: UUID | None = None) -> QuerySet[AccessDenial]:
    """What was refused lately, the newest first. Raises: Forbidden."""
    require(actor, "accounts.view_access")
    rows = AccessDenial.objects.select_related("user").order_by("-minute", "-pk")
    return rows if user_id is None else rows.filter(user=user_id)


@atomic
def forget_old_denials(*, limit: int = 5000) -> int:
    """Delete a batch of refusals older than what is kept; return how many went."""
    old = AccessDenial.objects.filter(minute__lt=timezone.now() - KEEP_DENIALS).values("pk")[:limit]
    return AccessDenial.objects.filter(pk__in=old).delete()[0]


def _count(denial: Denial, times: int, route: str) -> None:
    now = timezone.now()
    same = {
        "minute": now.replace(second=0, microsecond=0),
        "user_id": denial.user_id,
        "token_id": denial.token_id,
        "permission": denial.permission,
        "object_type": denial.object_type[:60],
        "object_id": denial.object_id[:64],
    }
    more = {"count": F("count") + times, "last_at": now}
    if AccessDenial.objects.filter(**same).update(**more):
        return
    try:
        with atomic():
            AccessDenial.objects.create(
                **same, reason=denial.reason.value, route=route[:120], count=times, last_at=now
            )
    except IntegrityError:
        # Another request wrote the same one since.
        AccessDenial.objects.filter(**same).update(**more)


def _note_uses(uses: list[tuple[UUID, str]], today: date) -> None:
    PermissionUse.objects.bulk_create(
        [PermissionUse(user_id=user_id, permission=code, last_on=today) for user_id, code in sorted(uses)],
        update_conflicts=True,
        unique_fields=["user", "permission"],
        update_fields=["last_on"],
    )
