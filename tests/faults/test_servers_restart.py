"""PostgreSQL and Valkey go away and come back under load: failures while they are gone, nothing lost or doubled."""

import contextlib
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from psycopg import sql

from config import embedded
from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import running_sandbox
from tests.faults.conftest import wait_until
from tests.faults.imports import busy_workspace
from tests.faults.load import Api, load_on
from tests.faults.processes import Processes, Started, status_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]

ROWS = 600
#: Calls that began just before the servers were back may still fail.
GRACE_SECONDS = 2.0


@dataclass
class Site:
    """A company on servers of its own, with everything running."""

    var: Path
    services: embedded.Services
    sandbox: Sandbox
    web: Started
    api: Api
    schema: str
    connection_id: str

    def ask(self, query: str) -> Any:
        """One value from the company's schema, looked up past the product."""
        database = f"nts_test_{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}_cell_1"
        url = self.services.database_url("postgres", self.services.superuser_password, database)
        with psycopg.connect(url) as connection:
            connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(self.schema)))
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def imported(self) -> int:
        return int(self.ask("SELECT count(*) FROM integrations_externallink WHERE task_id IS NOT NULL"))

    def run_state(self, kind: str) -> str:
        query = (
            f"SELECT state || ' ' || error FROM integrations_syncrun WHERE kind = '{kind}' ORDER BY id DESC"
        )
        return str(self.ask(query) or "").strip()

    def wait_for_rows(self, count: int) -> None:
        wait_until(lambda: self.imported() >= count, seconds=30, what=f"{count} rows are imported")
        assert self.imported() < ROWS, "the import was over before the test could break anything"

    def restart_postgres(self, how: signal.Signals) -> tuple[float, float]:
        """Stop PostgreSQL in this way, look at the web server meanwhile, start it again; returns from when to when."""
        began = time.monotonic()
        end(self.services.postgres_pid, how)
        time.sleep(0.5)
        assert status_of(self.api.port, "/readyz") == 503
        assert status_of(self.api.port, "/healthz") == 200, "nobody restarts a web server for this"
        self.services = embedded.ensure_running(self.var)
        return began, time.monotonic() + GRACE_SECONDS

    def restart_valkey(self) -> None:
        """Kill Valkey; it comes back empty."""
        end(self.services.valkey_pid, signal.SIGKILL)
        time.sleep(1)
        self.services = embedded.ensure_running(self.var)


def end(pid: int, how: signal.Signals) -> None:
    """Send a server of ours a signal and wait until it is gone."""
    os.kill(pid, how)

    def is_gone() -> bool:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        return not Path(f"/proc/{pid}").exists()

    wait_until(is_gone, seconds=20, what=f"the server ended by {how.name}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Servers, a company whose import has begun, and a web server, a worker and a dispatcher."""
    workspace, sandbox = busy_workspace(ROWS, name="Shaky Ground"), Sandbox(budget=None)
    workspace.into(sandbox)
    sandbox.fault(match="/markdown", kind="status", status=404, times=None)
    # Not below pytest's folder: PostgreSQL's account has to be able to enter it.
    with (
        tempfile.TemporaryDirectory(prefix="nts-faults-") as folder,
        running_sandbox(sandbox=sandbox) as notion,
    ):
        var = Path(folder)
        environment = {"VAR_DIR": folder, "NOTION_BASE_URL": notion.base_url, "SYNC_POLL_SECONDS": "3600"}
        processes = Processes(tmp_path_factory.mktemp("processes"), environment)
        try:
            services = embedded.ensure_running(var)
            told = json.loads(processes.run("tests.faults.lone_company", workspace.token))
            sandbox.set_limits(latency_ms=300)
            web, port = processes.site()
            api = Api(port, told["host"], told["token"])
            yield Site(var, services, sandbox, web, api, told["schema"], told["connection_id"])
        finally:
            processes.stop_all()
            embedded.stop(var)
    sandbox.close()


def test_postgresql_restarts_twice_under_load_and_nothing_is_lost_or_doubled(site: Site) -> None:
    with load_on(site.api, "Caller") as load:
        site.wait_for_rows(100)
        first = site.restart_postgres(signal.SIGINT)  # "fast": sessions are ended
        at_first = len(load.accepted)
        site.wait_for_rows(300)
        second = site.restart_postgres(signal.SIGQUIT)  # "immediate": as if the machine had crashed
        at_second = len(load.accepted)
        wait_until(
            lambda: site.run_state("import") == "succeeded", seconds=30, what="the import has succeeded"
        )
        time.sleep(0.5)

    assert at_first < at_second < len(load.accepted), "calls go on after each restart"
    assert load.failures, "somebody noticed"
    assert load.failures_outside(first, second) == []
    told = {(status, answer["code"]) for *_, status, answer in load.failures if status}
    assert told == {(503, "unavailable")}
    assert (
        site.imported()
        == site.ask("SELECT count(DISTINCT remote_id) FROM integrations_externallink") - 3
        == ROWS
    )
    assert site.ask("SELECT new FROM integrations_syncrun WHERE kind = 'import'") == ROWS + 3
    titles = site.ask("SELECT json_agg(title) FROM tasks_task WHERE title LIKE 'Caller %'")
    # What was accepted is there once; one write a caller may have been under way when the load ended.
    assert set(load.accepted) <= set(titles)
    assert len(titles) == len(set(titles)) <= len(load.accepted) + 3
    assert site.ask("SELECT count(*) FROM tasks_task") == ROWS + len(titles)
    assert status_of(site.api.port, "/readyz") == 200
    assert site.web.output().count("Booting worker") == 1, "the same web process all the time"


def test_a_valkey_that_is_wiped_and_one_that_dies_cost_no_answers_and_no_rows(site: Site) -> None:
    wait_until(lambda: site.run_state("import") == "succeeded", seconds=30, what="the import is over")
    status, run = site.api.call("POST", "/api/v1/sync-runs/", {"connection_id": site.connection_id})
    assert status == 201, run
    with load_on(site.api, "Second") as load:
        wait_until(
            lambda: site.run_state("full").startswith("running"), seconds=20, what="the check has begun"
        )
        with redis.Redis.from_url(site.services.redis_url) as client:
            client.flushall()
        time.sleep(0.5)
        began = time.monotonic()
        site.restart_valkey()
        wait_until(lambda: site.run_state("full") == "succeeded", seconds=35, what="the check has succeeded")

    assert load.failures_outside((began, began + 1 + GRACE_SECONDS)) == []
    assert site.imported() == ROWS
    assert site.ask("SELECT unchanged FROM integrations_syncrun WHERE kind = 'full'") == ROWS + 3
    assert status_of(site.api.port, "/readyz") == 200
