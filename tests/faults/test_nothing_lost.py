"""Thousands of jobs while workers, dispatchers, broker and database are killed: each is done, and done once."""

import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from psycopg import sql

from config import embedded
from tests.faults.conftest import wait_until
from tests.faults.processes import Processes, Started, status_of
from tests.faults.test_servers_restart import end

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]

COMPANIES, JOBS, KILLS = 4, 4_000, 10
OUTAGE_SECONDS = 30.0


@dataclass
class Plant:
    """Servers of its own, companies with jobs waiting, and the processes that do them."""

    var: Path
    services: embedded.Services
    processes: Processes
    schemas: list[str]

    def ask(self, query: str, *arguments: object, database: str = "_cell_1") -> list[tuple[Any, ...]]:
        """Rows of the cell (or of the control plane, ``database=""``), looked up past the product."""
        database = f"nts_test_{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}{database}"
        url = self.services.database_url("postgres", self.services.superuser_password, database)
        with psycopg.connect(url) as connection:
            return connection.execute(query.encode(), arguments).fetchall()

    def effects(self) -> Counter[str]:
        """How often each job had its effect."""
        found: Counter[str] = Counter()
        for schema in self.schemas:
            query = (
                sql.SQL("SELECT job FROM {}.counted_effects").format(sql.Identifier(schema)).as_string(None)
            )
            found.update(row[0] for row in self.ask(query))
        return found

    def left(self) -> int:
        """Jobs that are neither done nor given up."""
        return int(
            self.ask(
                "SELECT count(*) FROM tenants_workitem WHERE kind = 'test.count' AND state NOT IN ('done', 'dead')"
            )[0][0]
        )


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """Not below pytest's folder: PostgreSQL's account has to be able to enter it."""
    with tempfile.TemporaryDirectory(prefix="nts-faults-") as folder:
        environment = {"VAR_DIR": folder, "DISPATCH_INFLIGHT_PER_TENANT": "16"}
        processes = Processes(tmp_path_factory.mktemp("processes"), environment, jobs="tests.fakes.jobs")
        try:
            services = embedded.ensure_running(Path(folder))
            told = processes.run("tests.faults.many_jobs", str(COMPANIES), str(JOBS), seconds=120)
            schemas = json.loads(told.splitlines()[-1])
            yield Plant(Path(folder), services, processes, schemas)
        finally:
            processes.stop_all()
            embedded.stop(Path(folder))


def test_thousands_of_jobs_survive_every_kind_of_death_and_are_done_once(plant: Plant) -> None:
    chance = random.Random(20261122)
    workers = [plant.processes.worker(), plant.processes.worker()]
    dispatchers = [plant.processes.dispatcher(), plant.processes.dispatcher()]
    progress = []
    for number in range(KILLS):
        time.sleep(chance.uniform(0.3, 1.0))
        progress.append(plant.left())
        if number == 3:
            with redis.Redis.from_url(
                plant.services.redis_url.replace("/0", f"/{broker_number()}")
            ) as client:
                client.flushall()
        elif number == 6:
            end(plant.services.postgres_pid, signal.SIGQUIT)  # "immediate": as if the machine had crashed
            plant.services = embedded.ensure_running(plant.var)
        elif number % 3 == 2:
            replace_one(dispatchers, chance, plant.processes.dispatcher)
        else:
            replace_one(workers, chance, plant.processes.worker)

    assert progress[0] > progress[-1] > 0, "every death came while there was work"
    wait_until(lambda: plant.left() == 0, seconds=180, what="all jobs are done")
    effects = plant.effects()
    assert len(effects) == JOBS
    assert set(effects.values()) == {1}
    assert plant.ask(
        "SELECT count(*) FROM tenants_workitem WHERE kind = 'test.count' AND state = 'dead'"
    ) == [(0,)]


def broker_number() -> int:
    return 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw") or 0) % 15


def replace_one(running: list[Started], chance: random.Random, start: Any) -> None:
    place = chance.randrange(len(running))
    running[place].kill()
    running[place] = start()


def test_a_database_that_is_down_for_half_a_minute_is_told_to_callers_and_waited_for(plant: Plant) -> None:
    web, port = plant.processes.site()
    ((host,),) = plant.ask("SELECT host FROM tenants_domain LIMIT 1", database="")
    assert get(port, host)[0] == 302

    went_at = time.monotonic()
    end(plant.services.postgres_pid, signal.SIGINT)
    answers = []
    while time.monotonic() - went_at < OUTAGE_SECONDS:
        answers.append(get(port, host))
        time.sleep(0.5)
    plant.services = embedded.ensure_running(plant.var)

    assert {status for status, _, _ in answers} == {503}
    assert all(int(retry_after or 0) > 0 for _, retry_after, _ in answers)
    assert max(seconds for _, _, seconds in answers) < 10
    wait_until(lambda: get(port, host)[0] == 302, seconds=10, what="requests are answered again")
    assert status_of(port, "/readyz") == 200
    assert web.output().count("Booting worker") == 1, "nobody had to restart it"


def get(port: int, host: str) -> tuple[int, str | None, float]:
    """Status, ``Retry-After`` and seconds of a page asked for with a session nobody knows: it has to be looked up."""
    began = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(
            "GET", "/", headers={"Host": host, "Cookie": f"sessionid={'0' * 32}; session={'0' * 32}"}
        )
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["Retry-After"], time.monotonic() - began
    finally:
        connection.close()
