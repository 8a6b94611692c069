"""The letter with the code."""

from uuid import UUID

import structlog
from django.utils import timezone

from tenants.foundation.letters import send_letter
from tenants.lifecycle.letters import SIGNUP_CODE
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
    to = proofs.open_address(signup_id, signup.sealed_email)
    send_letter(SIGNUP_CODE.code, to=to, facts={"code": code}, language=signup.language)
    log.info("signup.code_sent", signup=str(signup_id))
    return True
