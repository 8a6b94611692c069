"""Edits on both sides meet in a pull: each keeps what it changed, and what both changed can be found again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from integrations.models import Conflict, Connection, ExternalLink, FieldMapping, Push, SyncChange, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import start_sync_run
from integrations.sync.canonical import local_values
from integrations.sync.engine import run_sync
from integrations.sync.polling import poll_connection
from tasks.drafts import TaskChanges
from tasks.models import Task, TaskActivity
from tasks.services import add_dependency, edit_tasks
from tenants.accounts.access import SYSTEM
from tests.factories.notion import NotionWorkspace, an_id, rich


@pytest.fixture
def pages() -> list[str]:
    """The rows made by `imported`: the first waits for the second and is part of the third."""
    return []


@pytest.fixture
def imported(
    connect: Callable[[NotionWorkspace], Connection],
    workspace: NotionWorkspace,
    work: Callable[[], None],
    pages: list[str],
) -> Connection:
    """A connection whose first import is done."""
    launch = workspace.add_project("Launch")
    second = workspace.add_task("Second", page_id=an_id("page", 2))
    third = workspace.add_task("Third", page_id=an_id("page", 3))
    first = workspace.add_task(
        "First",
        page_id=an_id("page", 1),
        priority="P1",
        assignees=[0],
        due={"start": "2026-03-09", "end": None, "time_zone": None},
        estimate=2.5,
        tags=["red", "green"],
        project=launch,
        parent=third,
        blocked_by=[second],
    )
    pages += [first, second, third]
    connection = connect(workspace)
    work()
    return connection


def poll(connection: Connection) -> None:
    assert poll_connection(connection_id=connection.pk, heartbeat=lambda: None)


def read_everything(connection: Connection) -> None:
    run = start_sync_run(connection=connection, actor=SYSTEM, kind="full")
    run_sync(run_id=run.pk, heartbeat=lambda: None)


def task_of(page: str) -> Task:
    return Task.objects.get(external_links__remote_id=page)


def link_of(page: str) -> ExternalLink:
    return ExternalLink.objects.get(remote_id=page)


def base_of(page: str) -> dict[str, Any]:
    base = link_of(page).base
    assert base is not None
    return dict(base)


def titled(text: str) -> dict[str, Any]:
    return {"Task": {"title": rich(text)}}


def tagged(*names: str) -> dict[str, Any]:
    return {"Tags": {"multi_select": [{"name": name} for name in names]}}


def edit_here(page: str, **changes: Any) -> None:
    edit_tasks(ids=[task_of(page).pk], changes=TaskChanges(**changes), actor=SYSTEM)


def set_policy(our_field: str, policy: str) -> None:
    assert FieldMapping.objects.filter(our_field=our_field).update(policy=policy)


def test_after_an_import_both_sides_agree_on_every_mapped_field(
    imported: Connection, pages: list[str]
) -> None:
    for page in pages:
        task = task_of(page)
        base = base_of(page)
        local = local_values([task.pk])[task.pk]
        assert base == {name: local[name] for name in base}
        assert set(base) == {
            "title", "status", "priority", "assignees", "due", "start", "estimate", "tags", "project",
            "parent", "blocked_by",
        }  # fmt: skip
    first = base_of(pages[0])
    assert first["blocked_by"] == [str(task_of(pages[1]).pk)]
    assert first["due"] == {"on": "2026-03-09", "at": None}
    assert first["estimate"] == "2.50"
    assert not Push.objects.exists()
    assert not Conflict.objects.exists()


def test_edits_of_different_fields_on_both_sides_go_together(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    edit_here(pages[0], title="Ours", priority=4)
    sandbox.edit(pages[0], workspace.editor, {"properties": {"Estimate (h)": {"number": 8}}})

    poll(imported)

    task = task_of(pages[0])
    assert (task.title, task.priority, str(task.estimate_hours)) == ("Ours", 4, "8.00")
    assert (base_of(pages[0])["title"], base_of(pages[0])["estimate"]) == ("First", "8.00")
    assert not Conflict.objects.exists()
    assert Push.objects.get().task_id == task.pk


def test_a_pull_of_another_record_leaves_an_edit_alone_and_a_second_pull_changes_nothing(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    edit_here(pages[0], title="Ours", due_on=None)
    sandbox.edit(pages[1], workspace.editor, {"properties": titled("Theirs")})

    poll(imported)
    poll(imported)

    assert task_of(pages[0]).title == "Ours"
    assert task_of(pages[0]).due_on is None
    assert task_of(pages[1]).title == "Theirs"
    assert SyncRun.objects.filter(kind="poll").count() == 1


def test_tags_people_and_blockers_of_both_sides_are_united(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    first, _second, third = (task_of(page) for page in pages)
    edit_here(pages[0], tags=["green", "blue"])  # red goes, blue comes
    add_dependency(task=first, depends_on=third, actor=SYSTEM)
    who = [{"id": user["id"]} for user in workspace.users[:2]]
    sandbox.edit(
        pages[0],
        workspace.editor,
        {
            "properties": tagged("red", "green", "white")
            | {"Owner": {"people": who}, "Blocked by": {"relation": []}}
        },
    )

    poll(imported)

    first.refresh_from_db()
    assert sorted(first.tags) == ["blue", "green", "white"]
    assert first.assignees.count() == 2
    assert [item.depends_on_id for item in first.dependencies.all()] == [third.pk]
    base = base_of(pages[0])
    assert (base["tags"], base["blocked_by"]) == (["green", "red", "white"], [])
    assert not Conflict.objects.exists()


def test_with_the_policy_manual_both_sides_stay_and_the_conflict_has_all_three_values(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    set_policy("title", "manual")
    edit_here(pages[0], title="Ours")
    sandbox.edit(pages[0], workspace.editor, {"properties": titled("Theirs")})

    poll(imported)

    conflict = Conflict.objects.get()
    assert (conflict.base, conflict.local, conflict.remote) == ("First", "Ours", "Theirs")
    assert (conflict.state, conflict.chosen, conflict.policy) == ("open", "", "manual")
    assert conflict.local_changed_at is not None
    assert conflict.remote_changed_at is not None
    assert (task_of(pages[0]).title, base_of(pages[0])["title"]) == ("Ours", "First")
    assert SyncRun.objects.get(kind="poll").conflicts == 1

    sandbox.edit(pages[0], workspace.editor, {"properties": titled("Theirs, later")})
    poll(imported)

    assert Conflict.objects.get().remote == "Theirs, later"


def test_a_conflict_ends_by_itself_when_both_sides_come_to_say_the_same(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    set_policy("title", "manual")
    edit_here(pages[0], title="Ours")
    sandbox.edit(pages[0], workspace.editor, {"properties": titled("Theirs")})
    poll(imported)

    sandbox.edit(pages[0], workspace.editor, {"properties": titled("Ours")})
    poll(imported)

    assert Conflict.objects.get().state == Conflict.State.SETTLED
    assert base_of(pages[0])["title"] == "Ours"


@pytest.mark.parametrize(
    ("later", "title"), [(timedelta(minutes=-5), "Theirs"), (timedelta(minutes=5), "Ours")]
)
def test_the_newest_edit_wins_and_the_other_is_kept(
    imported: Connection,
    pages: list[str],
    workspace: NotionWorkspace,
    sandbox: Sandbox,
    later: timedelta,
    title: str,
) -> None:
    edit_here(pages[0], title="Ours")
    sandbox.edit(pages[0], workspace.editor, {"properties": titled("Theirs")})
    edited_at = datetime.fromisoformat(sandbox.holder_of(pages[0])[1].obj["last_edited_time"])
    TaskActivity.objects.filter(verb="updated").update(created_at=edited_at.astimezone(UTC) + later)

    poll(imported)

    conflict = Conflict.objects.get()
    assert task_of(pages[0]).title == title
    assert (conflict.state, conflict.local, conflict.remote) == ("decided", "Ours", "Theirs")
    assert conflict.chosen == ("local" if title == "Ours" else "remote")
    assert base_of(pages[0])["title"] == "Theirs"
    assert Push.objects.exists() == (title == "Ours")


def test_two_edits_within_one_minute_are_decided_the_same_way_each_time_and_said_so(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    edit_here(pages[0], title="Ours")
    sandbox.edit(pages[0], workspace.editor, {"properties": titled("Theirs")})
    edited_at = datetime.fromisoformat(sandbox.holder_of(pages[0])[1].obj["last_edited_time"])
    TaskActivity.objects.filter(verb="updated").update(created_at=edited_at + timedelta(seconds=40))

    poll(imported)

    assert task_of(pages[0]).title == "Theirs"
    assert "same minute" in Conflict.objects.get().reason


def test_a_field_that_goes_out_only_is_not_taken_and_their_edit_can_be_found(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    FieldMapping.objects.filter(our_field="title").update(direction="out")
    sandbox.edit(
        pages[0], workspace.editor, {"properties": titled("Theirs") | {"Estimate (h)": {"number": 8}}}
    )

    poll(imported)

    task = task_of(pages[0])
    assert (task.title, str(task.estimate_hours)) == ("First", "8.00")
    assert Conflict.objects.get().remote == "Theirs"
    assert Push.objects.exists()


def test_a_field_that_comes_in_only_takes_theirs_and_keeps_ours_in_a_conflict(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    FieldMapping.objects.filter(our_field="title").update(direction="in", policy="local")
    edit_here(pages[0], title="Ours")
    sandbox.edit(pages[0], workspace.editor, {"properties": titled("Theirs")})

    poll(imported)

    assert task_of(pages[0]).title == "Theirs"
    assert (Conflict.objects.get().local, Conflict.objects.get().policy) == ("Ours", "in")


def test_a_link_of_before_adopts_what_is_there_and_keeps_what_was_edited_here_since(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    ExternalLink.objects.update(base=None)
    edit_here(pages[0], title="Ours")
    sandbox.edit(pages[0], workspace.editor, {"properties": {"Estimate (h)": {"number": 8}}})

    poll(imported)

    task = task_of(pages[0])
    assert (task.title, str(task.estimate_hours)) == ("Ours", "8.00")
    assert base_of(pages[0])["title"] == "First"
    assert Push.objects.get().task_id == task.pk


def test_a_field_mapped_later_takes_theirs_but_is_not_emptied_by_an_empty_column(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    for page in pages[:2]:
        link = link_of(page)
        assert link.base is not None
        link.base.pop("estimate")
        link.save()
        edit_here(page, estimate_hours=Decimal(7))
        sandbox.edit(page, workspace.editor, {"properties": titled("Theirs")})

    poll(imported)

    assert str(task_of(pages[0]).estimate_hours) == "2.50"
    assert str(task_of(pages[1]).estimate_hours) == "7.00"
    assert base_of(pages[1])["estimate"] is None


def test_a_status_that_has_no_option_there_survives_a_pull(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    edit_here(pages[0], status="blocked")
    sandbox.edit(pages[0], workspace.editor, {"properties": {"Status": {"status": {"name": "Doing"}}}})

    poll(imported)

    assert task_of(pages[0]).status == "blocked"
    assert base_of(pages[0])["status"] == "in_progress"
    assert not Conflict.objects.exists()


def test_what_a_pull_changed_is_written_down_before_and_after(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    made = SyncChange.objects.filter(run__kind="import", action="created", side="here")
    assert set(made.exclude(task_id=None).values_list("task_id", flat=True)) == {
        task_of(page).pk for page in pages
    }

    sandbox.edit(pages[0], workspace.editor, {"properties": titled("Theirs") | tagged("red")})
    sandbox.trash(pages[1], workspace.editor)
    read_everything(imported)

    edited, gone = SyncChange.objects.filter(run__kind="full")
    assert (edited.action, edited.task_id) == ("updated", task_of(pages[0]).pk)
    assert edited.fields == {"title": ["First", "Theirs"], "tags": [["green", "red"], ["red"]]}
    assert (gone.action, gone.task_id) == ("archived", task_of(pages[1]).pk)


def test_a_record_trashed_there_with_edits_that_were_not_sent_asks_before_its_task_goes(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    edit_here(pages[0], title="Ours")
    sandbox.trash(pages[0], workspace.editor)
    sandbox.trash(pages[1], workspace.editor)

    read_everything(imported)

    assert not task_of(pages[0]).is_archived
    assert task_of(pages[1]).is_archived
    conflict = Conflict.objects.get()
    assert (conflict.our_field, conflict.state, conflict.local) == ("record", "open", ["title"])

    sandbox.trash(pages[0], workspace.editor, in_trash=False)
    sandbox.trash(pages[1], workspace.editor, in_trash=False)
    read_everything(imported)

    assert Conflict.objects.get().state == Conflict.State.SETTLED
    assert (task_of(pages[0]).title, task_of(pages[1]).is_archived) == ("Ours", False)


def test_people_and_records_we_cannot_see_are_kept_for_the_next_write(
    imported: Connection, pages: list[str], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    hidden = an_id("hidden")
    item = sandbox.holder_of(pages[0])[1].obj
    relation = [{"id": pages[1]}, {"id": hidden}]
    item["properties"]["Blocked by"]["relation"] = relation
    guest = {"object": "user", "id": an_id("guest")}
    item["properties"]["Owner"]["people"] = [*item["properties"]["Owner"]["people"], guest]
    sandbox.edit(pages[0], workspace.editor, {"properties": titled("Theirs")})

    poll(imported)

    assert link_of(pages[0]).kept == {"blocked_by": [hidden], "assignees": [an_id("guest")]}
