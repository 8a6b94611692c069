"""Telling administrators that a directory was stopped: one job asks for the letters, each of which is one more."""

from typing import Final
from uuid import UUID

import structlog
from django.db.models import QuerySet
from django.urls import reverse

from tenants.accounts.access.holders import people_holding
from tenants.accounts.models import ScimDeprovisioning, ScimDirectory, User
from tenants.accounts.scim.letter_kinds import SCIM_HELD
from tenants.accounts.scim.permissions import MANAGE
from tenants.dispatch import enqueue
from tenants.foundation.letters import send_letter
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.addresses import primary_address

log = structlog.get_logger(__name__)

LETTER_TO_JOB: Final = "accounts.scim_held_letter_to"
_MOST: Final = 50


@atomic
def ask_for_letters(directory_id: UUID | None) -> int:
    """Have each administrator told, by a job of their own; return how many. Nobody is when all is decided."""
    if not _held(directory_id).exists():
        return 0
    chosen = people_holding(MANAGE)[:_MOST]
    for person in chosen:
        enqueue(LETTER_TO_JOB, object_id=person.pk, payload={"directory": str(directory_id)})
    return len(chosen)


def tell(user_id: UUID | None, directory_id: UUID) -> bool:
    """Send one administrator the letter; False when there is nothing to tell any more. Raises: ExternalServiceError."""
    with atomic():
        user = User.objects.filter(pk=user_id, is_active=True).first() if user_id else None
        directory = ScimDirectory.objects.filter(pk=directory_id).first()
        count = _held(directory_id).count()
        link = primary_address(reverse("accounts:scim_directory", args=[directory_id]))
    if user is None or directory is None or not count:
        return False
    facts: dict[str, str | int | None] = {
        "company": current_tenant().name,
        "directory": directory.name,
        "count": count,
        "link": link,
    }
    send_letter(
        SCIM_HELD.code, to=user.email, facts=facts, language=user.language or current_tenant().language
    )
    log.info("scim.held_letter_sent", user_id=user.pk, directory_id=directory_id)
    return True


def _held(directory_id: UUID | None) -> QuerySet[ScimDeprovisioning]:
    return ScimDeprovisioning.objects.filter(directory=directory_id, state=ScimDeprovisioning.State.HELD)
