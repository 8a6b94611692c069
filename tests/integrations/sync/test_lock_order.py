"""Whoever locks several rows locks them in one order, or people who edit tasks and runs that read would deadlock."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from integrations.models import Connection, ExternalLink
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import start_sync_run
from integrations.sync import disappearances
from integrations.sync.events import handling
from integrations.sync.events.handling import Sorted
from integrations.sync.links import write_links
from integrations.sync.safety import undo
from integrations.sync.safety.undo import start_undo
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace

type Work = Callable[[], None]
TASKS, LINKS = "tasks_task", "integrations_externallink"


@pytest.fixture
def imported(
    connect: Callable[[NotionWorkspace], Connection], workspace: NotionWorkspace, work: Work
) -> Connection:
    """A connection whose first import is done: five urgent tasks."""
    workspace.add_tasks(5, priority="P0", status="Doing")
    connection = connect(workspace)
    work()
    return connection


@pytest.fixture
def page_ids(imported: Connection) -> list[str]:
    links = ExternalLink.objects.filter(connection=imported, task__isnull=False)
    return list(links.order_by("pk").values_list("remote_id", flat=True))


@pytest.fixture
def watch(tenant: TenantRef, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], list[str]]:
    """The statements a function of a module makes whenever it is called."""

    def of(module: Any, name: str) -> list[str]:
        original = getattr(module, name)
        asked: list[str] = []

        def captured(*args: Any, **kwargs: Any) -> Any:
            with CaptureQueriesContext(connections[tenant.cell]) as queries:
                result = original(*args, **kwargs)
            asked.extend(query["sql"] for query in queries.captured_queries)
            return result

        monkeypatch.setattr(module, name, captured)
        return asked

    return of


def locks(asked: list[str], table: str) -> list[int]:
    """Where rows of a table are locked, by reading or by writing them."""
    found = []
    for number, sql in enumerate(asked):
        is_locking = " FOR UPDATE" in sql or " FOR NO KEY UPDATE" in sql
        is_read = is_locking and sql.partition('FROM "')[2].startswith(f'{table}"')
        if is_read or sql.startswith(f'UPDATE "{table}"'):
            found.append(number)
    return found


def test_a_record_found_in_the_trash_locks_its_task_before_its_link(
    imported: Connection,
    page_ids: list[str],
    sandbox: Sandbox,
    workspace: NotionWorkspace,
    work: Work,
    watch: Callable[[Any, str], list[str]],
) -> None:
    sandbox.trash(page_ids[0], workspace.editor)
    asked = watch(disappearances, "_mark")

    start_sync_run(connection=imported, actor=SYSTEM, kind="full")
    work()

    assert Task.objects.exclude(archived_at=None).count() == 1
    assert locks(asked, TASKS)[0] < locks(asked, LINKS)[0]
    # Whoever only points to the record (a push, a conflict) has not to wait for it.
    assert not any(" FOR UPDATE" in asked[number] for number in locks(asked, LINKS))


def test_links_are_written_in_the_order_of_their_keys(imported: Connection, tenant: TenantRef) -> None:
    links = list(ExternalLink.objects.filter(connection=imported).order_by("-pk"))

    with CaptureQueriesContext(connections[tenant.cell]) as captured:
        write_links(links, fields=["seen_run_id"])

    sql = captured.captured_queries[0]["sql"].replace("-", "")
    places = [sql.index(link.pk.hex) for link in sorted(links, key=lambda link: link.pk)]
    assert places == sorted(places)


def test_an_undo_locks_all_tasks_of_a_batch_before_it_changes_one(
    imported: Connection,
    page_ids: list[str],
    sandbox: Sandbox,
    workspace: NotionWorkspace,
    work: Work,
    watch: Callable[[Any, str], list[str]],
) -> None:
    for page_id in page_ids:
        sandbox.edit(page_id, workspace.editor, {"properties": {"Priority": {"select": {"name": "P2"}}}})
    run = start_sync_run(connection=imported, actor=SYSTEM, kind="full")
    work()
    run.refresh_from_db()
    asked = watch(undo, "_take_back")

    start_undo(run=run, actor=SYSTEM)
    work()

    assert not Task.objects.filter(priority=2).exists()
    first = asked[locks(asked, TASKS)[0]]
    assert "ORDER BY" in first
    assert all(pk.hex in first.replace("-", "") for pk in Task.objects.values_list("pk", flat=True))


def test_texts_told_of_lock_their_links_in_order_before_they_are_marked(
    imported: Connection, page_ids: list[str], tenant: TenantRef
) -> None:
    told = {page_id: datetime(2026, 5, 4, 8, 9 - place, tzinfo=UTC) for place, page_id in enumerate(page_ids)}

    with CaptureQueriesContext(connections[tenant.cell]) as captured:
        handling._mark_texts(imported, told)

    asked = [query["sql"] for query in captured.captured_queries]
    first = asked[locks(asked, LINKS)[0]]
    assert "ORDER BY" in first
    assert "FOR NO KEY UPDATE" in first
    assert all(page_id in first for page_id in page_ids)


def test_lost_edits_of_all_events_are_told_of_together(
    imported: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(handling, "_tell_of_lost_edits", lambda _, ids: asked.append(sorted(ids)))
    dirty = Sorted()
    dirty.nothing["Nothing of it is known here."] += ["b", "a"]
    dirty.nothing["It is our own write."] += ["c"]

    handling._settle_what_needs_no_call(imported, dirty)

    assert asked == [["a", "b", "c"]]
