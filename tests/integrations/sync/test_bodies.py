"""The texts of pages: read after everything else, once, and never holding each other up."""

from collections.abc import Callable

import pytest

from integrations.models import Connection, ExternalLink, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sync.polling import poll_connection
from tasks.models import Task
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import make_due, run_due_work

type Connect = Callable[[NotionWorkspace], Connection]
type Work = Callable[[], None]


def text_of(page: str) -> str:
    return Task.objects.get(external_links__remote_id=page).description


def texts_read(sandbox: Sandbox) -> int:
    return len([call for call in sandbox.calls() if call.path.endswith("/markdown")])


@pytest.fixture
def pages(workspace: NotionWorkspace) -> list[str]:
    return [workspace.add_task(f"Page {number}", body=[f"Text {number}."]) for number in range(5)]


def test_texts_are_a_run_of_their_own_with_a_call_a_page(
    connect: Connect, workspace: NotionWorkspace, work: Work, pages: list[str]
) -> None:
    connect(workspace)

    work()

    assert [text_of(page).strip() for page in pages] == [f"Text {number}." for number in range(5)]
    run = SyncRun.objects.get(kind="bodies")
    assert (run.state, run.done, run.calls, run.changed) == ("succeeded", 5, 5, 5)
    assert SyncRun.objects.get(kind="import").calls == 3


def test_a_text_is_not_read_again_while_the_page_stays_the_same(
    connect: Connect, workspace: NotionWorkspace, work: Work, pages: list[str], sandbox: Sandbox
) -> None:
    connection = connect(workspace)
    work()
    sandbox.report(reset=True)

    poll_connection(connection_id=connection.pk, heartbeat=lambda: None)
    work()

    assert texts_read(sandbox) == 0


def test_an_edited_text_is_read_and_once_more_when_its_minute_is_over(
    connect: Connect,
    workspace: NotionWorkspace,
    work: Work,
    pages: list[str],
    sandbox: Sandbox,
    tenant: TenantRef,
) -> None:
    connection = connect(workspace)
    work()
    paragraph = {"paragraph": {"rich_text": [{"text": {"content": "More."}}]}}
    sandbox.append(pages[0], workspace.editor, [paragraph])
    sandbox.report(reset=True)

    poll_connection(connection_id=connection.pk, heartbeat=lambda: None)
    run_due_work(tenant, kind="integrations.read_bodies")

    assert "More." in text_of(pages[0])
    link = ExternalLink.objects.get(remote_id=pages[0])
    assert link.is_body_stale
    assert link.remote_edited_at is not None
    assert link.body_due_at is not None
    assert (link.body_due_at - link.remote_edited_at).total_seconds() == 65
    assert texts_read(sandbox) == 1
    ExternalLink.objects.filter(pk=link.pk).update(
        remote_edited_at="2026-03-02T10:00:00Z", body_due_at="2026-03-02T10:01:05Z"
    )
    make_due(tenant, kind="integrations.read_bodies")
    run_due_work(tenant, kind="integrations.read_bodies")
    link.refresh_from_db()
    assert (link.is_body_stale, texts_read(sandbox)) == (False, 2)


def test_one_page_the_service_fails_for_does_not_hold_up_the_others(
    connect: Connect, workspace: NotionWorkspace, work: Work, pages: list[str], sandbox: Sandbox
) -> None:
    connect(workspace)
    sandbox.fault(match=f"{pages[1]}/markdown", kind="status", status=500, times=None)

    work()

    assert [bool(text_of(page)) for page in pages] == [True, False, True, True, True]
    assert SyncRun.objects.get(kind="bodies").issues.get().code == "body_later"
    assert ExternalLink.objects.get(remote_id=pages[1]).is_body_stale


def test_a_page_that_is_gone_is_told_and_not_asked_for_again(
    connect: Connect, workspace: NotionWorkspace, work: Work, pages: list[str], sandbox: Sandbox
) -> None:
    connect(workspace)
    sandbox.fault(match=f"{pages[1]}/markdown", kind="status", status=404, times=None)

    work()

    run = SyncRun.objects.get(kind="bodies")
    assert (run.state, run.failed, run.issues.get().code) == ("partial", 1, "body_failed")
    assert not ExternalLink.objects.get(remote_id=pages[1]).is_body_stale


def test_a_service_that_fails_for_all_pages_is_left_alone_for_a_while(
    connect: Connect, workspace: NotionWorkspace, work: Work, pages: list[str], sandbox: Sandbox
) -> None:
    connect(workspace)
    sandbox.fault(match="/markdown", kind="status", status=500, times=None)

    work()

    assert SyncRun.objects.get(kind="bodies").state == "waiting"
    assert texts_read(sandbox) <= 3 * 4
