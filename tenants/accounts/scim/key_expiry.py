"""A directory's key runs out one day, and nobody is taken in or shut out any more: those who make keys are told before.

Thirty, seven and one day before, and when it has ended; each once, however often it is looked. A key that has a newer
one beside it is let go without a word.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext, ngettext

from tenants.accounts.access.holders import people_holding
from tenants.accounts.models import ScimToken, User
from tenants.accounts.scim.letter_kinds import SCIM_KEY
from tenants.accounts.scim.permissions import MANAGE
from tenants.accounts.scim.provisioning_log import write
from tenants.dispatch import enqueue
from tenants.foundation.letters import send_letter
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.addresses import primary_address

log = structlog.get_logger(__name__)

KEY_LETTER_TO_JOB: Final = "accounts.scim_key_letter_to"
ENDED: Final = 0
WARN_DAYS: Final = (ENDED, 1, 7, 30)
# Of what ended longer ago nobody is told: it ended before anybody was told of such things.
_TOLD_AFTERWARDS: Final = timedelta(days=7)
_MOST: Final = 50


@atomic
def warn_of_keys() -> int:
    """Have those who make keys told of what ends or has ended, by jobs of their own; return of how many keys."""
    now = timezone.now()
    ending = _alone().filter(
        expires_at__gt=now - _TOLD_AFTERWARDS, expires_at__lte=now + timedelta(days=max(WARN_DAYS))
    )
    rows = ending.select_for_update(of=("self",), no_key=True).select_related("directory").order_by("pk")
    told = [row for row in rows if _is_due(row, now)]
    if not told:
        return 0
    people = people_holding(MANAGE)[:_MOST]
    for row in told:
        write(
            row.directory,
            "scim.key.ended" if row.warned_days == ENDED else "scim.key.ends",
            detail=_when(row, now),
        )
        for person in people:
            enqueue(
                KEY_LETTER_TO_JOB,
                object_id=person.pk,
                payload={"key": str(row.pk), "days": row.warned_days},
            )
    log.info("scim.keys_end", keys=len(told))
    return len(told)


def tell_of_key(user_id: UUID | None, key_id: UUID, days: int) -> bool:
    """Send one of them the letter; False when the key was replaced or revoked meanwhile.

    Raises: ExternalServiceError.
    """
    now = timezone.now()
    with atomic():
        user = User.objects.filter(pk=user_id, is_active=True).first() if user_id else None
        row = _alone().filter(pk=key_id).select_related("directory").first()
        if user is None or row is None:
            return False
        link = primary_address(reverse("accounts:scim_directory", args=[row.directory_id]))
    language = user.language or current_tenant().language
    with translation.override(language):
        facts: dict[str, str | int | datetime | None] = {
            "company": current_tenant().name,
            "directory": row.directory.name,
            "what": _when(row, now),
            "key": f"nts_scim_{row.public_id}…",
            "ends": row.expires_at,
            "link": link,
        }
    send_letter(SCIM_KEY.code, to=user.email, facts=facts, language=language)
    log.info("scim.key_letter_sent", user_id=user.pk, scim_token_id=row.pk, days=days)
    return True


def days_left(ends: datetime, now: datetime) -> int:
    """Whole days a key is still good, and one begun counts; 0 when it has ended."""
    return max(0, -((now - ends) // timedelta(days=1)))


def _alone() -> QuerySet[ScimToken]:
    """Keys that were not revoked, of directories at work, and that nothing newer has taken the place of."""
    newer = ScimToken.objects.filter(
        directory=OuterRef("directory"), revoked_at=None, expires_at__gt=OuterRef("expires_at")
    )
    return ScimToken.objects.filter(~Exists(newer), revoked_at=None, directory__is_enabled=True)


def _is_due(row: ScimToken, now: datetime) -> bool:
    """Whether another mark was passed since the last letter; keeps which one it was."""
    left, lives = row.expires_at - now, row.expires_at - row.created_at
    marks = [days for days in WARN_DAYS if left <= timedelta(days=days) and lives > timedelta(days=days)]
    if not marks or (row.warned_days is not None and row.warned_days <= marks[0]):
        return False
    row.warned_days = marks[0]
    row.save(update_fields=["warned_days"])
    return True


def _when(row: ScimToken, now: datetime) -> str:
    days = days_left(row.expires_at, now)
    if days == 0:
        return gettext("The key has run out")
    if days == 1:
        return gettext("The key runs out within a day")
    return ngettext("The key runs out in %(days)d day", "The key runs out in %(days)d days", days) % {
        "days": days
    }
