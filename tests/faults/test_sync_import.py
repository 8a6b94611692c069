"""An import that is killed, throttled or cut off loses nothing and does nothing twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings as django_settings
from pytest_django import Settings

from integrations.models import Connection, ExternalLink, SyncRun
from integrations.registry import close_connections
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import RUN_JOB, connect_workspace
from integrations.sync.services import confirm_proposals, discover_collections
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.sweeping import sweep
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import make_due, run_due_work
from tests.fakes.notion_sandbox import RunningSandbox, running_sandbox

ROOT = Path(__file__).resolve().parents[2]
ROWS = 700


@pytest.fixture
def notion(settings: Settings, committed_tenant: TenantRef) -> Iterator[RunningSandbox]:
    """A Notion without a budget, on a port."""
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        client.flushdb()
    held = Sandbox(budget=None)
    with running_sandbox(sandbox=held) as running:
        settings.NOTION_BASE_URL = running.base_url
        yield running
        close_connections()
    held.close()


@pytest.fixture
def connected(notion: RunningSandbox, committed_tenant: TenantRef) -> Callable[..., Connection]:
    """Connects the company to a workspace of many rows; the import waits to be worked on."""

    def connect(budget: int | None = None) -> Connection:
        workspace = NotionWorkspace()
        workspace.add_tasks(ROWS)
        workspace.into(notion.sandbox)
        with tenant_scope(committed_tenant):
            connection = connect_workspace(token=workspace.token, actor=SYSTEM, requests_per_minute=budget)
            discover_collections(connection=connection, actor=SYSTEM)
            with atomic():
                confirm_proposals(connection=connection, actor=SYSTEM)
        return connection

    return connect


def end_leases(tenant: TenantRef) -> None:
    """Let the time pass after which a silent worker counts as gone."""
    with cell_transaction(tenant.cell) as cursor:
        cursor.execute(
            "UPDATE tenants_workitem SET lease_expires_at = statement_timestamp() - interval '1 s'"
            " WHERE tenant_id = %s AND state = 'running'",
            [tenant.id],
        )
    with tenant_scope(tenant), atomic():
        Connection.objects.update(lease_expires_at="2020-01-01T00:00:00Z")
    sweep(tenant.cell, is_forced=True)


def work(tenant: TenantRef) -> None:
    """Do what is due of the import; the texts of pages, a call each, would only take time here."""
    run_due_work(tenant, kind=RUN_JOB)


def assert_whole(tenant: TenantRef) -> SyncRun:
    with tenant_scope(tenant), atomic():
        assert Task.objects.count() == ROWS
        assert ExternalLink.objects.filter(task__isnull=False).count() == ROWS
        assert Task.objects.values("title").distinct().count() == ROWS
        run = SyncRun.objects.get(kind="import")
        assert (run.state, run.new, run.failed) == ("succeeded", ROWS, 0)
        return run


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_of_an_import_is_taken_over_without_a_row_lost_or_doubled(
    committed_tenant: TenantRef, notion: RunningSandbox, connected: Callable[..., Connection]
) -> None:
    connected()
    notion.sandbox.set_limits(latency_ms=150)
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.sync_worker", str(committed_tenant.id), notion.base_url],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"},
        start_new_session=True,
    )
    try:
        wait_for_tasks(committed_tenant, 200)
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(timeout=20)
    with tenant_scope(committed_tenant), atomic():
        before = Task.objects.count()
        assert 200 <= before < ROWS
        assert SyncRun.objects.get(kind="import").state == "running"
    notion.sandbox.set_limits(latency_ms=0)
    notion.sandbox.report(reset=True)
    end_leases(committed_tenant)

    with tenant_scope(committed_tenant):
        work(committed_tenant)

    run = assert_whole(committed_tenant)
    assert run.done == ROWS
    queries = [call for call in notion.sandbox.calls() if call.path.endswith("/query")]
    first_pages = -(-before // 100)
    # What was read before the kill is not read again: the pages left, the projects, and looks for changes.
    assert len(queries) <= ROWS // 100 - first_pages + 6


def wait_for_tasks(tenant: TenantRef, count: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with tenant_scope(tenant), atomic():
            if Task.objects.count() >= count:
                return
        time.sleep(0.05)
    raise AssertionError(f"The worker did not import {count} tasks.")


def test_a_storm_of_refusals_makes_the_run_wait_and_go_on(
    committed_tenant: TenantRef, notion: RunningSandbox, connected: Callable[..., Connection]
) -> None:
    connected()
    reason = {"rate_limit_reason": "public_api_request_rate_limit"}
    notion.sandbox.fault(
        match="/query", kind="status", status=429, retry_after=30, times=5, skip=3, additional_data=reason
    )

    with tenant_scope(committed_tenant):
        work(committed_tenant)
        with atomic():
            run = SyncRun.objects.get(kind="import")
            assert (run.state, run.done) == ("waiting", 200)
            assert run.next_attempt_at is not None
        # One refusal was enough: nobody tried again before its time.
        assert notion.sandbox.report()["by_status"]["429"] == 1
        for _ in range(8):
            with redis.Redis.from_url(django_settings.REDIS_URL) as client:
                client.flushdb()
            make_due(committed_tenant, kind=RUN_JOB)
            work(committed_tenant)

    assert_whole(committed_tenant)


def test_a_budget_that_is_kept_is_never_refused(
    committed_tenant: TenantRef, notion: RunningSandbox, connected: Callable[..., Connection]
) -> None:
    connected(budget=10)
    notion.sandbox.set_limits(per_minute=10)

    with tenant_scope(committed_tenant):
        for _ in range(6):
            work(committed_tenant)
            with redis.Redis.from_url(django_settings.REDIS_URL) as client:
                client.flushdb()
            notion.sandbox.clock.advance(61)
            make_due(committed_tenant, kind=RUN_JOB)

    assert_whole(committed_tenant)
    assert "429" not in notion.sandbox.report()["by_status"]


def test_connections_that_break_and_answers_that_stop_half_way_lose_nothing(
    committed_tenant: TenantRef, notion: RunningSandbox, connected: Callable[..., Connection]
) -> None:
    connected()
    for skip in range(2, 12, 3):
        notion.sandbox.fault(match="/query", kind="reset", skip=skip)
        notion.sandbox.fault(match="/query", kind="half", skip=skip + 1)

    with tenant_scope(committed_tenant):
        work(committed_tenant)

    assert_whole(committed_tenant)


def test_a_service_that_stays_down_is_asked_ever_less_often(
    committed_tenant: TenantRef, notion: RunningSandbox, connected: Callable[..., Connection]
) -> None:
    connected()
    notion.sandbox.fault(match="/query", kind="reset", times=None, skip=2)

    with tenant_scope(committed_tenant):
        work(committed_tenant)
        with atomic():
            run = SyncRun.objects.get(kind="import")
            assert (run.state, "cannot be reached" in run.error) == ("waiting", True)
        first = len(notion.sandbox.calls())
        make_due(committed_tenant, kind=RUN_JOB)
        work(committed_tenant)
        assert len(notion.sandbox.calls()) - first <= 5
        notion.sandbox.faults.clear()
        make_due(committed_tenant, kind=RUN_JOB)
        work(committed_tenant)

    assert_whole(committed_tenant)
