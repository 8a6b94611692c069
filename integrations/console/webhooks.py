"""The address for events of a workspace: open it, confirm it at the service, see what came and what became of it."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from integrations.models import Connection, WebhookSubscription
from integrations.selectors import connection_for
from integrations.webhooks.selectors import event_counts, events_of, webhook_of
from integrations.webhooks.services import (
    open_webhook,
    refuse_pending_key,
    renew_webhook,
    reveal_signing_key,
    switch_off_webhook,
    take_pending_key,
)
from tenants.accounts.access import UserActor, actor_of, can, require
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import Conflict

SHOWN_EVENTS: Final = 50
type Service = Callable[..., WebhookSubscription]
#: What each button does, and what is said afterwards.
ACTIONS: Final[dict[str, tuple[Service, Promise]]] = {
    "open": (open_webhook, _("The address is open. Enter it at Notion.")),
    "renew": (renew_webhook, _("The address is a new one. Enter it at Notion.")),
    "switch_off": (switch_off_webhook, _("The address is closed. Changes are found by looking.")),
    "take_key": (take_pending_key, _("The new key counts now. Show it and paste it at Notion.")),
    "refuse_key": (refuse_pending_key, _("The other key is forgotten.")),
}


@login_required
@never_cache
@require_safe
def webhook(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """The address, whether events come, and the last of them."""
    actor = actor_of(request)
    connection = connection_for(actor=actor, connection_id=connection_id)
    part = "#results" if htmx_of(request) else ""
    context = webhook_context(request, connection, actor)
    return render(request, f"integrations/webhook.html{part}", context)


def webhook_context(request: HttpRequest, connection: Connection, actor: UserActor) -> dict[str, Any]:
    """What the page shows; the address only to those who may connect workspaces."""
    found = webhook_of(actor=actor, connection=connection)
    is_open = found is not None and found.state != WebhookSubscription.State.OFF
    may_connect = can(actor, "integrations.connect")
    address = ""
    if found is not None and is_open and may_connect and not _comes_by_platform(connection):
        arguments = {"connector": connection.connector, "key": found.address_key}
        address = request.build_absolute_uri(reverse("hooks:connection", kwargs=arguments))
    return {
        "connection": connection,
        "webhook": found if is_open else None,
        "address": address,
        "may_connect": may_connect,
        "comes_by_platform": _comes_by_platform(connection),
        "events": list(events_of(actor=actor, connection=connection)[:SHOWN_EVENTS]),
        "counts": event_counts(actor=actor, connection=connection),
    }


def _comes_by_platform(connection: Connection) -> bool:
    return connection.auth_kind == Connection.AuthKind.OAUTH


@login_required
@require_POST
def webhook_act(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Open, renew or close the address; take or refuse a key that came later."""
    actor = actor_of(request)
    require(actor, "integrations.connect")
    connection = connection_for(actor=actor, connection_id=connection_id)
    chosen = ACTIONS.get(request.POST.get("action", ""))
    if chosen is None:
        return HttpResponse(status=400)
    service, text = chosen
    here = HttpResponseRedirect(reverse("integrations:webhook", args=[connection.pk]))
    try:
        service(connection=connection, actor=actor)
    except Conflict as conflict:
        # Somebody else was quicker, or the page is an old one: it shows how things stand.
        return toast(request, here, conflict.message)
    return toast(request, here, str(text))


@login_required
@never_cache
@require_POST
def webhook_reveal(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Show the key the service introduced itself with, this once."""
    actor = actor_of(request)
    require(actor, "integrations.connect")
    connection = connection_for(actor=actor, connection_id=connection_id)
    try:
        key = reveal_signing_key(connection=connection, actor=actor)
    except Conflict as conflict:
        here = HttpResponseRedirect(reverse("integrations:webhook", args=[connection.pk]))
        return toast(request, here, conflict.message)
    context = webhook_context(request, connection, actor) | {"signing_key": key.reveal()}
    return render(request, "integrations/webhook.html", context)
