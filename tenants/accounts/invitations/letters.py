"""The letter that brings an invitation: written now, sent when the invitation is committed."""

from dataclasses import replace

import structlog
from django.urls import reverse
from django.utils import timezone

from tenants.accounts.access import Role, Sensitivity, codes_of, permission
from tenants.accounts.access.catalogue import is_known
from tenants.accounts.invitations.services import IssuedInvitation
from tenants.accounts.letters import INVITATION
from tenants.accounts.models import Invitation
from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.letters import write_letter
from tenants.foundation.letters.rationing import INVITATIONS, spend_letters
from tenants.tenancy import current_tenant, on_commit
from tenants.tenancy.addresses import primary_address

log = structlog.get_logger(__name__)


def link_of(issued: IssuedInvitation) -> str:
    """Where the invited person sets a password: on the company's public address, whatever host was asked."""
    return primary_address(reverse("accounts:accept_invitation", args=[issued.token.reveal()]))


def mail_invitation(issued: IssuedInvitation) -> None:
    """Send the link to the invited person, in the company's language, after this transaction.

    Whoever chose the company's mail server could read it: a link to more than harmless goes by the platform's.
    A mail server that does not take it is noted in the log: whoever invites has the link as well.
    Raises: LimitReached (then the invitation is undone with the transaction).
    """
    invitation = issued.invitation
    spend_letters(actor_id=invitation.invited_by_id, ration=INVITATIONS)
    letter = write_letter(
        INVITATION.code,
        to=invitation.email,
        language=current_tenant().language,
        facts={
            "company": current_tenant().name, "link": link_of(issued), "name": invitation.name,
            "invited_by": str(invitation.invited_by or ""),
            "until": timezone.localtime(invitation.expires_at).date(),
        },
    )  # fmt: skip
    if _lets_in_to_much(invitation):
        letter = replace(letter, carrier=None)

    def send() -> None:
        try:
            letter.send()
        except ExternalServiceError:
            log.warning("invitation.not_mailed", invitation_id=invitation.pk)

    on_commit(send)


def _lets_in_to_much(invitation: Invitation) -> bool:
    own = invitation.custom_role.codes if invitation.custom_role else []
    held = codes_of(Role(invitation.role)).union(own)
    return any(is_known(code) and permission(code).sensitivity is not Sensitivity.NORMAL for code in held)
