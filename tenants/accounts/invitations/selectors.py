"""Which invitations are out."""

from django.db.models import QuerySet

from tenants.accounts.access import Actor, require
from tenants.accounts.models import Invitation


def pending_invitations(*, actor: Actor) -> QuerySet[Invitation]:
    """Return invitations nobody has accepted or revoked, expired ones too. Raises: Forbidden."""
    require(actor, "accounts.invite_users")
    return Invitation.objects.filter(accepted_at=None, revoked_at=None).select_related("invited_by")
