"""The figures about workspaces: freshness, problems, set-up, and what happened lately."""

from datetime import timedelta

from django.utils import timezone

from integrations.models import Connection, SyncedCollection, SyncRun
from reporting.metrics.attention import open_problems
from reporting.metrics.recent_activity import recent_activity
from reporting.metrics.setup_progress import setup_progress
from reporting.metrics.sync_freshness import sync_freshness
from tasks.drafts import TaskDraft
from tasks.services import complete_task, upsert_tasks
from tenants.accounts.access import SYSTEM, UserActor
from tenants.foundation.ids import uuid7
from tests.factories.tasks import make_task
from tests.reporting.rooms import make_collection, make_connection, make_run

AN_HOUR_AGO = timedelta(hours=1)


def test_the_stalest_workspace_says_how_fresh_the_data_is(member: UserActor) -> None:
    old = timezone.now() - AN_HOUR_AGO
    make_connection()
    make_connection(last_synced_at=old, last_polled_at=old)
    fresh = sync_freshness(actor=member)
    assert (fresh.workspaces, fresh.stopped, fresh.synced_at) == (2, 0, old)
    assert fresh.age_seconds is not None
    assert 3600 <= fresh.age_seconds < 3700


def test_looks_that_could_not_read_everything_make_nothing_fresher(member: UserActor) -> None:
    old = timezone.now() - AN_HOUR_AGO
    make_connection(last_synced_at=old, last_polled_at=timezone.now())
    assert sync_freshness(actor=member).synced_at == old


def test_a_workspace_never_read_has_no_age(member: UserActor) -> None:
    make_connection(last_synced_at=None, last_polled_at=None)
    assert sync_freshness(actor=member).age_seconds is None


def test_what_came_today_is_added_up_over_runs(member: UserActor) -> None:
    connection = make_connection()
    make_run(connection, new=2, changed=3, archived=1)
    make_run(connection, changed=1)
    make_run(connection, state=SyncRun.State.RUNNING, finished_at=None)
    yesterday = make_run(connection, new=100)
    SyncRun.objects.filter(pk=yesterday.pk).update(created_at=timezone.now() - timedelta(days=2))
    fresh = sync_freshness(actor=member)
    assert (fresh.changed_today, fresh.running) == (7, 1)


def test_a_guest_sees_no_workspaces(guest: UserActor) -> None:
    make_connection()
    assert sync_freshness(actor=guest).workspaces == 0
    assert open_problems(actor=guest) == []
    assert recent_activity(actor=guest) == []


def test_problems_come_gravest_first_with_their_reasons(member: UserActor) -> None:
    stopped = make_connection(state=Connection.State.REAUTHORISE, state_reason="The token was revoked.")
    working = make_connection()
    failed = make_run(working, state=SyncRun.State.PARTIAL, failed=3)
    drifted = make_collection(working, state="attention", state_reason="“Status” was removed.")
    proposed = make_collection(working, is_enabled=False, mapping_state="proposed")
    make_collection(working)
    problems = open_problems(actor=member)
    assert [(problem.kind, problem.id) for problem in problems] == [
        ("connection", stopped.pk),
        ("run", failed.pk),
        ("collection", drifted.pk),
        ("mapping", proposed.pk),
    ]
    assert problems[0].reason == "The token was revoked."
    assert problems[1].count == 3


def test_a_failure_that_a_later_run_mended_is_no_problem(member: UserActor) -> None:
    connection = make_connection()
    make_run(connection, state=SyncRun.State.FAILED)
    make_run(connection)
    assert open_problems(actor=member) == []


def test_a_disconnected_workspace_is_no_problem(member: UserActor) -> None:
    gone = make_connection(state=Connection.State.DISCONNECTED)
    make_collection(gone, state="lost")
    make_run(gone, state=SyncRun.State.FAILED)
    assert open_problems(actor=member) == []


def test_set_up_goes_on_step_by_step(owner: UserActor) -> None:
    def done() -> tuple[bool, ...]:
        progress = setup_progress(actor=owner)
        assert progress
        return progress.is_connected, progress.is_mapped, progress.is_synced, progress.is_complete

    assert done() == (False, False, False, False)
    connection = make_connection()
    assert done() == (True, False, False, False)
    collection = make_collection(connection)
    assert done() == (True, True, False, False)
    SyncedCollection.objects.filter(pk=collection.pk).update(last_complete_at=timezone.now())
    assert done() == (True, True, True, False)


def test_a_second_person_makes_a_team(owner: UserActor, member: UserActor) -> None:
    progress = setup_progress(actor=owner)
    assert progress
    assert progress.has_team


def test_who_cannot_set_up_is_not_asked_to(member: UserActor) -> None:
    assert setup_progress(actor=member) is None


def test_activity_mixes_people_and_sync_newest_first(member: UserActor) -> None:
    connection = make_connection()
    run = make_run(connection, new=4, finished_at=timezone.now() - AN_HOUR_AGO)
    make_run(connection)
    task = make_task()
    complete_task(task=task, actor=member)
    happened = recent_activity(actor=member)
    assert [(each.task_key, each.run_id) for each in happened] == [(task.key, None), ("", run.pk)]
    assert happened[0].actor_name == member.name
    assert happened[1].changes["new"] == 4


def test_activity_ends_at_its_limit(member: UserActor) -> None:
    for _ in range(4):
        complete_task(task=make_task(), actor=member)
    assert len(recent_activity(actor=member, limit=3)) == 3


def test_a_thousand_imported_tasks_are_one_line_and_hide_nobody(member: UserActor) -> None:
    complete_task(task=make_task(title="Mend the invented crane"), actor=member)
    connection = make_connection()
    make_run(connection, kind=SyncRun.Kind.IMPORT, new=30)
    for _ in range(3):
        make_run(connection, changed=2)
    drafts = [TaskDraft(id=uuid7(), title=f"Imported {n}") for n in range(30)]
    upsert_tasks(drafts=drafts, actor=SYSTEM)
    upsert_tasks(drafts=[TaskDraft(id=drafts[0].id, title="Renamed")], actor=SYSTEM)
    lines = recent_activity(actor=member)
    assert sorted(
        (each.verb, each.changes.get("new"), each.changes.get("changed")) for each in lines[1:3]
    ) == [
        ("synced", 0, 6),
        ("synced", 30, 0),
    ]
    assert lines[0].task_title == "Renamed"
    assert not lines[0].is_by_person
    assert [each.actor_name for each in lines if each.is_by_person] == [member.name]
    assert len(lines) == 4
