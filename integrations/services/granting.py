"""Connecting a workspace by OAuth: from the code that came back to a connection that is read."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from integrations.capabilities import RemoteIdentity
from integrations.capabilities.oauth import GrantedAccess
from integrations.events import ConnectionMade
from integrations.models import Connection
from integrations.oauth.grants import keep_grant, lock_grants, revoke_stray
from integrations.registry import connector, open_oauth
from integrations.services.identities import take_over_identity
from integrations.services.runs import wake
from tenants.accounts.access import Actor, require
from tenants.dispatch import enqueue, schedule
from tenants.foundation.errors import Conflict
from tenants.outbox.bus import publish
from tenants.tenancy import atomic, wait_for_turn

log = structlog.get_logger(__name__)

DISCOVER_JOB: Final = "integrations.discover_collections"
ROUTES_JOB: Final = "integrations.keep_workspace_routes"
_A_DAY: Final = timedelta(days=1)


def accept_grant(
    *,
    code: str,
    redirect_uri: str,
    actor: Actor,
    connection_id: UUID | None = None,
    connector_key: str = "notion",
    requests_per_minute: int | None = 0,
) -> Connection:
    """Exchange a code and connect the workspace it opens; outside a transaction.

    With `connection_id` exactly this connection gets new access: for another workspace nothing is changed. Without,
    a workspace that is connected by OAuth already has its access renewed.

    Raises: Forbidden, NotFound (OAuth is not offered), Conflict (another workspace was chosen, or it is connected by
    a token), SourceError (the code is not accepted, the service cannot be reached).
    """
    with atomic():
        require(actor, "integrations.connect")
    granted = open_oauth(connector_key).exchange(code=code, redirect_uri=redirect_uri)
    try:
        connection = _keep(granted, connector_key, connection_id, requests_per_minute, actor)
    except Conflict:
        if not _is_in_use(connector_key, granted):
            revoke_stray(connector_key, granted)
        raise
    log.info("connection.granted", connection_id=connection.pk, connector=connector_key)
    return connection


@atomic
def _keep(
    granted: GrantedAccess,
    connector_key: str,
    connection_id: UUID | None,
    requests_per_minute: int | None,
    actor: Actor,
) -> Connection:
    wait_for_turn("integrations.accept_grant")
    identity = granted.identity
    connection = (
        _expected(connection_id, identity) if connection_id else _known(connector_key, identity)
    ) or Connection(connector=connector_key, account_id=identity.account_id, created_by_id=actor.user_id)
    if connection._state.adding or connection.state == Connection.State.DISCONNECTED:
        manifest = connector(connector_key)
        budget = manifest.limits.requests_per_window if requests_per_minute == 0 else requests_per_minute
        connection.requests_per_minute = budget
    connection.account_id = identity.account_id
    take_over_identity(connection, identity)
    connection.save()
    keep_grant(connection, granted, actor)
    publish(ConnectionMade(connection_id=connection.pk))
    wake(connection)
    enqueue(DISCOVER_JOB, object_id=connection.pk, slot=f"discover:{connection.pk}", priority=20)
    enqueue(ROUTES_JOB, slot="workspace-routes")
    schedule(ROUTES_JOB, every=_A_DAY, slot="workspace-routes-daily")
    return connection


def _expected(connection_id: UUID, identity: RemoteIdentity) -> Connection:
    lock_grants([connection_id])
    connection = Connection.objects.select_for_update().filter(pk=connection_id).first()
    if connection is None or connection.state == Connection.State.DISCONNECTED:
        raise Conflict("This workspace was disconnected meanwhile. Connect it anew.")
    if connection.auth_kind != Connection.AuthKind.OAUTH:
        # Its address for events is its own, and its rows know their writer: neither moves along.
        raise Conflict(
            "This workspace is connected with a token. Give it a new token instead.",
            code="integrations.connected_by_token",
        )
    if connection.workspace_id != identity.workspace_id:
        where = identity.workspace_name or "another workspace"
        raise Conflict(
            f"You have chosen “{where}”. This page is about “{connection.name}”: nothing was changed. "
            "Grant access again and choose that workspace.",
            code="integrations.foreign_workspace",
        )
    other = Connection.objects.filter(connector=connection.connector, account_id=identity.account_id)
    if other.exclude(pk=connection.pk).exists():
        raise Conflict("This access belongs to another connection.", code="integrations.foreign_token")
    return connection


def _known(connector_key: str, identity: RemoteIdentity) -> Connection | None:
    rows = Connection.objects.filter(connector=connector_key, workspace_id=identity.workspace_id)
    lock_grants(rows.values_list("pk", flat=True))
    found = list(rows.select_for_update().order_by("created_at"))
    same_bot = next((row for row in found if row.account_id == identity.account_id), None)
    if same_bot is not None:
        return same_bot
    by_token = Connection.AuthKind.TOKEN
    present = [row for row in found if row.state != Connection.State.DISCONNECTED]
    if any(row.auth_kind == by_token for row in present):
        raise Conflict(
            f"The workspace “{identity.workspace_name or present[0].name}” is connected with a token already. "
            "Two connections would bring each task twice.",
            code="integrations.already_connected",
            params={"connection_id": str(present[0].pk)},
        )
    # Taken out there and put in again, the integration acts as another bot; what was given up here may have been
    # connected with a token: the workspace and its rows are the same.
    return next(iter([*present, *found]), None)


@atomic
def _is_in_use(connector_key: str, granted: GrantedAccess) -> bool:
    """Whether a connection lives on this very permission: then giving it back would cut that one off."""
    same = Connection.objects.present().filter(
        connector=connector_key, account_id=granted.identity.account_id
    )
    return same.exists()
