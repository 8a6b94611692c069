"""The sandbox tells the demo's console of every change, subscribed as administrators and operators would do it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.urls import reverse

from integrations.demo.companies import owner_actor
from integrations.models import Connection, WebhookSubscription
from integrations.sandbox.notion.content.loopback import SandboxCalls
from integrations.sandbox.notion.content.values import Json
from integrations.webhooks.platform import SIGNING, platform_key, refuse_platform_key, take_platform_key
from integrations.webhooks.services import open_webhook, renew_webhook, reveal_signing_key
from integrations.webhooks.window import open_window
from tenants.foundation.errors import Conflict
from tenants.permissions import PLATFORM_SLUG
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.addresses import address_of

log = structlog.get_logger(__name__)

_CONNECTOR: Final = "notion"
_INTRODUCTION: Final = timedelta(minutes=1)


def ensure_events(ref: TenantRef, connection_ids: Sequence[UUID], calls: SandboxCalls) -> None:
    """Have the sandbox post the events of these workspaces to an address each. The web server has to answer.

    Raises: ExternalServiceError (the sandbox refused), Conflict (its introduction did not arrive).
    """
    with tenant_scope(ref):
        for connection_id in connection_ids:
            _ensure_events_of(ref, connection_id, calls)


def _ensure_events_of(ref: TenantRef, connection_id: UUID, calls: SandboxCalls) -> None:
    with atomic():
        connection = Connection.objects.get(pk=connection_id)
        found = WebhookSubscription.objects.filter(connection=connection).first()
    if connection.auth_kind == Connection.AuthKind.OAUTH:
        return
    actor = owner_actor()
    is_open = found is not None and found.state != WebhookSubscription.State.OFF
    if found is not None and is_open and _is_subscribed(calls, _address(ref, found)):
        return
    # On another port, or broken off half-way: a new address, and nothing of the old one is in the way.
    opened = (renew_webhook if is_open else open_webhook)(connection=connection, actor=actor)
    made = _subscribe(calls, connection.workspace_id, _address(ref, opened))
    key = reveal_signing_key(connection=connection, actor=actor)
    calls.control("webhooks/confirm", {"id": made["id"], "verification_token": key.reveal()})
    log.info("demo.events_subscribed", connection_id=connection_id)


def ensure_platform_events(platform: TenantRef, client_id: str, calls: SandboxCalls) -> None:
    """Have the sandbox post the events of workspaces that were let in by OAuth to the platform's address.

    Raises: ExternalServiceError (the sandbox refused), Conflict (its introduction did not arrive).
    """
    address = address_of(PLATFORM_SLUG) + reverse("hooks:platform", kwargs={"connector": _CONNECTOR})
    with tenant_scope(platform):
        with atomic():
            has_key = platform_key(_CONNECTOR, SIGNING) is not None
        if has_key and _is_subscribed(calls, address):
            return
        refuse_platform_key(connector_key=_CONNECTOR)
        open_window(_CONNECTOR, lasting=_INTRODUCTION)
        made = _subscribe(calls, client_id, address)
        take_platform_key(connector_key=_CONNECTOR)
        with atomic():
            key = platform_key(_CONNECTOR, SIGNING)
    if key is None:
        raise Conflict("The sandbox's introduction did not arrive at the platform's address.")
    calls.control("webhooks/confirm", {"id": made["id"], "verification_token": key.reveal()})
    log.info("demo.platform_events_subscribed", client_id=client_id)


def _address(ref: TenantRef, subscription: WebhookSubscription) -> str:
    arguments = {"connector": _CONNECTOR, "key": subscription.address_key}
    return address_of(ref.slug) + reverse("hooks:connection", kwargs=arguments)


def _subscriptions(calls: SandboxCalls) -> list[Json]:
    found: list[Json] = calls.report("webhooks")["subscriptions"]
    return found


def _is_subscribed(calls: SandboxCalls, address: str) -> bool:
    return any(one["url"] == address and one["state"] == "active" for one in _subscriptions(calls))


def _subscribe(calls: SandboxCalls, whose: str, address: str) -> Json:
    """Subscribe anew for a workspace or a client; what it was told at before is given up."""
    before = {one["id"] for one in _subscriptions(calls)}
    made = calls.control("webhooks", {"workspace": whose, "url": address})
    same = [one for one in _subscriptions(calls) if one["id"] in before and _is_same(one, made)]
    for one in same:
        calls.control("webhooks", {"id": one["id"]}, method="DELETE")
    return made


def _is_same(one: Json, made: Json) -> bool:
    """Whether two subscriptions are of the same connection, or of the same client."""
    return all(one[key] == made[key] for key in ("client_id", "workspace_id", "bot_id"))
