"""The core databases are made once each, whatever happens in between; what is there already is taken over."""

from typing import Any

import pytest
from django.utils import timezone

from integrations.bootstrap import building, services
from integrations.bootstrap.blueprint import BLUEPRINT, FIGURES
from integrations.bootstrap.building import run_setup
from integrations.bootstrap.figures import write_figures
from integrations.bootstrap.services import parent_pages, proposed_setup, retry_setup, start_setup
from integrations.models import Connection, SyncedCollection, WorkspaceSetup
from integrations.sandbox.notion.sandbox import OPERATIONS, Sandbox
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import Conflict, InvalidInput, LimitReached
from tenants.tenancy import atomic
from tests.factories.notion import NotionWorkspace
from tests.integrations.bootstrap.conftest import HOME

ALL_NEW = {"tasks": "make", "projects": "make"}


def databases(sandbox: Sandbox) -> list[dict[str, Any]]:
    (workspace,) = sandbox.world.workspaces.values()
    return [item.obj for item in workspace.items["database"].values() if not item.in_trash]


def titles(sandbox: Sandbox) -> list[str]:
    return sorted(row["title"][0]["plain_text"] for row in databases(sandbox) if row["title"])


def columns(sandbox: Sandbox, title: str) -> dict[str, Any]:
    (workspace,) = sandbox.world.workspaces.values()
    (database,) = [
        row for row in databases(sandbox)
        if row["title"][0]["plain_text"] == title and row["parent"].get("page_id") == HOME
    ]  # fmt: skip
    source = workspace.items["data_source"][database["data_sources"][0]["id"]]
    return dict(source.obj["properties"])


def as_if_nothing_were_under_way(setup: WorkspaceSetup) -> None:
    """As if the time were over in which what was asked for may still come."""
    with atomic():
        stored = WorkspaceSetup.objects.get(pk=setup.pk)
        asked = stored.made.get("asked")
        if asked:
            at = timezone.now() - building.UNDER_WAY
            stored.made = {**stored.made, "asked": {**asked, "at": at.isoformat()}}
            WorkspaceSetup.objects.filter(pk=setup.pk).update(made=stored.made)


def carry_out(setup: WorkspaceSetup) -> WorkspaceSetup:
    """Go on as the job does, until it has ended."""
    for _ in range(60):
        try:
            run_setup(setup_id=setup.pk, heartbeat=lambda: None)
        except LimitReached:
            as_if_nothing_were_under_way(setup)
            continue
        with atomic():
            setup.refresh_from_db()
        return setup
    pytest.fail("It does not end.")


def test_the_plan_takes_over_what_is_there_and_makes_the_rest(connected: Connection) -> None:
    plan = {item.key: item.action for item in proposed_setup(connection=connected, actor=SYSTEM)}
    assert plan == {
        "departments": "make", "people": "make", "projects": "adopt", "milestones": "make", "tasks": "adopt",
        "templates": "make", "job_reviews": "make",
    }  # fmt: skip
    assert [page.title for page in parent_pages(connection=connected, actor=SYSTEM)] == ["Home"]


def test_a_page_nobody_edits_is_found_among_ever_so_many_rows(
    connected: Connection, sandbox: Sandbox, workspace: NotionWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_MAX_PAGES", 2)
    for number in range(220):
        row = {"parent": {"type": "data_source_id", "data_source_id": workspace.tasks_id}}
        title = {"title": [{"text": {"content": f"Row {number}"}}]}
        sandbox.create(workspace.editor, row | {"properties": {"title": title}})
    assert [page.title for page in parent_pages(connection=connected, actor=SYSTEM)] == ["Home"]


def test_all_core_databases_stand_with_their_relations(connected: Connection, sandbox: Sandbox) -> None:
    setup = start_setup(connection=connected, actor=SYSTEM, parent_page_id=HOME, choices=ALL_NEW)
    assert carry_out(setup).state == WorkspaceSetup.State.DONE, setup.error
    for database in BLUEPRINT:
        made = columns(sandbox, database.title)
        assert {field.name for field in database.fields} <= set(made)
        for relation in database.relations:
            assert made[relation.name]["type"] == "relation"
    assert {option["name"] for option in columns(sandbox, "Tasks")["Status"]["select"]["options"]} >= {
        "In progress", "In review", "Cancelled",
    }  # fmt: skip
    relation = columns(sandbox, "Job Reviews")["Task"]["relation"]
    assert relation["dual_property"]["synced_property_name"] == "Reviews"
    with atomic():
        roles = dict(
            SyncedCollection.objects.filter(remote_id__in=_sources(setup)).values_list("title", "role")
        )
    assert (roles["Tasks"], roles["Projects"]) == ("tasks", "projects")


@pytest.mark.parametrize("kind", ["commit_then_reset", "reset", "commit_then_503"])
@pytest.mark.parametrize(
    "operation", ["POST /v1/databases", "PATCH /v1/data_sources/{data_source_id}", "POST /v1/pages"]
)
def test_an_answer_that_is_lost_makes_nothing_twice(
    connected: Connection, sandbox: Sandbox, kind: str, operation: str
) -> None:
    for number in (1, 2, 4):
        sandbox.fault(kind=kind, operation=operation, nth=number, times=1)
    setup = start_setup(connection=connected, actor=SYSTEM, parent_page_id=HOME, choices=ALL_NEW)
    assert carry_out(setup).state == WorkspaceSetup.State.DONE, setup.error
    mine = [row for row in databases(sandbox) if row["parent"].get("page_id") == HOME]
    names = [row["title"][0]["plain_text"] for row in mine]
    assert sorted(set(names)) == sorted(names)
    assert {database.title for database in BLUEPRINT} <= set(names)


def test_a_worker_killed_after_any_call_is_followed_by_one_that_goes_on(
    connected: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As kill −9: nothing is tidied up."""

    setup = start_setup(connection=connected, actor=SYSTEM, parent_page_id=HOME, choices=ALL_NEW)
    save, deaths = WorkspaceSetup.save, []

    def dies_first(self: WorkspaceSetup, *args: Any, **kwargs: Any) -> None:
        place = (self.step, tuple(sorted(self.made)), tuple(kwargs.get("update_fields") or ()))
        if self.state == WorkspaceSetup.State.RUNNING and place not in deaths:
            deaths.append(place)
            raise Killed
        save(self, *args, **kwargs)

    monkeypatch.setattr(WorkspaceSetup, "save", dies_first)
    for _ in range(240):
        try:
            run_setup(setup_id=setup.pk, heartbeat=lambda: None)
        except Killed:
            continue
        except LimitReached:
            as_if_nothing_were_under_way(setup)
            continue
        break
    with atomic():
        setup.refresh_from_db()
    assert setup.state == WorkspaceSetup.State.DONE
    assert len(deaths) > 15
    mine = [
        row["title"][0]["plain_text"] for row in databases(sandbox) if row["parent"].get("page_id") == HOME
    ]
    assert sorted(set(mine)) == sorted(mine)


def test_a_page_that_is_not_shared_and_a_choice_there_is_not_are_refused(connected: Connection) -> None:
    for parent, choices in (
        (HOME[:-4] + "0000", {}),
        ("", {}),
        ("nonsense", {}),
        (HOME, {"tasks": "burn"}),
        (HOME, {"x": "make"}),
    ):
        with pytest.raises(InvalidInput):
            start_setup(connection=connected, actor=SYSTEM, parent_page_id=parent, choices=choices)
    with atomic():
        assert not WorkspaceSetup.objects.exists()


def test_one_at_a_time_and_a_failed_one_goes_on_where_it_stands(
    connected: Connection, sandbox: Sandbox
) -> None:
    setup = start_setup(connection=connected, actor=SYSTEM, parent_page_id=HOME, choices=ALL_NEW)
    with pytest.raises(Conflict):
        start_setup(connection=connected, actor=SYSTEM, parent_page_id=HOME)
    sandbox.fault(kind="status", status=403, operation="POST /v1/databases", nth=3, times=1)
    assert carry_out(setup).state == WorkspaceSetup.State.FAILED
    made = len(setup.made)
    assert made == 2
    retry_setup(setup=setup, actor=SYSTEM)
    assert carry_out(setup).state == WorkspaceSetup.State.DONE
    with pytest.raises(Conflict):
        retry_setup(setup=setup, actor=SYSTEM)
    assert titles(sandbox).count("Departments") == 1


def test_where_views_cannot_be_made_figures_are_written_as_rows(
    connected: Connection, sandbox: Sandbox
) -> None:
    if "POST /v1/views" in OPERATIONS:
        sandbox.fault(kind="status", status=400, operation="POST /v1/views", times=None)
    setup = start_setup(connection=connected, actor=SYSTEM, parent_page_id=HOME)
    assert carry_out(setup).state == WorkspaceSetup.State.DONE, setup.error
    assert FIGURES.key in setup.made
    with atomic():
        Task.objects.create(title="One", number=1, status=Task.Status.PLANNED)
        Task.objects.create(title="Two", number=2, status=Task.Status.PLANNED)
    assert write_figures(setup_id=setup.pk)
    assert write_figures(setup_id=setup.pk), "twice makes no second row"
    rows = _rows(sandbox, setup.made[FIGURES.key]["data_source_id"])
    assert [(row["Name"], row["Open"]) for row in rows] == [("No department", 2)]


def _rows(sandbox: Sandbox, source_id: str) -> list[dict[str, Any]]:
    (workspace,) = sandbox.world.workspaces.values()
    rows = []
    for item in workspace.items["page"].values():
        if item.obj["parent"].get("data_source_id") == source_id:
            properties = item.obj["properties"]
            rows.append({
                "Name": properties["Name"]["title"][0]["plain_text"], "Open": properties["Open"]["number"],
            })  # fmt: skip
    return rows


def _sources(setup: WorkspaceSetup) -> list[str]:
    return [item["data_source_id"] for item in setup.made.values() if "data_source_id" in item]


@pytest.mark.parametrize("kind", ["reset", "status"])
@pytest.mark.parametrize("operation", ["POST /v1/databases", "POST /v1/pages"])
def test_what_was_asked_for_without_an_answer_is_not_asked_for_again_while_it_may_still_come(
    connected: Connection, sandbox: Sandbox, kind: Any, operation: str
) -> None:
    sandbox.fault(kind=kind, status=524, body="<html>", operation=operation)
    setup = start_setup(connection=connected, actor=SYSTEM, parent_page_id=HOME, choices=ALL_NEW)
    waits = []
    for _ in range(12):
        with pytest.raises(LimitReached) as limit:
            run_setup(setup_id=setup.pk, heartbeat=lambda: None)
        waits.append(limit.value.retry_after_seconds)
    calls = [f"{call.method} {call.path}" for call in sandbox.calls()]
    made = len(databases(sandbox))
    assert all(seconds is not None and 0 < seconds <= 10 for seconds in waits)
    assert operation in calls
    assert calls[-1].startswith("GET ")

    assert carry_out(setup).state == WorkspaceSetup.State.DONE, setup.error
    assert "asked" not in setup.made
    assert len(databases(sandbox)) >= made
    names = [
        row["title"][0]["plain_text"] for row in databases(sandbox) if row["parent"].get("page_id") == HOME
    ]
    assert sorted(set(names)) == sorted(names)


def test_what_comes_late_is_taken_and_not_made_again(
    connected: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_behind, answers = building._Building._left_behind, list[str]()

    def late(self: Any, title: str) -> Any:
        answers.append(title)
        return None if len(answers) < 4 else left_behind(self, title)

    monkeypatch.setattr(building._Building, "_left_behind", late)
    sandbox.fault(kind="commit_then_reset", operation="POST /v1/databases", nth=1)
    setup = start_setup(connection=connected, actor=SYSTEM, parent_page_id=HOME, choices=ALL_NEW)
    for _ in range(4):
        with pytest.raises(LimitReached):
            run_setup(setup_id=setup.pk, heartbeat=lambda: None)
    run_setup(setup_id=setup.pk, heartbeat=lambda: None)
    with atomic():
        setup.refresh_from_db()
    assert setup.state == WorkspaceSetup.State.DONE, setup.error
    assert titles(sandbox).count("Departments") == 1


def test_what_was_made_and_answered_in_a_way_nobody_can_read_is_never_made_again_by_itself(
    connected: Connection, sandbox: Sandbox
) -> None:
    sandbox.fault(kind="malformed", operation="POST /v1/databases", nth=1)
    setup = start_setup(connection=connected, actor=SYSTEM, parent_page_id=HOME, choices=ALL_NEW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building._Building, "_left_behind", lambda *_: None)
        assert carry_out(setup).state == WorkspaceSetup.State.FAILED
    assert "says that it was made" in setup.error
    assert titles(sandbox).count("Departments") == 1
    retry_setup(setup=setup, actor=SYSTEM)
    assert carry_out(setup).state == WorkspaceSetup.State.DONE, setup.error
    assert titles(sandbox).count("Departments") == 1
