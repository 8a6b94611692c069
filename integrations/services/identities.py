"""Who a token acts as, taken over into its connection."""

from django.utils import timezone

from integrations.capabilities import RemoteIdentity
from integrations.models import Connection


def take_over_identity(connection: Connection, identity: RemoteIdentity) -> None:
    """Note who the connection's token acts as and that it works; the caller saves."""
    connection.name = (identity.workspace_name or identity.account_name or "Workspace")[:200]
    connection.account_name = identity.account_name[:200]
    connection.workspace_id = identity.workspace_id[:100]
    connection.workspace_name = identity.workspace_name[:200]
    connection.workspace_icon = identity.workspace_icon
    connection.state, connection.state_reason = Connection.State.CONNECTED, ""
    connection.state_changed_at = timezone.now()
