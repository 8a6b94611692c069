"""A process of one system: does what it is told on standard input, answers in JSON."""

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test.utils import override_settings

from benchmarks.peers import systems
from benchmarks.peers.settings import BENCH_MIDDLEWARE
from tenants.accounts.models import Department
from tests.fakes.pgbouncer import PgBouncer


class Worker:
    """One method per command; each takes and returns what JSON can say."""

    def __init__(self) -> None:
        self.system = systems.system()
        self.handler: WSGIHandler | None = None

    @property
    def keeper(self) -> systems.System:
        """The system, where it keeps tenants."""
        assert isinstance(self.system, systems.System)
        return self.system

    def databases(self) -> None:
        systems.create_databases()

    def drop(self) -> None:
        systems.drop_databases()

    def prepare(self) -> float:
        return systems.timed(self.system.prepare)

    def create(self) -> float:
        return systems.timed(self.keeper.create, systems.fresh_number())

    def have_spares(self, count: int) -> float:
        assert isinstance(self.system, systems.Ours)
        return systems.timed(self.system.have_spares, count)

    def fill(self, first: int, count: int) -> float:
        return systems.timed(self.keeper.fill, first, count)

    def mark(self, count: int) -> None:
        self.system.mark(list(range(count)))

    def migrate(self, way: str) -> float:
        return systems.timed(self.keeper.migrate, way)

    def check_field(self, number: int) -> bool:
        return self.keeper.has_field(number)

    def requests(self, queries: int, hosts: int, count: int, start: int = 0) -> list[float]:
        """Seconds of each of ``count`` requests that go round ``hosts`` tenants."""
        if self.handler is None:
            with override_settings(MIDDLEWARE=BENCH_MIDDLEWARE):
                self.handler = WSGIHandler()
        times = []
        for number in range(start, start + count):
            environment = request(f"/{queries}/", systems.host_of(number % hosts))
            started = time.perf_counter()
            call(self.handler, environment)
            times.append(time.perf_counter() - started)
        return times

    def pooled_reads(self, threads: int, tenants: int, count: int) -> dict[str, int]:
        """The same behind PgBouncer in transaction mode, with half as many connections as threads."""
        bouncer = PgBouncer(pool_size=threads // 2)
        try:
            with bouncer.before(*(alias for alias in ("default", "cell_1") if alias in settings.DATABASES)):
                return self.reads(threads, tenants, count)
        finally:
            bouncer.stop()

    def reads(self, threads: int, tenants: int, count: int) -> dict[str, int]:
        """Reads from several threads; how many showed another tenant's rows, and how many failed."""
        found = {"reads": 0, "wrong_tenant": 0, "errors": 0}
        lock = threading.Lock()

        def read() -> None:
            chance = random.Random()
            for _ in range(count // threads):
                number = chance.randrange(tenants)
                try:
                    with self.system.working_for(number):
                        names = list(Department.objects.values_list("name", flat=True))
                    kind = (
                        "reads"
                        if all(n.startswith(f"{systems.host_of(number)} ") for n in names)
                        else "wrong"
                    )
                    kind = kind if len(names) == systems.MARKS else "wrong"
                except Exception:
                    kind = "errors"
                with lock:
                    found["reads"] += 1
                    if kind != "reads":
                        found["wrong_tenant" if kind == "wrong" else "errors"] += 1
            connections.close_all()

        running = [threading.Thread(target=read) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return found


def request(path: str, host: str) -> dict[str, Any]:
    """A WSGI environment."""
    return {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "HTTP_HOST": host, "wsgi.input": BytesIO(), "wsgi.errors": BytesIO(), "wsgi.url_scheme": "http",
    }  # fmt: skip


def call(application: WSGIHandler, environment: dict[str, Any]) -> None:
    """Answer one request and look whether it was answered well."""
    statuses: list[str] = []

    def start(status: str, headers: list[tuple[str, str]], error: Any = None, /) -> Callable[[bytes], object]:
        statuses.append(status)
        return lambda data: None

    response = application(environment, start)
    body = b"".join(response)
    response.close()
    if statuses[0] != "200 OK" or body == b"0":
        raise RuntimeError(f"{environment['HTTP_HOST']}: {statuses[0]} {body[:300]!r}")


def main() -> None:
    """Serve commands until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the systems print is none of the parent's business
    worker = Worker()
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer: dict[str, Any] = {"result": getattr(worker, name)(**arguments)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
