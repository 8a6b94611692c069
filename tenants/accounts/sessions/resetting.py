"""The letter with which somebody sets a new password: written by a job, so that asking tells nothing."""

from typing import Final
from uuid import UUID

import structlog
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.urls import reverse

from tenants.accounts.letters import PASSWORD_RESET
from tenants.accounts.models import User
from tenants.dispatch import enqueue
from tenants.foundation.ids import uuid7
from tenants.foundation.letters import send_letter
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.addresses import primary_host, public_address

log = structlog.get_logger(__name__)

RESET_LETTER_JOB: Final = "accounts.reset_letter"


@atomic
def ask_for_reset(email: str) -> None:
    """Have a letter sent to whoever has this address here.

    The same query and the same row for an address nobody has: its job finds nobody and sends nothing.
    """
    user_id = (
        User.objects.filter(email=email.strip().lower(), is_active=True).values_list("pk", flat=True).first()
    )
    enqueue(RESET_LETTER_JOB, object_id=user_id or uuid7(), priority=10)


def send_reset_letter(user_id: UUID | None) -> bool:
    """Send the letter; False when there is nobody to send it to. Raises: ExternalServiceError."""
    with atomic():
        people = User.objects.filter(is_active=True, service_account=None, support_account=None)
        user = people.filter(pk=user_id).first() if user_id else None
        if user is None:
            return False
        host = primary_host()
        key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    uid, _, token = key.partition("-")
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
    facts = {
        "company": current_tenant().name,
        "host": host,
        "link": public_address(host, path),
    }
    language = user.language or current_tenant().language
    send_letter(PASSWORD_RESET.code, to=user.email, facts=facts, language=language)
    log.info("password_reset.letter_sent", user_id=user.pk)
    return True
