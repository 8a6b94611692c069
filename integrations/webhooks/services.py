"""Writes of a connection's address for events: open it, show its key once, take a new key, renew it, close it."""

import secrets
from typing import Final

import structlog
from django.utils import timezone

from integrations.events import WebhookChanged, WebhookKeyRevealed
from integrations.models import Connection, WebhookSubscription
from integrations.registry import Capability, connector
from integrations.webhooks.keys import drop, forget_keys
from tenants.accounts.access import Actor, require
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Conflict
from tenants.outbox.bus import publish
from tenants.secrets.services import reveal_secret
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

_KEY_BYTES: Final = 32


@atomic
def open_webhook(*, connection: Connection, actor: Actor) -> WebhookSubscription:
    """Give a connection an address of its own for events, or a new one where it was switched off.

    Raises: Forbidden, Conflict (the service sends none, the workspace is disconnected, or it has an address).
    """
    require(actor, "integrations.connect", on=connection)
    locked = Connection.objects.select_for_update().get(pk=connection.pk)
    if Capability.EVENT_FEED not in connector(locked.connector).capabilities:
        raise Conflict("This service sends no events.", code="webhooks.not_offered")
    if locked.state == Connection.State.DISCONNECTED:
        raise Conflict("This workspace is disconnected.", code="integrations.not_connected")
    if locked.auth_kind == Connection.AuthKind.OAUTH:
        raise Conflict(
            "The events of this workspace come to the platform's own address.",
            code="webhooks.platform_address",
        )
    found = WebhookSubscription.objects.select_for_update().filter(connection=locked).first()
    if found is not None and found.state != WebhookSubscription.State.OFF:
        raise Conflict("This workspace has an address for events already.", code="webhooks.open_already")
    subscription = found or WebhookSubscription(connection=locked)
    return _begin(subscription, "opened")


@atomic
def renew_webhook(*, connection: Connection, actor: Actor) -> WebhookSubscription:
    """Give a connection a new address; the old one and its key are nobody's at once.

    Raises: Forbidden, Conflict (it has none).
    """
    subscription = _locked(connection, actor)
    forget_keys(subscription, actor)
    return _begin(subscription, "renewed")


@atomic
def switch_off_webhook(*, connection: Connection, actor: Actor) -> WebhookSubscription:
    """Close the address and forget its keys; changes are found by looking, as before. Raises: Forbidden, Conflict."""
    subscription = _locked(connection, actor)
    forget_keys(subscription, actor)
    subscription.state, subscription.state_reason = WebhookSubscription.State.OFF, ""
    subscription.revealed_at, subscription.key_came_at = None, None
    subscription.save()
    _tell(subscription, "switched_off")
    return subscription


@atomic
def reveal_signing_key(*, connection: Connection, actor: Actor) -> Secret:
    """Show the key the service introduced itself with, so that it can be pasted there. Once for each key.

    Raises: Forbidden, Conflict (none has come yet, or it was shown before).
    """
    subscription = _locked(connection, actor)
    if subscription.signing_secret_id is None:
        raise Conflict("The service has not introduced itself yet.", code="webhooks.no_key")
    if subscription.revealed_at is not None:
        raise Conflict(
            "This key was shown before. Renew the address if it was lost on the way.",
            code="webhooks.key_shown",
        )
    subscription.revealed_at = timezone.now()
    subscription.save(update_fields=["revealed_at", "updated_at"])
    publish(WebhookKeyRevealed(connection_id=connection.pk))
    log.info("webhook.key_revealed", connection_id=connection.pk)
    return reveal_secret(subscription.signing_secret_id)


@atomic
def take_pending_key(*, connection: Connection, actor: Actor) -> WebhookSubscription:
    """Let the key that came later count from now on; the one before is forgotten. Raises: Forbidden, Conflict."""
    subscription = _with_pending(connection, actor)
    pending = subscription.pending_secret
    subscription.pending_secret = None
    subscription.save(update_fields=["pending_secret"])
    drop(subscription, "signing_secret", actor)
    subscription.signing_secret = pending
    subscription.state, subscription.state_reason = WebhookSubscription.State.CONFIRMING, ""
    subscription.revealed_at = None
    subscription.save()
    _tell(subscription, "key_taken")
    return subscription


@atomic
def refuse_pending_key(*, connection: Connection, actor: Actor) -> WebhookSubscription:
    """Forget the key that came later. Raises: Forbidden, Conflict (there is none)."""
    subscription = _with_pending(connection, actor)
    drop(subscription, "pending_secret", actor)
    _tell(subscription, "key_refused")
    return subscription


def _begin(subscription: WebhookSubscription, reason: str) -> WebhookSubscription:
    now = timezone.now()
    subscription.address_key = secrets.token_urlsafe(_KEY_BYTES)
    subscription.state, subscription.state_reason = WebhookSubscription.State.WAITING, ""
    subscription.revealed_at = subscription.key_came_at = subscription.last_event_at = None
    subscription.missed = subscription.refused = 0
    subscription.watched_until = now
    subscription.save()
    _tell(subscription, reason)
    return subscription


def _locked(connection: Connection, actor: Actor) -> WebhookSubscription:
    require(actor, "integrations.connect", on=connection)
    found = (
        WebhookSubscription.objects.select_for_update(of=("self",))
        .select_related("signing_secret", "pending_secret")
        .filter(connection_id=connection.pk)
        .exclude(state=WebhookSubscription.State.OFF)
        .first()
    )
    if found is None:
        raise Conflict("This workspace has no address for events.", code="webhooks.not_open")
    return found


def _with_pending(connection: Connection, actor: Actor) -> WebhookSubscription:
    subscription = _locked(connection, actor)
    if subscription.pending_secret_id is None:
        raise Conflict("No other key is waiting.", code="webhooks.no_key")
    return subscription


def _tell(subscription: WebhookSubscription, reason: str) -> None:
    publish(WebhookChanged(connection_id=subscription.connection_id, state=subscription.state, reason=reason))
    log.info("webhook.changed", connection_id=subscription.connection_id, reason=reason)
