"""The whole way: the sandbox sends events as Notion does, with its mishaps, and our tasks follow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from integrations.models import Connection, InboundEvent, Push, WebhookSubscription
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sync.polling import poll_connection
from integrations.webhooks.services import open_webhook, reveal_signing_key
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import update_task
from tenants.accounts.access import SYSTEM, UserActor
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import make_due, run_due_work

GET, QUERY = "GET /v1/pages/{page_id}", "POST /v1/data_sources/{data_source_id}/query"
LATE_KINDS = ("integrations.handle_events", "integrations.push_changes")


@dataclass
class Wired:
    """A company whose workspace sends its events to the company's door."""

    connection: Connection
    workspace: NotionWorkspace
    sandbox: Sandbox
    tenant: TenantRef
    pages: list[str]

    def rename(self, number: int, title: str) -> None:
        patch = {"properties": {"Task": {"title": [{"text": {"content": title}}]}}}
        self.sandbox.edit(self.pages[number], self.workspace.editor, patch)

    def title(self, number: int) -> str:
        return Task.objects.get(external_links__remote_id=self.pages[number]).title

    def deliver(self) -> list[str]:
        """Have the sandbox send everything, and everything be read; returns the calls that were made."""
        self.sandbox.webhooks.deliver_now()
        InboundEvent.objects.filter(state="waiting").update(received_at="2020-01-01T00:00:00Z")
        Push.objects.update(not_before=timezone.now())
        self.sandbox.report(reset=True)
        for kind in LATE_KINDS:
            make_due(self.tenant, kind=kind)
            run_due_work(self.tenant, kind=kind)
        return [entry.endpoint for entry in self.sandbox.calls()]

    def reasons(self) -> set[str]:
        return set(InboundEvent.objects.values_list("reason", flat=True))


@pytest.fixture
def wired(
    connect: Callable[[NotionWorkspace], Connection],
    workspace: NotionWorkspace,
    work: Callable[[], None],
    sandbox: Sandbox,
    stranger: Client,
    tenant: TenantRef,
) -> Wired:
    """Five tasks, imported an hour ago; the subscription is made and confirmed the way an administrator does it."""

    def send(url: str, raw: bytes, headers: Mapping[str, str]) -> int:
        signed = {name: value for name, value in headers.items() if name.lower() == "x-notion-signature"}
        path = urlsplit(url).path
        answer = stranger.post(path, data=raw, content_type="application/json", headers=signed)
        return int(answer.status_code)

    pages = workspace.add_tasks(5)
    connection = connect(workspace)
    work()
    sandbox.clock.advance(3600)
    opened = open_webhook(connection=connection, actor=SYSTEM)
    sandbox.webhooks.sender = send
    address = f"https://north.example/hooks/notion/{opened.address_key}/"
    subscription = sandbox.webhooks.subscribe(workspace.name, address, ("*",))
    token = reveal_signing_key(connection=connection, actor=SYSTEM)
    sandbox.webhooks.confirm(subscription.id, token.reveal())
    return Wired(connection, workspace, sandbox, tenant, pages)


def test_an_edit_there_is_a_task_here_after_one_call(wired: Wired) -> None:
    wired.rename(0, "Told")
    assert wired.deliver() == [GET]
    assert wired.title(0) == "Told"
    assert WebhookSubscription.objects.get().state == WebhookSubscription.State.ACTIVE


def test_edits_of_many_rows_are_one_call(wired: Wired) -> None:
    for number in range(5):
        wired.rename(number, f"Told {number}")
    assert wired.deliver() == [QUERY]
    assert [wired.title(number) for number in range(5)] == [f"Told {number}" for number in range(5)]


@pytest.mark.parametrize("kind", ["duplicate", "reorder", "delay"])
def test_what_arrives_twice_or_late_or_in_any_order_ends_the_same(wired: Wired, kind: str) -> None:
    wired.sandbox.webhooks.rules(window_seconds=0)
    wired.sandbox.webhooks.mishap(kind=kind, match=r"page\.", probability=1.0)
    for number in range(3):
        wired.rename(0, f"Version {number}")
    wired.sandbox.trash(wired.pages[1], wired.workspace.editor)
    wired.sandbox.trash(wired.pages[1], wired.workspace.editor, in_trash=False)
    wired.deliver()
    wired.deliver()
    assert wired.title(0) == "Version 2"
    assert Task.objects.get(external_links__remote_id=wired.pages[1]).archived_at is None
    assert not InboundEvent.objects.filter(state="waiting").exists()


def test_what_is_lost_is_found_by_the_next_look(wired: Wired) -> None:
    wired.sandbox.webhooks.mishap(kind="loss", match=r"page\.", probability=1.0)
    wired.rename(0, "Nobody said")
    assert wired.deliver() == []
    poll_connection(connection_id=wired.connection.pk, heartbeat=lambda: None)
    assert wired.title(0) == "Nobody said"


@pytest.mark.parametrize("kind", ["wrong_signature", "no_signature"])
def test_what_is_not_signed_by_the_service_is_nothing(wired: Wired, kind: str) -> None:
    wired.sandbox.webhooks.mishap(kind=kind, match=r"page\.", times=1)
    wired.rename(0, "Forged")
    wired.sandbox.webhooks.deliver_now()
    assert not InboundEvent.objects.exists()
    assert WebhookSubscription.objects.get().refused == 1


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("unknown_workspace", "It is about another workspace."),
        ("unknown_type", "Nothing here depends on it."),
    ],
)
def test_what_is_foreign_or_new_is_taken_and_left_alone(wired: Wired, kind: str, reason: str) -> None:
    wired.sandbox.webhooks.mishap(kind=kind, match=r"page\.", times=1)
    wired.rename(0, "Elsewhere")
    assert wired.deliver() == []
    assert reason in wired.reasons()


def test_our_own_edit_comes_back_and_costs_nothing(wired: Wired, owner: UserActor) -> None:
    wired.sandbox.clock.use_real_time()
    # Events have come before: where none come, a record is looked at before it is written.
    WebhookSubscription.objects.update(state=WebhookSubscription.State.ACTIVE)
    task = Task.objects.get(external_links__remote_id=wired.pages[0])
    update_task(task=task, changes=TaskChanges(title="Edited here"), actor=owner)
    run_due_work(wired.tenant)
    assert wired.deliver() == ["PATCH /v1/pages/{page_id}"]

    assert wired.deliver() == []

    assert wired.reasons() == {"It is our own write, and we know what it left there."}
    assert wired.title(0) == "Edited here"


def test_a_page_put_into_the_trash_archives_its_task(wired: Wired) -> None:
    wired.sandbox.trash(wired.pages[0], wired.workspace.editor)
    assert wired.deliver() == [GET]
    assert Task.objects.get(external_links__remote_id=wired.pages[0]).archived_at is not None


def test_a_renamed_column_is_followed(wired: Wired) -> None:
    patch = {"properties": {"Tags": {"name": "Labels"}}}
    wired.sandbox.change_schema(wired.workspace.tasks_id, wired.workspace.editor, patch)
    assert wired.deliver() == ["GET /v1/data_sources/{data_source_id}"]
