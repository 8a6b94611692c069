"""A connection with an address for events, introduced and confirmed."""

from dataclasses import dataclass

import pytest
from django.test import Client

from integrations.models import Connection, WebhookSubscription
from integrations.webhooks.services import open_webhook, reveal_signing_key
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef
from tests.factories.notion_events import SIGNING_KEY, WORKSPACE, Json, post


@dataclass
class Hook:
    """The address of a connection, and a way to post to it as the service would."""

    client: Client
    connection: Connection

    @property
    def subscription(self) -> WebhookSubscription:
        return WebhookSubscription.objects.get(connection=self.connection)

    @property
    def address(self) -> str:
        return f"/hooks/notion/{self.subscription.address_key}/"

    def introduce(self, token: str = SIGNING_KEY) -> int:
        return int(post(self.client, self.address, {"verification_token": token}, key=None).status_code)

    def send(self, event: Json | bytes, *, key: str | None = SIGNING_KEY) -> int:
        return int(post(self.client, self.address, event, key=key).status_code)


def connection_of(name: str = "Testing Ground", **values: str) -> Connection:
    """A connection as it stands in the table, without a service behind it."""
    given = {"connector": "notion", "name": name, "account_id": f"bot of {name}", "workspace_id": WORKSPACE}
    return Connection.objects.create(**given | values)


@pytest.fixture
def waiting_hook(tenant: TenantRef, stranger: Client) -> Hook:
    """An address nobody has posted to."""
    connection = connection_of()
    open_webhook(connection=connection, actor=SYSTEM)
    return Hook(stranger, connection)


@pytest.fixture
def hook(waiting_hook: Hook) -> Hook:
    """An address whose key was shown to an administrator."""
    assert waiting_hook.introduce() == 204
    reveal_signing_key(connection=waiting_hook.connection, actor=SYSTEM)
    return waiting_hook
