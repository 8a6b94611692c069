"""Writes of connections: one function, one use case."""

from typing import Final

import structlog
from django.db import IntegrityError
from django.utils import timezone

from integrations.capabilities import ProblemKind, RemoteIdentity, SourceError
from integrations.events import ConnectionMade, ConnectionRemoved
from integrations.models import Connection, Push, SyncRun
from integrations.registry import connector, open_task_source
from integrations.services.granting import DISCOVER_JOB, ROUTES_JOB
from integrations.services.identities import take_over_identity
from integrations.services.runs import schedule_polls, wake
from tenants.accounts.access import Actor, require
from tenants.dispatch import enqueue
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.outbox.bus import publish
from tenants.secrets.services import delete_secret, store_secret
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

REVOKE_JOB: Final = "integrations.revoke_grant"
_LONGEST_TOKEN: Final = 1000
#: Answers that say something about the token, not about the service.
_REFUSALS: Final = {
    ProblemKind.UNAUTHORISED,
    ProblemKind.INVALID_REQUEST,
    ProblemKind.FORBIDDEN,
    ProblemKind.UNREADABLE,
}


def connect_workspace(
    *, token: str, actor: Actor, connector_key: str = "notion", requests_per_minute: int | None = 0
) -> Connection:
    """Connect the workspace a token opens; checks the token with one call. Call it outside a transaction.

    `requests_per_minute` is the budget of the connection: 0 takes the connector's own, None means no budget.
    A workspace that was disconnected is the same one again, whichever of its integrations the token belongs to: its
    rows stay the tasks they are.
    Raises: Forbidden, InvalidInput (the token is wrong, revoked or not an integration's), Conflict (the
    workspace is connected already), ExternalServiceError (the service cannot be reached).
    """
    with atomic():
        require(actor, "integrations.connect")
    manifest = connector(connector_key)
    secret = _checked_token(token)
    identity = _identity(connector_key, secret)
    if requests_per_minute == 0:
        requests_per_minute = manifest.limits.requests_per_window
    with atomic():
        connection = _locked_account(connector_key, identity.account_id)
        if connection is not None and connection.state != Connection.State.DISCONNECTED:
            raise Conflict(
                f"The workspace “{connection.name}” is connected already.",
                code="integrations.already_connected",
                params={"connection_id": str(connection.pk)},
            )
        connection = (
            connection or _left_by_another(connector_key, identity) or Connection(connector=connector_key)
        )
        connection.account_id = identity.account_id
        connection.created_by_id = actor.user_id
        connection.requests_per_minute = requests_per_minute
        take_over_identity(connection, identity)
        try:
            connection.save()
        except IntegrityError as error:
            raise Conflict(
                "This workspace is just being connected.", code="integrations.already_connected"
            ) from error
        _give_token(connection, secret, actor)
        enqueue(DISCOVER_JOB, object_id=connection.pk, slot=f"discover:{connection.pk}", priority=20)
    log.info("connection.made", connection_id=connection.pk, connector=connector_key)
    return connection


def replace_token(*, connection: Connection, token: str, actor: Actor) -> Connection:
    """Give a connection a new token for the same workspace; checks it with one call, outside a transaction.

    It may belong to another integration of that workspace: the rows are the same.

    Raises: Forbidden, InvalidInput, Conflict (the token belongs to another workspace or integration, or the workspace
    was disconnected meanwhile), ExternalServiceError.
    """
    with atomic():
        require(actor, "integrations.connect", on=connection)
    secret = _checked_token(token)
    identity = _identity(connection.connector, secret)
    if not _is_of_same_workspace(connection, identity):
        where = identity.workspace_name or "another workspace"
        raise Conflict(
            f"This token opens “{where}” through another integration, not “{connection.name}”.",
            code="integrations.foreign_token",
        )
    with atomic():
        locked = Connection.objects.select_for_update().get(pk=connection.pk)
        if locked.state == Connection.State.DISCONNECTED:
            # Somebody decided so while the token was checked: a token brings nothing back that was given up.
            raise Conflict("This workspace was disconnected meanwhile. Connect it anew.")
        same_account = Connection.objects.filter(connector=locked.connector, account_id=identity.account_id)
        if same_account.exclude(pk=locked.pk).exists():
            raise Conflict("This token belongs to another connection.", code="integrations.foreign_token")
        locked.account_id = identity.account_id
        take_over_identity(locked, identity)
        locked.save()
        _give_token(locked, secret, actor)
        wake(locked)
    return locked


@atomic
def pause_connection(*, connection: Connection, actor: Actor) -> Connection:
    """Stop reading until somebody resumes. A run under way stops at its next step and goes on later.

    Raises: Forbidden, Conflict (it is not being read).
    """
    require(actor, "integrations.sync", on=connection)
    locked = Connection.objects.select_for_update().get(pk=connection.pk)
    if locked.state != Connection.State.CONNECTED:
        raise Conflict(f"This workspace is not being read: {locked.get_state_display().lower()}.")
    _set_state(locked, Connection.State.PAUSED, "Paused by hand.")
    return locked


@atomic
def resume_connection(*, connection: Connection, actor: Actor) -> Connection:
    """Read again, from where reading stopped. Raises: Forbidden, Conflict (no token, or not paused)."""
    require(actor, "integrations.sync", on=connection)
    locked = Connection.objects.select_for_update().get(pk=connection.pk)
    if locked.state == Connection.State.REAUTHORISE or locked.token_secret_id is None:
        raise Conflict("This workspace needs a new token first.", code="integrations.needs_token")
    if locked.state == Connection.State.CONNECTED:
        raise Conflict("This workspace is being read already.")
    _set_state(locked, Connection.State.CONNECTED, "")
    wake(locked)
    return locked


@atomic
def disconnect_connection(*, connection: Connection, actor: Actor) -> Connection:
    """Forget the token and stop reading for good. Its tasks stay. Raises: Forbidden.

    What was granted by OAuth is given back to the service first: a job does that, then forgets the tokens.
    """
    require(actor, "integrations.connect", on=connection)
    locked = Connection.objects.select_for_update().get(pk=connection.pk)
    secret_id, locked.token_secret_id = locked.token_secret_id, None
    _set_state(locked, Connection.State.DISCONNECTED, "Disconnected by hand.")
    if locked.auth_kind == Connection.AuthKind.OAUTH:
        enqueue(REVOKE_JOB, object_id=locked.pk, slot=f"revoke:{locked.pk}", priority=20)
        enqueue(ROUTES_JOB, slot="workspace-routes")
    elif secret_id is not None:
        delete_secret(secret_id=secret_id, actor=actor)
    open_runs = SyncRun.objects.filter(connection=locked).open()
    open_runs.update(state=SyncRun.State.CANCELLED, is_cancel_requested=True, finished_at=timezone.now())
    # Nobody can decide about them any more: whoever connects the workspace again is asked anew.
    Push.objects.filter(connection=locked, state=Push.State.HELD).update(state=Push.State.WAITING)
    Push.objects.filter(connection=locked).exclude(held_by_id=None).update(held_by_id=None)
    publish(ConnectionRemoved(connection_id=locked.pk))
    return locked


def _set_state(connection: Connection, state: str, reason: str) -> None:
    connection.state, connection.state_reason = state, reason
    connection.state_changed_at = timezone.now()
    connection.save(update_fields=["state", "state_reason", "state_changed_at", "token_secret", "updated_at"])


def _locked_account(connector_key: str, account_id: str) -> Connection | None:
    accounts = Connection.objects.filter(connector=connector_key, account_id=account_id)
    return accounts.select_for_update().first()


def _left_by_another(connector_key: str, identity: RemoteIdentity) -> Connection | None:
    """The workspace's connection through another of its integrations, given up before; locked. Its access by OAuth,
    if it had one, is given back by now."""
    if not identity.workspace_id:
        return None
    left = Connection.objects.filter(
        connector=connector_key, workspace_id=identity.workspace_id, state=Connection.State.DISCONNECTED
    )
    return left.filter(oauth_grant=None).select_for_update(of=("self",)).order_by("-state_changed_at").first()


def _is_of_same_workspace(connection: Connection, identity: RemoteIdentity) -> bool:
    if identity.account_id == connection.account_id:
        return True
    is_by_token = connection.auth_kind == Connection.AuthKind.TOKEN
    return is_by_token and bool(identity.workspace_id) and identity.workspace_id == connection.workspace_id


def _checked_token(token: str) -> Secret:
    value = token.strip()
    if not value:
        raise InvalidInput("A token is needed.", fields={"token": ["This is needed."]})
    if len(value) > _LONGEST_TOKEN or not value.isascii() or not value.isprintable() or " " in value:
        raise InvalidInput(
            "This is not a token: it holds blanks or signs a token never has.",
            fields={"token": ["Paste the token exactly as the service shows it."]},
        )
    return Secret(value)


def _identity(connector_key: str, token: Secret) -> RemoteIdentity:
    try:
        return open_task_source(connector_key, token=token).whoami()
    except SourceError as error:
        if error.kind in _REFUSALS:
            raise InvalidInput(
                str(error), code="integrations.token_refused", fields={"token": [str(error)]}
            ) from error
        raise


def _give_token(connection: Connection, token: Secret, actor: Actor) -> None:
    secret = store_secret(
        name="token",
        owner_table="integrations_connection",
        owner_id=connection.pk,
        value=token,
        actor=actor,
    )
    connection.token_secret = secret
    connection.auth_kind = Connection.AuthKind.TOKEN
    connection.token_changed_at = timezone.now()
    connection.save(update_fields=["token_secret", "auth_kind", "token_changed_at", "updated_at"])
    publish(ConnectionMade(connection_id=connection.pk))
    schedule_polls(connection)
