"""What happens to a post at one of our addresses: an introduction, an event to be kept, or nothing we believe."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import structlog
from django.db.models import F
from django.utils import timezone

from integrations.capabilities.event_feed import EventFeed, MalformedEvent, RemoteEvent
from integrations.models import Connection, WebhookSubscription
from integrations.registry import event_feed
from integrations.sync.events.storing import store_event
from integrations.webhooks import metrics
from integrations.webhooks.keys import keep_key
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import DomainError, NotFound
from tenants.secrets.services import reveal_secret
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: Events name things and hold no values: the longest of them is far below this.
MOST_BYTES: Final = 256 * 1024


class UnknownAddress(NotFound):
    """Nobody receives anything at this address, or not any more."""

    default_code = "webhooks.unknown_address"
    default_message = "There is nothing at this address."


class WrongSignature(DomainError):
    """The post is not signed with the key of this address."""

    default_code = "webhooks.wrong_signature"
    default_message = "The signature does not fit."


def receive(*, connector_key: str, address_key: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Take a post at the address of one connection. Call it outside a transaction; it calls nobody.

    Raises: UnknownAddress, WrongSignature, MalformedEvent, NotAwaited.
    """
    now = timezone.now()
    feed = feed_of(connector_key)
    with atomic():
        subscription = _subscription(connector_key, address_key)
        key = _key_of(subscription)
    token = feed.handshake(body)
    if token is not None:
        keep_key(subscription_id=subscription.pk, token=token, now=now)
        metrics.EVENTS.labels(service=connector_key, outcome="handshake").inc()
        return
    event = checked_event(feed, body, headers, key, connector_key=connector_key, now=now, of=subscription)
    store_event(subscription=subscription, connection=subscription.connection, event=event, now=now)
    metrics.EVENTS.labels(service=connector_key, outcome="stored").inc()


def checked_event(
    feed: EventFeed,
    body: bytes,
    headers: Mapping[str, str],
    key: Secret | None,
    *,
    connector_key: str,
    now: datetime,
    of: WebhookSubscription | None = None,
) -> RemoteEvent:
    """The event in a body that was signed with the key. Raises: WrongSignature, MalformedEvent."""
    if key is None or not feed.is_genuine(body, headers, key):
        metrics.EVENTS.labels(service=connector_key, outcome="refused").inc()
        log.warning("webhook.refused", subscription_id=of.pk if of else None, bytes=len(body))
        if of is not None:
            with atomic():
                WebhookSubscription.objects.filter(pk=of.pk).update(refused=F("refused") + 1)
        raise WrongSignature
    try:
        return feed.parse(body, received_at=now)
    except MalformedEvent:
        metrics.EVENTS.labels(service=connector_key, outcome="malformed").inc()
        raise


def feed_of(connector_key: str) -> EventFeed:
    """The connector's feed. Raises: UnknownAddress where there is none."""
    try:
        return event_feed(connector_key)
    except NotFound:
        raise UnknownAddress from None


def _subscription(connector_key: str, address_key: str) -> WebhookSubscription:
    found = (
        WebhookSubscription.objects.select_related("connection")
        .filter(
            address_key=address_key,
            connection__connector=connector_key,
            connection__auth_kind=Connection.AuthKind.TOKEN,
        )
        .exclude(state=WebhookSubscription.State.OFF)
        .exclude(connection__state=Connection.State.DISCONNECTED)
        .first()
    )
    if found is None:
        raise UnknownAddress
    return found


def _key_of(subscription: WebhookSubscription) -> Secret | None:
    secret_id = subscription.signing_secret_id
    return None if secret_id is None else reveal_secret(secret_id)
