"""Records the service fails for hold nobody up: they are tried more and more rarely, and set aside in the end."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Connection, ExternalLink, InboundEvent, SyncRun
from integrations.sync.events.failing import LONGEST_PAUSE, MOST_TRIES, pause_after
from integrations.sync.polling import poll_connection
from tasks.models import Task
from tenants.foundation.errors import LimitReached
from tenants.tenancy import TenantRef
from tests.fakes.dispatch import make_due, run_due_work, states_of_work
from tests.integrations.sync.events.conftest import Told

JOB = "integrations.handle_events"


def break_for_good(told: Told, *pages: str) -> None:
    for page in pages:
        told.sandbox.fault(kind="status", status=500, times=None, match=f"GET /v1/pages/{page}$")


def let_the_time_pass() -> None:
    """Whatever was put off is due."""
    InboundEvent.objects.filter(not_before__isnull=False).update(not_before=timezone.now())


def is_archived(page: str) -> bool:
    return Task.objects.get(external_links__remote_id=page).archived_at is not None


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 15), (2, 30), (5, 240), (60, 3600), (70_000, 3600), (0, 15)]
)
def test_the_pause_doubles_up_to_an_hour(failures: int, seconds: int) -> None:
    assert pause_after(failures) == timedelta(seconds=seconds) <= LONGEST_PAUSE


def test_three_pages_that_fail_for_good_do_not_keep_a_fourth_from_being_read(told: Told) -> None:
    break_for_good(told, *told.pages[:3])
    for number, page in enumerate(told.pages[:4]):
        told.sandbox.trash(page, told.workspace.editor)
        told.tell("page.deleted", page, at=told.now() + timedelta(seconds=number))

    with pytest.raises(LimitReached):
        told.handle()
    told.handle()

    assert is_archived(told.pages[3])
    assert (
        InboundEvent.objects.filter(state="waiting", failures=1, not_before__gt=timezone.now()).count() == 3
    )


def test_pages_that_fail_again_and_again_do_not_end_the_reading_of_others(told: Told) -> None:
    """Once they are known for it, they say nothing of the service, even when all are due at once."""
    ExternalLink.objects.filter(remote_id__in=told.pages[:4]).update(failures=3)
    break_for_good(told, *told.pages[:4])
    for number, page in enumerate(told.pages):
        told.sandbox.trash(page, told.workspace.editor)
        told.tell("page.deleted", page, at=told.now() + timedelta(seconds=number))
    told.handle()
    assert [is_archived(page) for page in told.pages] == [False] * 4 + [True]


def failed_often(told: Told, *, looked: timedelta) -> InboundEvent:
    """A page that fails for good, told of and tried but once less than often enough; a look succeeded then."""
    break_for_good(told, told.pages[0])
    event = told.tell("page.deleted", told.pages[0])
    now = timezone.now()
    InboundEvent.objects.update(failures=MOST_TRIES - 1, failing_since=now - timedelta(minutes=10))
    Connection.objects.update(last_polled_at=now - looked)
    told.handle()
    event.refresh_from_db()
    return event


def test_a_page_that_failed_too_often_is_set_aside_and_the_next_looks_try_it(told: Told) -> None:
    event = failed_often(told, looked=timedelta(minutes=5))
    link = ExternalLink.objects.get(remote_id=told.pages[0])
    assert (event.state, link.state) == ("ignored", ExternalLink.State.QUARANTINED)
    assert "set aside" in event.reason
    assert link.task is not None

    told.sandbox.faults.clear()
    told.sandbox.trash(told.pages[0], told.workspace.editor)
    poll_connection(connection_id=told.connection.pk, heartbeat=lambda: None)
    link.refresh_from_db()
    assert link.state == ExternalLink.State.TRASHED_REMOTE


def test_while_the_service_is_down_for_all_nothing_is_set_aside(told: Told) -> None:
    event = failed_often(told, looked=timedelta(minutes=11))
    assert (event.state, event.failures) == ("waiting", MOST_TRIES)
    assert ExternalLink.objects.get(remote_id=told.pages[0]).state == ExternalLink.State.CLEAN


def test_pages_set_aside_do_not_keep_a_look_from_its_end(told: Told) -> None:
    ExternalLink.objects.filter(remote_id__in=told.pages).update(state=ExternalLink.State.QUARANTINED)
    break_for_good(told, *told.pages)
    Connection.objects.update(last_polled_at=None)
    for _ in range(3):
        poll_connection(connection_id=told.connection.pk, heartbeat=lambda: None)
    assert Connection.objects.get().last_polled_at is not None
    assert not SyncRun.objects.filter(kind="poll").open().exists()
    assert sum(ExternalLink.objects.values_list("failures", flat=True)) >= 5


def test_of_a_table_that_cannot_be_read_what_no_look_finds_goes_on_waiting(told: Told) -> None:
    told.sandbox.trash(told.pages[0], told.workspace.editor)
    gone = told.tell("page.deleted", told.pages[0])
    columns = told.tell("data_source.schema_updated", told.workspace.tasks_id)
    changed = told.tell("page.properties_updated", told.pages[1])
    told.sandbox.fault(
        kind="status", status=400, code="validation_error", times=None,
        operation="GET /v1/data_sources/{data_source_id}",
    )  # fmt: skip
    told.handle()
    for event in (gone, columns, changed):
        event.refresh_from_db()
    assert [gone.state, columns.state, changed.state] == ["waiting", "ignored", "ignored"]

    told.sandbox.faults.clear()
    let_the_time_pass()
    told.handle()
    assert is_archived(told.pages[0])


def test_events_that_were_put_off_have_a_job_of_their_own(told: Told, tenant: TenantRef) -> None:
    break_for_good(told, told.pages[0])
    told.sandbox.trash(told.pages[0], told.workspace.editor)
    told.tell("page.deleted", told.pages[0])
    make_due(tenant, kind=JOB)
    run_due_work(tenant, kind=JOB)
    assert states_of_work(tenant, JOB)[-1] == "ready"

    told.rename(told.pages[1], "Not held up")
    told.tell("page.properties_updated", told.pages[1])
    assert states_of_work(tenant, JOB).count("ready") == 2

    told.sandbox.faults.clear()
    let_the_time_pass()
    for _ in range(2):
        make_due(tenant, kind=JOB)
        run_due_work(tenant, kind=JOB)
    assert is_archived(told.pages[0])
    assert Task.objects.get(external_links__remote_id=told.pages[1]).title == "Not held up"
