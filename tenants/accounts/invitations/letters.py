"""The letter that brings an invitation: written now, sent when the invitation is committed."""

from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from tenants.accounts.invitations.services import IssuedInvitation
from tenants.tenancy import current_tenant, on_commit
from tenants.tenancy.addresses import primary_address

log = structlog.get_logger(__name__)


def link_of(issued: IssuedInvitation) -> str:
    """Where the invited person sets a password: on the company's public address, whatever host was asked."""
    return primary_address(reverse("accounts:accept_invitation", args=[issued.token.reveal()]))


def mail_invitation(issued: IssuedInvitation) -> None:
    """Send the link to the invited person, in the company's language, after this transaction.

    A mail server that does not take it is noted in the log: whoever invites has the link as well.
    """
    facts = {
        "company": current_tenant().name, "link": link_of(issued), "name": issued.invitation.name,
        "by": issued.invitation.invited_by, "until": issued.invitation.expires_at,
    }  # fmt: skip
    subject = render_to_string("accounts/letters/invitation_subject.txt", facts)
    body = render_to_string("accounts/letters/invitation.txt", facts)
    message = EmailMessage(
        " ".join(subject.split()), body, settings.DEFAULT_FROM_EMAIL, [issued.invitation.email]
    )

    def send() -> None:
        try:
            message.send()
        except (SMTPException, OSError) as error:
            log.warning(
                "invitation.not_mailed", invitation_id=issued.invitation.pk, reason=type(error).__name__
            )

    on_commit(send)
