"""The signing key of an address: kept sealed when it comes, shown once, and never replaced behind anybody's back."""

import hmac
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from integrations.events import WebhookKeyCame
from integrations.models import WebhookSubscription
from tenants.accounts.access import SYSTEM
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import DomainError
from tenants.outbox.bus import publish
from tenants.secrets.services import delete_secret, reveal_secret, store_secret
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

OWNER_TABLE: Final = "integrations_webhooksubscription"
#: Two names, used in turn: the vault keeps one value for each name of an owner.
NAMES: Final = ("signing key", "signing key 2")


class NotAwaited(DomainError):
    """An introduction nobody waits for: it could be anybody's."""

    default_code = "webhooks.not_awaited"
    default_message = "No introduction is awaited here. Have whoever manages this address ask for one."


@atomic
def keep_key(*, subscription_id: UUID, token: Secret, now: datetime) -> None:
    """Keep the key a service introduces itself with.

    The first one is what an administrator gets to see. Any other waits until an administrator takes or refuses it, and
    while one waits, no third is taken: a stranger who learned the address replaces nothing, and nothing is replaced
    between what an administrator sees and what they take.
    Raises: NotAwaited.
    """
    locked = WebhookSubscription.objects.select_for_update().get(pk=subscription_id)
    if _is_same(locked.signing_secret_id, token) or _is_same(locked.pending_secret_id, token):
        return
    if locked.pending_secret_id is not None:
        log.warning("webhook.key_refused", subscription_id=locked.pk)
        raise NotAwaited
    is_first = locked.signing_secret_id is None
    if is_first:
        _put(locked, "signing_secret", token)
        locked.state, locked.state_reason = WebhookSubscription.State.CONFIRMING, ""
        locked.revealed_at = None
    else:
        _put(locked, "pending_secret", token)
    locked.key_came_at = now
    locked.save()
    publish(WebhookKeyCame(connection_id=locked.connection_id, is_pending=not is_first))
    log.info("webhook.key_came", subscription_id=locked.pk, is_pending=not is_first)


def forget_keys(subscription: WebhookSubscription, actor: object) -> None:
    """Take both keys out of the vault; inside a transaction that holds the row."""
    for name in ("signing_secret", "pending_secret"):
        drop(subscription, name, actor)


def drop(subscription: WebhookSubscription, name: str, actor: object) -> None:
    """Take one key out of the vault."""
    secret_id = getattr(subscription, f"{name}_id")
    setattr(subscription, f"{name}_id", None)
    if secret_id is not None:
        subscription.save(update_fields=[name])
        delete_secret(secret_id=secret_id, actor=actor)


def _put(subscription: WebhookSubscription, name: str, token: Secret) -> None:
    other = subscription.pending_secret if name == "signing_secret" else subscription.signing_secret
    own = getattr(subscription, name)
    free = next(word for word in NAMES if other is None or other.name != word)
    secret = store_secret(
        name=own.name if own is not None else free,
        owner_table=OWNER_TABLE,
        owner_id=subscription.pk,
        value=token,
        actor=SYSTEM,
    )
    setattr(subscription, name, secret)


def _is_same(secret_id: UUID | None, token: Secret) -> bool:
    if secret_id is None:
        return False
    return hmac.compare_digest(reveal_secret(secret_id).reveal(), token.reveal())
