"""The tokens behind a grant: kept sealed, renewed by one worker at a time, given back when nobody wants them."""

from collections.abc import Iterable
from uuid import UUID

import structlog
from django.utils import timezone

from integrations.capabilities import ProblemKind, SourceError
from integrations.capabilities.oauth import GrantedAccess
from integrations.models import Connection, OAuthGrant
from integrations.registry import offers_oauth, open_oauth
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import NotFound
from tenants.secrets.models import Secret as StoredSecret
from tenants.secrets.services import delete_secret, reveal_secret, store_secret
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

_OWNER_TABLE = "integrations_connection"
_ACCESS, _REFRESH = "token", "refresh_token"


class AccessWithdrawn(SourceError):
    """The service accepts neither the access token nor the refresh token: a person has to grant access again."""

    default_message = "The access that was granted has ended. Grant it again, for the same workspace."

    def __init__(self, service: str, *, detail: str = "") -> None:
        super().__init__(
            self.default_message, service=service, kind=ProblemKind.UNAUTHORISED, detail=detail[:500]
        )


def lock_grants(connection_ids: Iterable[UUID]) -> None:
    """Lock the grants of these connections before the connections themselves, inside the transaction that locks both.

    Everywhere: grant, connection, secrets. A renewal holds its grant while it calls the service, and must not hold the
    connection, which every worker needs all the time.
    """
    grants = OAuthGrant.objects.filter(connection__in=connection_ids).select_for_update(of=("self",))
    list(grants.order_by("pk").values_list("pk"))


def keep_grant(connection: Connection, granted: GrantedAccess, actor: object) -> None:
    """Seal both tokens and note what was granted; inside a transaction that has locked grant and connection."""
    now = timezone.now()
    connection.token_secret = _seal(connection, _ACCESS, granted.access_token, actor)
    connection.auth_kind = Connection.AuthKind.OAUTH
    connection.token_changed_at = now
    connection.save(update_fields=["token_secret", "auth_kind", "token_changed_at", "updated_at"])
    refresh = _seal(connection, _REFRESH, granted.refresh_token, actor) if granted.refresh_token else None
    OAuthGrant.objects.update_or_create(
        connection=connection,
        defaults={
            "refresh_secret": refresh,
            "owner_name": granted.owner_name,
            "template_id": granted.template_id,
            "refreshed_at": now,
            "granted_by_id": getattr(actor, "user_id", None),
        },
    )


def renew_access(*, connection_id: UUID, refused: Secret) -> Secret:
    """A token that works in the place of one that was refused; outside a transaction.

    The grant is locked from before the call until the new pair is stored, because the old one is void with the
    answer: whoever comes second waits for the first one's result and makes no call. This is the one place in which a
    call is made inside a transaction.

    Raises: AccessWithdrawn; SourceError (the service cannot say now; nothing is lost, try again later).
    """
    with atomic():
        grant = OAuthGrant.objects.select_for_update().filter(connection_id=connection_id).first()
        # Read once the grant is ours: whoever held it may have changed the connection.
        connection = Connection.objects.filter(pk=connection_id).first() if grant else None
        if grant is None or connection is None or connection.token_secret_id is None:
            raise AccessWithdrawn(connection.connector if connection else "source")
        current = reveal_secret(connection.token_secret_id)
        if current != refused:
            return current
        if grant.refresh_secret_id is None:
            raise AccessWithdrawn(connection.connector, detail="no refresh token was given")
        refresh_token = reveal_secret(grant.refresh_secret_id)
        try:
            granted = open_oauth(connection.connector).refresh(refresh_token=refresh_token)
        except SourceError as error:
            if error.kind is ProblemKind.UNAUTHORISED:
                raise AccessWithdrawn(connection.connector, detail=error.detail) from error
            raise
        except NotFound as error:
            raise AccessWithdrawn(connection.connector, detail=str(error)) from error
        # Nothing but sealing stands between the answer and the commit.
        _keep_renewed(connection, grant, granted)
    log.info("grant.refreshed", connection_id=connection_id)
    return granted.access_token


def _keep_renewed(connection: Connection, grant: OAuthGrant, granted: GrantedAccess) -> None:
    now = timezone.now()
    Connection.objects.filter(pk=connection.pk).update(token_changed_at=now)
    _seal(connection, _ACCESS, granted.access_token, "refresh")
    if granted.refresh_token is not None:
        grant.refresh_secret = _seal(connection, _REFRESH, granted.refresh_token, "refresh")
    grant.refreshed_at = now
    grant.save(update_fields=["refresh_secret", "refreshed_at", "updated_at"])


def give_back_grant(*, connection_id: UUID, is_last_attempt: bool = False) -> None:
    """Revoke the access of a connection that was disconnected, and forget its tokens; outside a transaction.

    Does nothing when it was connected again meanwhile. Raises: SourceError when the service cannot be reached, unless
    this is the last attempt: then the tokens are forgotten all the same.
    """
    with atomic():
        connection = Connection.objects.filter(pk=connection_id).first()
        if connection is None or connection.state != Connection.State.DISCONNECTED:
            return
        held = {
            secret.name: secret
            for secret in StoredSecret.objects.filter(owner_table=_OWNER_TABLE, owner_id=connection_id)
        }
        token = reveal_secret(held[_ACCESS].pk) if _ACCESS in held else None
    if token is not None and offers_oauth(connection.connector):
        try:
            open_oauth(connection.connector).revoke(token=token)
        except SourceError as error:
            if not is_last_attempt:
                raise
            log.warning("grant.not_revoked", connection_id=connection_id, error=str(error))
    with atomic():
        lock_grants([connection_id])
        locked = Connection.objects.select_for_update().get(pk=connection_id)
        if locked.state != Connection.State.DISCONNECTED:
            return
        OAuthGrant.objects.filter(connection_id=connection_id).delete()
        for secret in held.values():
            delete_secret(secret_id=secret.pk, actor="revocation")
    log.info("grant.given_back", connection_id=connection_id)


def revoke_stray(connector_key: str, granted: GrantedAccess) -> None:
    """Give access back that nobody will use; best effort, outside a transaction."""
    try:
        open_oauth(connector_key).revoke(token=granted.access_token)
    except SourceError as error:
        log.warning("grant.stray_not_revoked", connector=connector_key, error=str(error))


def _seal(connection: Connection, name: str, value: Secret, actor: object) -> StoredSecret:
    return store_secret(name=name, owner_table=_OWNER_TABLE, owner_id=connection.pk, value=value, actor=actor)
