"""A company connected to a sandbox, its first import done, and events as they would have been stored."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.connectors.notion import hooks
from integrations.models import Connection, InboundEvent, SyncedCollection, WebhookSubscription
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sync.events.handling import handle_events
from integrations.sync.events.storing import store_event
from integrations.webhooks.services import open_webhook
from tenants.accounts.access import SYSTEM
from tests.factories.notion import NotionWorkspace
from tests.factories.notion_events import Json, event_json

LONG_AGO = timezone.now() - timedelta(days=1)


@dataclass
class Told:
    """A connection with its sandbox, and what its service tells of it."""

    connection: Connection
    workspace: NotionWorkspace
    sandbox: Sandbox
    pages: list[str] = field(default_factory=list)

    @property
    def subscription(self) -> WebhookSubscription:
        return WebhookSubscription.objects.get(connection=self.connection)

    @property
    def table(self) -> SyncedCollection:
        return SyncedCollection.objects.get(connection=self.connection, remote_id=self.workspace.tasks_id)

    def now(self) -> datetime:
        return self.sandbox.clock.now()

    def event(self, kind: str, page: str = "", **values: Any) -> Json:
        """An event of the sandbox's present moment about a page of the table of tasks."""
        given: Json = {
            "collection_id": self.workspace.tasks_id,
            "at": self.now(),
            "workspace_id": self.workspace.id,
        }
        return event_json(kind, page, **given | values)

    def tell(self, kind: str, page: str = "", **values: Any) -> InboundEvent:
        """Store an event as the door does; it came long enough ago for the burst to be over."""
        told = self.event(kind, page, **values)
        event = hooks.parse(_bytes(told), received_at=timezone.now())
        store_event(
            subscription=self.subscription, connection=self.connection, event=event, now=timezone.now()
        )
        InboundEvent.objects.filter(pk=event.id).update(received_at=LONG_AGO)
        return InboundEvent.objects.get(pk=event.id)

    def handle(self) -> float | None:
        return handle_events(connection_id=self.connection.pk, heartbeat=lambda: None)

    def rename(self, page: str, title: str) -> None:
        """Somebody renames a page there; nobody tells us yet."""
        self.sandbox.edit(
            page, self.workspace.editor, {"properties": {"Task": {"title": [{"text": {"content": title}}]}}}
        )

    def calls_of(self, action: Callable[[], object]) -> list[str]:
        """The calls an action makes, as `METHOD /path` of the ledger."""
        self.sandbox.report(reset=True)
        action()
        return [entry.endpoint for entry in self.sandbox.calls()]


def _bytes(event: Json) -> bytes:
    return json.dumps(event).encode()


@pytest.fixture
def told(
    connect: Callable[[NotionWorkspace], Connection],
    workspace: NotionWorkspace,
    work: Callable[[], None],
    sandbox: Sandbox,
) -> Told:
    """Five tasks, imported some time ago."""
    pages = workspace.add_tasks(5)
    connection = connect(workspace)
    work()
    sandbox.clock.advance(3600)
    open_webhook(connection=connection, actor=SYSTEM)
    return Told(connection, workspace, sandbox, pages)
