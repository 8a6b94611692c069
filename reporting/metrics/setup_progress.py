"""How far a company has come in setting itself up."""

from dataclasses import dataclass

from integrations.models import SyncedCollection
from integrations.selectors import visible_connections
from tenants.accounts.access import Actor, can
from tenants.accounts.models import Invitation, User


@dataclass(frozen=True, kw_only=True)
class SetupProgress:
    """What is done of the way from nothing to a team with tasks in step."""

    is_connected: bool
    is_mapped: bool
    is_synced: bool
    has_team: bool

    @property
    def is_complete(self) -> bool:
        """Nothing is left to do."""
        return self.is_connected and self.is_mapped and self.is_synced and self.has_team


def setup_progress(*, actor: Actor) -> SetupProgress | None:
    """What is done; None for people who could not do the rest. At most five queries."""
    if not (can(actor, "integrations.connect") and can(actor, "accounts.invite_users")):
        return None
    wanted = SyncedCollection.objects.filter(connection__in=visible_connections(actor=actor)).wanted()
    is_mapped = wanted.exists()
    return SetupProgress(
        is_connected=is_mapped or visible_connections(actor=actor).exists(),
        is_mapped=is_mapped,
        is_synced=is_mapped and wanted.filter(last_complete_at__isnull=False).exists(),
        has_team=User.objects.count() > 1 or Invitation.objects.exists(),
    )
