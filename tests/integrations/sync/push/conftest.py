"""A workspace whose first import is done, and somebody who edits here and has it sent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import Connection, ExternalLink, Push, SyncedCollection, WebhookSubscription
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import PUSH_JOB
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import create_task, update_task
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import make_due, run_due_work

type Json = dict[str, Any]
CREATE = "POST /v1/pages"


@dataclass
class Desk:
    """Edits tasks here, has what waits sent at once, and looks at the pages there."""

    tenant: TenantRef
    connection: Connection
    workspace: NotionWorkspace
    sandbox: Sandbox

    def task_of(self, page_id: str) -> Task:
        return Task.objects.get(external_links__remote_id=page_id)

    def edit(self, task: Task, **changes: Any) -> Task:
        return update_task(task=task, changes=TaskChanges(**changes), actor=SYSTEM)

    def create(self, **changes: Any) -> Task:
        return create_task(changes=TaskChanges(**changes), actor=SYSTEM)

    def tell(self) -> None:
        """Everything that is due: events reach their subscribers."""
        run_due_work(self.tenant)

    def hear_nothing(self) -> None:
        """No events come from here on."""
        WebhookSubscription.objects.all().delete()

    def send(self) -> None:
        """As if the moment for which edits are gathered had passed, and every pause with it."""
        self.tell()
        self.hurry()
        run_due_work(self.tenant)

    def hurry(self) -> None:
        Push.objects.update(not_before=timezone.now())
        make_due(self.tenant, kind=PUSH_JOB)

    def page(self, page_id: str) -> Json:
        _, item = self.sandbox.holder_of(page_id)
        return item.obj

    def title(self, page_id: str) -> str:
        return "".join(run["text"]["content"] for run in self.value(page_id, "Task")["title"])

    def value(self, page_id: str, name: str) -> Json:
        properties: Json = self.page(page_id)["properties"]
        value: Json = properties[name]
        return value

    def calls(self) -> list[str]:
        """What was asked since the last time: method and endpoint."""
        found = [f"{call.method} {call.path}" for call in self.sandbox.calls()]
        self.sandbox.report(reset=True)
        return found

    def writes(self) -> list[str]:
        return [call for call in self.calls() if not call.startswith("GET") and not call.endswith("/query")]

    def link_of(self, task: Task) -> ExternalLink:
        return ExternalLink.objects.get(task=task)

    @property
    def collection(self) -> SyncedCollection:
        return SyncedCollection.objects.get(connection=self.connection, role="tasks")


@pytest.fixture
def desk(
    tenant: TenantRef,
    connect: Callable[[NotionWorkspace], Connection],
    workspace: NotionWorkspace,
    work: Callable[[], None],
    sandbox: Sandbox,
) -> Desk:
    """Three tasks, imported; events come, nothing waits, and no call is counted yet."""
    workspace.add_tasks(3, estimate=2, tags=["A"])
    connection = connect(workspace)
    work()
    WebhookSubscription.objects.create(
        connection=connection, address_key="an-address", state=WebhookSubscription.State.ACTIVE
    )
    sandbox.report(reset=True)
    return Desk(tenant, connection, workspace, sandbox)


@pytest.fixture
def pages(desk: Desk) -> list[str]:
    """The ids of the three pages."""
    links = ExternalLink.objects.filter(task__isnull=False).order_by("remote_created_at")
    return list(links.values_list("remote_id", flat=True))


@pytest.fixture
def home(desk: Desk) -> Desk:
    """New tasks get a record in the database of tasks; its column for our ids is there."""
    collection = desk.collection
    collection.takes_new_tasks = True
    collection.save()
    desk.create(title="The first one")
    desk.send()
    desk.calls()
    return desk


def titles(desk: Desk) -> list[str]:
    rows = desk.sandbox.workspace(desk.workspace.name).tables[desk.workspace.tasks_id].rows
    return sorted(desk.title(page_id) for page_id in rows)
