"""The letter with which somebody sets a new password: written by a job, so that asking tells nothing."""

from smtplib import SMTPException
from typing import Final
from uuid import UUID

import structlog
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from tenants.accounts.models import User
from tenants.dispatch import enqueue
from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.ids import uuid7
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
        people = User.objects.filter(is_active=True, service_account=None)
        user = people.filter(pk=user_id).first() if user_id else None
        if user is None:
            return False
        host = primary_host()
        key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    uid, _, token = key.partition("-")
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
    facts = {"host": host, "password_reset_url": public_address(host, path)}
    with translation.override(user.language or current_tenant().language):
        subject = render_to_string("account/email/password_reset_key_subject.txt", facts).strip()
        body = render_to_string("account/email/password_reset_key_message.txt", facts)
    try:
        EmailMessage(" ".join(subject.splitlines()), body, settings.DEFAULT_FROM_EMAIL, [user.email]).send()
    except (SMTPException, OSError) as error:
        raise ExternalServiceError(
            "The mail server did not take a letter.", service="mail", is_transient=True
        ) from error
    log.info("password_reset.letter_sent", user_id=user.pk)
    return True
