"""Opens what builds in a workspace, behind the connection's budget of calls."""

from dataclasses import dataclass

from integrations.capabilities.workspace_builder import WorkspaceBuilder
from integrations.models import Connection
from integrations.oauth.live_token import token_of
from integrations.registry import open_workspace_builder
from integrations.sync.guarded_source import CallGuard
from integrations.sync.limiter import Caller, Lane, shared_limiter
from integrations.sync.session import NotConnected


@dataclass(frozen=True, slots=True)
class OpenBuilder:
    """A builder, and the guard that counts its calls."""

    builder: WorkspaceBuilder
    guard: CallGuard


def open_builder(connection: Connection) -> OpenBuilder:
    """Open it with the connection's token; outside a transaction. Raises: NotConnected, NotFound."""
    if connection.token_secret_id is None:
        raise NotConnected
    caller = Caller(
        connection_id=connection.pk,
        workspace_id=connection.workspace_id,
        budget=connection.requests_per_minute,
        lane=Lane.INTERACTIVE,
    )
    guard = CallGuard(limiter=shared_limiter(), caller=caller, service=connection.connector)
    builder = open_workspace_builder(connection.connector, token=token_of(connection), observer=guard)
    return OpenBuilder(builder, guard)
