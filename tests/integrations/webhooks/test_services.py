"""What an administrator does with an address for events, and what ends with the workspace."""

import pytest
from django.utils import timezone

from integrations.events import WebhookChanged, WebhookKeyRevealed
from integrations.models import Connection, InboundEvent, WebhookSubscription
from integrations.services import disconnect_connection
from integrations.sync.events.dirty_set import forget_old_events
from integrations.webhooks.services import (
    open_webhook,
    refuse_pending_key,
    renew_webhook,
    reveal_signing_key,
    switch_off_webhook,
    take_pending_key,
)
from tenants.accounts.access import SYSTEM, UserActor
from tenants.foundation.errors import Conflict, Forbidden
from tenants.secrets.models import Secret
from tenants.tenancy import TenantRef
from tests.factories.notion_events import event_json
from tests.fakes.dispatch import run_due_work
from tests.fakes.events import PublishedEvents
from tests.integrations.webhooks.conftest import Hook, connection_of

OFF = WebhookSubscription.State.OFF


def test_only_those_who_connect_workspaces_may_touch_it(tenant: TenantRef, manager: UserActor) -> None:
    connection = connection_of()
    for service in (
        open_webhook, renew_webhook, switch_off_webhook, reveal_signing_key, take_pending_key, refuse_pending_key,
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            service(connection=connection, actor=manager)


@pytest.mark.parametrize(
    "values",
    [{"state": Connection.State.DISCONNECTED}, {"auth_kind": Connection.AuthKind.OAUTH}],
)
def test_who_needs_no_address_gets_none(tenant: TenantRef, values: dict[str, str]) -> None:
    connection = connection_of(**values)
    with pytest.raises(Conflict):
        open_webhook(connection=connection, actor=SYSTEM)


def test_every_address_is_a_new_one(hook: Hook) -> None:
    keys = {hook.subscription.address_key}
    for _ in range(3):
        keys.add(renew_webhook(connection=hook.connection, actor=SYSTEM).address_key)
    switch_off_webhook(connection=hook.connection, actor=SYSTEM)
    keys.add(open_webhook(connection=hook.connection, actor=SYSTEM).address_key)
    assert len(keys) == 5
    assert all(len(key) >= 43 for key in keys)


def test_renewing_and_closing_take_the_keys_out_of_the_vault(hook: Hook) -> None:
    hook.send(event_json())
    hook.introduce("secret_second")
    assert Secret.objects.count() == 2
    renew_webhook(connection=hook.connection, actor=SYSTEM)
    assert Secret.objects.count() == 0


def test_taking_the_later_key_forgets_the_first(hook: Hook) -> None:
    hook.send(event_json())
    hook.introduce("secret_second")
    taken = take_pending_key(connection=hook.connection, actor=SYSTEM)
    assert (taken.state, taken.pending_secret) == (WebhookSubscription.State.CONFIRMING, None)
    assert Secret.objects.count() == 1
    assert reveal_signing_key(connection=hook.connection, actor=SYSTEM).reveal() == "secret_second"
    hook.introduce("secret_third")
    refuse_pending_key(connection=hook.connection, actor=SYSTEM)
    assert Secret.objects.count() == 1


def test_a_key_is_shown_once_and_that_is_announced(
    waiting_hook: Hook, published_events: PublishedEvents
) -> None:
    with pytest.raises(Conflict, match="has not introduced itself"):
        reveal_signing_key(connection=waiting_hook.connection, actor=SYSTEM)
    waiting_hook.introduce("secret_first")
    assert reveal_signing_key(connection=waiting_hook.connection, actor=SYSTEM).reveal() == "secret_first"
    with pytest.raises(Conflict, match="shown before"):
        reveal_signing_key(connection=waiting_hook.connection, actor=SYSTEM)
    assert len(list(published_events.of(WebhookKeyRevealed))) == 1
    assert "secret_first" not in repr(list(published_events))


def test_a_disconnected_workspace_loses_its_address_and_its_key(hook: Hook, tenant: TenantRef) -> None:
    disconnect_connection(connection=hook.connection, actor=SYSTEM)
    run_due_work(tenant)
    assert hook.subscription.state == OFF
    assert Secret.objects.count() == 0


def test_what_changes_is_announced(hook: Hook, published_events: PublishedEvents) -> None:
    renew_webhook(connection=hook.connection, actor=SYSTEM)
    switch_off_webhook(connection=hook.connection, actor=SYSTEM)
    assert [event.reason for event in published_events.of(WebhookChanged)][-2:] == ["renewed", "switched_off"]


def test_old_events_are_forgotten_and_waiting_ones_never(hook: Hook) -> None:
    for kind in ("comment.created", "page.deleted"):
        hook.send(event_json(kind))
    assert forget_old_events(hook.connection, before=timezone.now()) == 1
    assert InboundEvent.objects.get().state == "waiting"


def test_where_nobody_reads_old_events_do_not_pile_up(hook: Hook) -> None:
    hook.send(event_json("page.deleted"))
    Connection.objects.update(state=Connection.State.DISCONNECTED)
    hook.connection.refresh_from_db()
    assert forget_old_events(hook.connection, before=timezone.now()) == 1
