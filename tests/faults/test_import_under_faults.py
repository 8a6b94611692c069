"""Dispatcher, workers and a Notion behind a spoilt line: whatever breaks, an import ends as if nothing had."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from config.embedded import free_port
from integrations.models import SyncRun
from integrations.registry import close_connections
from integrations.sandbox.notion.sandbox import Sandbox
from tenants.tenancy import TenantRef
from tests.companies import create_company, drop_company
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import make_due
from tests.fakes.fault_proxy import Fault, FaultProxy, Spoil, fault_proxy
from tests.fakes.notion_sandbox import running_sandbox
from tests.faults.conftest import wait_until
from tests.faults.imports import (
    Content,
    busy_workspace,
    connect,
    content_of,
    import_of,
    let_a_minute_pass,
    tasks_in,
)
from tests.faults.processes import Processes, Started

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]

ROWS = 500
#: Five pages of tasks, one of projects; two schemas; one page of people.
LEAST_CALLS = 9


@dataclass
class Stage:
    """What runs while this module's tests do: a Notion, the line to it, a dispatcher and a worker."""

    sandbox: Sandbox
    line: FaultProxy
    processes: Processes
    workspace: NotionWorkspace
    worker: Started
    dispatcher: Started
    undisturbed: Content
    calls: int

    def is_read(self, tenant: TenantRef, *states: str) -> bool:
        run = import_of(tenant)
        assert run.state != SyncRun.State.FAILED, run.error
        return run.state in (states or {"succeeded"})

    def wait_for_rows(self, tenant: TenantRef, count: int) -> None:
        wait_until(lambda: tasks_in(tenant) >= count, seconds=30, what=f"{count} tasks are here")
        assert tasks_in(tenant) < ROWS, "the import was over before the test could break anything"

    def wait_for_end(self, tenant: TenantRef, seconds: float = 30) -> SyncRun:
        wait_until(lambda: self.is_read(tenant), seconds=seconds, what="the import has succeeded")
        return import_of(tenant)

    def assert_whole(self, tenant: TenantRef) -> SyncRun:
        """The import has ended with the very content of the undisturbed one, each row taken over once."""
        run = self.wait_for_end(tenant)
        assert content_of(tenant) == self.undisturbed
        assert (run.new, run.done, run.failed) == (ROWS + 3, ROWS + 3, 0)
        return run


@pytest.fixture(scope="module")
def stage(
    databases: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Everything started, and one company's import done without any fault, to compare with."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
    workspace, sandbox = busy_workspace(ROWS), Sandbox(budget=None)
    workspace.into(sandbox)
    # Texts are a call a page; here they would only take time.
    no_texts(sandbox)
    before = settings.NOTION_BASE_URL
    with running_sandbox(sandbox=sandbox) as running, fault_proxy(port_of(running.base_url)) as line:
        address = f"http://127.0.0.1:{line.port}"
        settings.NOTION_BASE_URL = address
        processes = Processes(
            tmp_path_factory.mktemp("processes"), {"NOTION_BASE_URL": address, "SYNC_POLL_SECONDS": "3600"}
        )
        try:
            worker, dispatcher = processes.background()
            with django_db_blocker.unblock():
                company = create_company()
                connect(company.ref, workspace.token)
                stage = Stage(
                    sandbox, line, processes, workspace, worker, dispatcher, Content({}, [], [], [], [], 0), 0
                )
                run = stage.wait_for_end(company.ref)
                stage.undisturbed, stage.calls = content_of(company.ref), run.calls
                connections.close_all()
                drop_company(company)
            yield stage
        finally:
            processes.stop_all()
            settings.NOTION_BASE_URL = before
            close_connections()
    sandbox.close()


@pytest.fixture
def importing(stage: Stage, committed_tenant: TenantRef) -> Iterator[TenantRef]:
    """A company whose import goes on slowly enough to be disturbed; 200 rows are in."""
    stage.sandbox.set_limits(latency_ms=150)
    stage.sandbox.report(reset=True)
    connect(committed_tenant, stage.workspace.token)
    stage.wait_for_rows(committed_tenant, 200)
    yield committed_tenant
    calm(stage)


def calm(stage: Stage) -> None:
    stage.sandbox.set_limits(latency_ms=0)
    stage.sandbox.faults.clear()
    no_texts(stage.sandbox)
    stage.line.spoil_all(None)


def no_texts(sandbox: Sandbox) -> None:
    sandbox.fault(match="/markdown", kind="status", status=404, times=None)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def queries(stage: Stage) -> int:
    """How many pages of rows Notion gave out."""
    return sum(call.path.endswith("/query") and call.status == 200 for call in stage.sandbox.calls())


def test_an_undisturbed_import_brings_everything_for_the_least_calls(stage: Stage) -> None:
    assert len(stage.undisturbed.tasks) == ROWS
    assert stage.undisturbed.links == ROWS + 3
    assert len(stage.undisturbed.dependencies) > 100
    assert stage.calls <= LEAST_CALLS + 4


def test_a_worker_killed_in_the_middle_is_replaced_by_another(stage: Stage, importing: TenantRef) -> None:
    stage.worker.kill()
    here = tasks_in(importing)
    assert 200 <= here < ROWS
    stage.worker = stage.processes.worker()
    let_a_minute_pass(importing)

    run = stage.assert_whole(importing)

    assert run.state == "succeeded"
    # The page that was on its way when the worker died is asked for again, none that was taken over.
    assert queries(stage) <= LEAST_CALLS - 3 + 1


def test_a_dispatcher_killed_in_the_middle_is_replaced_by_another(stage: Stage, importing: TenantRef) -> None:
    stage.dispatcher.kill()
    stage.sandbox.fault(match="/query", kind="status", status=429, retry_after=3)
    wait_until(lambda: stage.is_read(importing, "waiting"), seconds=20, what="the run has been put back")
    make_due(importing, kind="integrations.run_sync")
    here = tasks_in(importing)
    time.sleep(0.5)
    assert (import_of(importing).state, tasks_in(importing)) == ("waiting", here), "nobody hands out"

    stage.dispatcher = stage.processes.dispatcher()

    stage.assert_whole(importing)


def test_a_wiped_valkey_costs_an_import_nothing(stage: Stage, importing: TenantRef) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()

    stage.assert_whole(importing)


def test_a_line_that_breaks_stutters_and_cuts_answers_off_loses_nothing(
    stage: Stage, committed_tenant: TenantRef
) -> None:
    connect(committed_tenant, stage.workspace.token)
    faults = [
        Fault(Spoil.RESET),
        Fault(Spoil.HALF, after_bytes=12),
        Fault(Spoil.DELAY, seconds=0.5),
        Fault(Spoil.HALF, after_bytes=20_000),
        Fault(Spoil.DROP, after_bytes=700),
        Fault(Spoil.RESET),
        Fault(Spoil.DROP, after_bytes=30_000),
    ]
    for place, fault in enumerate(faults):
        stage.line.spoil_next(fault, skip=place % 2)
    stage.sandbox.report(reset=True)

    run = stage.assert_whole(committed_tenant)

    assert stage.line.is_clean
    assert run.calls <= stage.calls + len(faults)
    calm(stage)


def test_a_storm_of_refusals_and_failures_is_sat_out_with_few_calls(
    stage: Stage, committed_tenant: TenantRef
) -> None:
    refusal = {"rate_limit_reason": "public_api_request_rate_limit"}
    storm: list[dict[str, Any]] = [
        *[{"status": 429, "retry_after": 1, "additional_data": refusal}] * 3,
        {"status": 529, "retry_after": 1},
        *[{"status": 503}] * 3,
        {"status": 500}, {"status": 502}, {"status": 504}, {"status": 409},
    ]  # fmt: skip
    for place, answer in enumerate(storm):
        stage.sandbox.fault(match="/query", kind="status", skip=place % 2, **answer)
    stage.sandbox.report(reset=True)
    connect(committed_tenant, stage.workspace.token)

    run = stage.assert_whole(committed_tenant)

    told = {int(status): count for status, count in stage.sandbox.report()["by_status"].items()}
    assert (told[429], told[529], told[503]) == (3, 1, 3)
    # What was too much is asked for in smaller pages: a few more calls, but no storm of ours.
    assert run.calls <= stage.calls + len(storm) + 8
    calm(stage)


def test_a_notion_that_dies_and_comes_back_is_read_on(
    stage: Stage, committed_tenant: TenantRef, tmp_path: Path
) -> None:
    file, port = tmp_path / "workspace.ndjson", free_port()
    lines = [stage.workspace.line(), *stage.workspace.objects]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    arguments = ["--load", str(file), "--state", str(tmp_path / "state"), "--budget", "off"]
    notion = stage.processes.sandbox(port, *arguments, "--latency-ms", "150")
    home = port_of(settings.NOTION_BASE_URL), stage.line
    stage.line.lead_to(port)
    stage.line.cut()
    try:
        connect(committed_tenant, stage.workspace.token)
        stage.wait_for_rows(committed_tenant, 200)

        notion.kill()
        wait_until(lambda: stage.is_read(committed_tenant, "waiting"), seconds=20, what="the run waits")
        assert "cannot be reached" in import_of(committed_tenant).error
        notion = stage.processes.sandbox(port, *arguments)
        make_due(committed_tenant, kind="integrations.run_sync")

        stage.assert_whole(committed_tenant)
    finally:
        notion.kill()
        stage.line.lead_to(home[0])
        stage.line.cut()
