"""The sync monitor: freshness, delays, calls, errors, and trying again what failed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import CallTally, Connection, ExternalLink, SyncRun, SyncRunIssue
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sync.monitoring import connection_health, error_groups
from integrations.sync.tally import Count, add_counts, this_hour
from tenants.accounts.access import SYSTEM
from tests.factories.notion import NotionWorkspace

type Work = Callable[[], None]


@pytest.fixture
def imported(
    connect: Callable[[NotionWorkspace], Connection], workspace: NotionWorkspace, work: Work
) -> Connection:
    """A connection whose first import is done: five tasks."""
    workspace.add_tasks(5)
    connection = connect(workspace)
    work()
    return connection


def test_delays_are_those_of_edits_and_not_of_the_first_import(imported: Connection) -> None:
    (health,) = connection_health(actor=SYSTEM)
    assert (health.lag_p50, health.lag_p95, health.wants_somebody) == (None, None, 0)
    now = timezone.now()
    Connection.objects.filter(pk=imported.pk).update(created_at=now - timedelta(hours=1))
    for number, link in enumerate(ExternalLink.objects.filter(task__isnull=False).order_by("pk")):
        seconds = (number + 1) * 10
        ExternalLink.objects.filter(pk=link.pk).update(
            remote_edited_at=now - timedelta(seconds=seconds), synced_at=now
        )
    (health,) = connection_health(actor=SYSTEM)
    assert (health.lag_p50, health.lag_p95) == (30.0, 48.0)


def test_calls_are_those_of_the_last_hour_and_the_share_is_of_its_budget(imported: Connection) -> None:
    CallTally.objects.all().delete()
    Connection.objects.filter(pk=imported.pk).update(requests_per_minute=10)
    add_counts(imported.pk, {
        (this_hour(), "data_sources.query", "import"): Count(calls=30, failed=2, refused=1),
        (this_hour() - timedelta(hours=30), "data_sources.query", "import"): Count(calls=7000),
    })  # fmt: skip
    add_counts(imported.pk, {(this_hour(), "pages.update", "interactive"): Count(calls=30)})
    (health,) = connection_health(actor=SYSTEM)
    assert (health.calls.last_hour, health.calls.last_day, health.calls.share) == (60, 60, 10)
    assert (health.calls.refused, health.calls.failed) == (1, 2)
    assert health.calls.by_lane == {"import": 30, "interactive": 30}


def test_only_the_newest_run_of_each_kind_says_what_fails(imported: Connection) -> None:
    now = timezone.now()
    for age, count in ((2, 9), (1, 3)):
        run = SyncRun.objects.create(
            connection=imported, kind="full", trigger="manual", state="partial",
            finished_at=now - timedelta(minutes=age),
        )  # fmt: skip
        SyncRunIssue.objects.create(
            run=run, code="not_stored", title="Rows that could not be stored", count=count
        )
    (group,) = error_groups(actor=SYSTEM)
    assert (group.issue.count, group.run.pk) == (3, run.pk)


def test_rows_set_aside_are_tried_again_on_their_own(
    imported: Connection, work: Work, sandbox: Sandbox, manager: Any, login_as: Any
) -> None:
    link = ExternalLink.objects.filter(task__isnull=False).order_by("pk")[0]
    states = ExternalLink.State
    ExternalLink.objects.filter(pk=link.pk).update(
        state=states.QUARANTINED, failures=9, content_hash="", state_reason="Odd"
    )
    lost = ExternalLink.objects.filter(task__isnull=False).order_by("pk")[1]
    ExternalLink.objects.filter(pk=lost.pk).update(state=states.ACCESS_LOST, state_reason="Gone")
    (health,) = connection_health(actor=SYSTEM)
    assert (health.set_aside, health.lost, health.wants_somebody) == (1, 1, 2)
    console = login_as(manager)
    page = console.get("/sync/set-aside/").content.decode()
    assert "Odd" in page
    assert "Gone" in page
    before = sandbox.ledger.report()["by_endpoint"].get("GET /v1/pages/{page_id}", 0)
    assert console.post(f"/sync/set-aside/{imported.pk}/retry/").status_code == 302
    work()
    assert sandbox.ledger.report()["by_endpoint"]["GET /v1/pages/{page_id}"] - before == 2
    (health,) = connection_health(actor=SYSTEM)
    assert health.wants_somebody == 0
