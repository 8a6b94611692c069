"""The letter with the code."""

from smtplib import SMTPException
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation

from tenants.foundation.errors import ExternalServiceError
from tenants.lifecycle.signups import proofs
from tenants.models import Signup

log = structlog.get_logger(__name__)


def send_code(signup_id: UUID) -> bool:
    """Send the code of a sign-up; returns whether a letter went out: none does when it would be too late or too often.

    Raises: ExternalServiceError when the mail server does not take it.
    """
    signup = Signup.objects.filter(pk=signup_id).first()
    if signup is None or signup.is_silent or signup.code_expires_at <= timezone.now():
        return False
    code = proofs.code_of(signup_id)
    with translation.override(signup.language):
        subject = render_to_string("tenants/letters/signup_code_subject.txt", {"code": code}).strip()
        body = render_to_string("tenants/letters/signup_code.txt", {"code": code})
    to = proofs.open_address(signup_id, signup.sealed_email)
    try:
        EmailMessage(" ".join(subject.splitlines()), body, settings.DEFAULT_FROM_EMAIL, [to]).send()
    except (SMTPException, OSError) as error:
        raise ExternalServiceError(
            "The mail server did not take a letter.", service="mail", is_transient=True
        ) from error
    log.info("signup.code_sent", signup=str(signup_id))
    return True
