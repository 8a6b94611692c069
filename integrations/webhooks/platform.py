"""The platform's own address: events of all companies that granted access to the public connection arrive here."""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

import redis
import structlog
from django.utils import timezone

from integrations.capabilities.event_feed import RemoteEvent
from integrations.models import Connection, WebhookSubscription
from integrations.sync.events.storing import store_event
from integrations.webhooks import metrics
from integrations.webhooks.keys import NotAwaited
from integrations.webhooks.receiving import checked_event, feed_of
from integrations.webhooks.window import pass_window
from tenants.accounts.access import SYSTEM
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import DomainError
from tenants.models import WorkspaceRoute
from tenants.secrets.models import Secret as StoredSecret
from tenants.secrets.services import delete_secret, reveal_secret, store_secret
from tenants.tenancy import TenantRef, atomic, current_tenant, tenant_scope
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)

OWNER_TABLE: Final = "integrations_platformwebhook"
SIGNING, PENDING = "signing key", "pending key"
#: Doors that open within this many seconds are waited for: the service tries again.
_SOON_SECONDS: Final = 60


class NotNow(DomainError):
    """A company is closed for a few seconds: the post is to be repeated."""

    default_code = "webhooks.not_now"
    default_message = "Please send this again in a moment."


def receive_for_platform(*, connector_key: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Take a post at the platform's address, in the platform's scope and outside a transaction.

    An event goes to every company that has its workspace; a company whose doors are closed for longer finds the
    change by looking, once they open. What no company has is taken and forgotten.
    Raises: UnknownAddress, WrongSignature, MalformedEvent, NotAwaited, NotNow.
    """
    now = timezone.now()
    feed = feed_of(connector_key)
    token = feed.handshake(body)
    if token is not None:
        _keep_key(connector_key, token)
        return
    with atomic():
        key = platform_key(connector_key, SIGNING)
    event = checked_event(feed, body, headers, key, connector_key=connector_key, now=now)
    is_late = False
    for tenant in _companies(connector_key, event.workspace_id):
        doors = doors_of(tenant.state)
        if doors.writes:
            with tenant_scope(tenant):
                _deliver(connector_key, event, now)
        elif doors.seconds <= _SOON_SECONDS:
            is_late = True
    metrics.EVENTS.labels(service=connector_key, outcome="stored").inc()
    if is_late:
        raise NotNow


def platform_key(connector_key: str, name: str) -> Secret | None:
    """The platform's key of that name; None while there is none. In the platform's scope, inside a transaction."""
    stored = StoredSecret.objects.filter(
        owner_table=OWNER_TABLE, owner_id=_owner(connector_key), name=name
    ).first()
    return None if stored is None else reveal_secret(stored.pk)


@atomic
def take_platform_key(*, connector_key: str) -> bool:
    """Let the key that waits count; says whether one was waiting. In the platform's scope."""
    pending = platform_key(connector_key, PENDING)
    if pending is None:
        return False
    _store(connector_key, SIGNING, pending)
    _forget(connector_key, PENDING)
    log.info("platform_webhook.key_taken", connector=connector_key)
    return True


@atomic
def refuse_platform_key(*, connector_key: str) -> bool:
    """Forget the key that waits; says whether one did. In the platform's scope."""
    if platform_key(connector_key, PENDING) is None:
        return False
    _forget(connector_key, PENDING)
    log.info("platform_webhook.key_refused_by_operator", connector=connector_key)
    return True


def _companies(connector_key: str, workspace_id: str) -> list[TenantRef]:
    """Every company that says it has this workspace; the route is a hint, each looks for itself."""
    if not workspace_id:
        return []
    routes = WorkspaceRoute.objects.filter(connector=connector_key, workspace_id=workspace_id)
    own = current_tenant().id
    return [
        route.tenant.ref for route in routes.select_related("tenant").order_by("id") if route.tenant_id != own
    ]


@atomic
def _deliver(connector_key: str, event: RemoteEvent, now: datetime) -> None:
    connections = Connection.objects.present().filter(
        connector=connector_key, workspace_id=event.workspace_id, auth_kind=Connection.AuthKind.OAUTH
    )
    for connection in connections.order_by("pk")[:1]:
        subscription, _is_new = WebhookSubscription.objects.get_or_create(
            connection=connection,
            # Nobody is told this address and nothing is taken there; it only has to be nobody else's.
            defaults={"address_key": secrets.token_urlsafe(32), "watched_until": now},
        )
        store_event(subscription=subscription, connection=connection, event=event, now=now)


@atomic
def _keep_key(connector_key: str, token: Secret) -> None:
    """Keep a key an operator waits for, until they have looked at it and taken it: no key counts by coming.

    Anybody can guess this address and post a key that nothing signs. So one is kept only in the time an operator has
    opened, the first closes it, and none takes the place of another. Raises: NotAwaited, NotNow.
    """
    for name in (SIGNING, PENDING):
        known = platform_key(connector_key, name)
        if known is not None and hmac.compare_digest(known.reveal(), token.reveal()):
            return
    try:
        is_awaited = platform_key(connector_key, PENDING) is None and pass_window(connector_key)
    except redis.RedisError as error:
        raise NotNow from error
    if not is_awaited:
        metrics.EVENTS.labels(service=connector_key, outcome="refused").inc()
        log.warning("platform_webhook.key_refused", connector=connector_key)
        raise NotAwaited
    _store(connector_key, PENDING, token)
    metrics.EVENTS.labels(service=connector_key, outcome="handshake").inc()
    log.warning("platform_webhook.key_came", connector=connector_key)


def _store(connector_key: str, name: str, value: Secret) -> None:
    store_secret(
        name=name, owner_table=OWNER_TABLE, owner_id=_owner(connector_key), value=value, actor=SYSTEM
    )


def _forget(connector_key: str, name: str) -> None:
    stored = StoredSecret.objects.get(owner_table=OWNER_TABLE, owner_id=_owner(connector_key), name=name)
    delete_secret(secret_id=stored.pk, actor=SYSTEM)


def _owner(connector_key: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"nts:platform-webhook:{connector_key}")
