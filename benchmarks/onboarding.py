"""How long each answer of a sign-up takes, and how long a company takes from being asked for to being ready.

A web server, a dispatcher and a worker run as the product starts them, all on this machine, with spare schemas as by
default. Companies come one after the other, and then four at a time. Every call is a request of its own over
loopback; the code is worked out from the sign-up instead of being read in a letter. A company is ready when its
operation says so and its owner's first token is answered by its own host; asking again every 20 ms is part of the time.
"""

import json
import os
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connections

from benchmarks.results import milliseconds, percentile, save
from tenants.foundation.platform import PLATFORM_SLUG
from tenants.lifecycle.onboarding import onboard_tenant
from tenants.lifecycle.signups.proofs import code_of
from tenants.models import Signup, Tenant
from tenants.tenancy.addresses import host_of_slug
from tenants.tenancy.preparing import prepare
from tests.companies import drop_company
from tests.faults.processes import Processes

COMPANIES, AT_ONCE = 24, 4
ANSWER_LIMIT_MS, READY_LIMIT_SECONDS = 200.0, 2.0
PATIENCE_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.02


class Newcomer:
    """Somebody who makes one company; remembers how long each answer took, by name."""

    def __init__(self, port: int, number: int, answers: dict[str, list[float]]) -> None:
        self.slug = f"bench-on-{os.getpid()}-{number}"
        self.ready_seconds, self.signup = 0.0, UUID(int=0)
        self._port, self._number, self._answers = port, number, answers
        self._token = ""

    def comes_in(self) -> None:
        """From the first call to the first answer of the own company. Raises: RuntimeError, TimeoutError."""
        platform = host_of_slug(PLATFORM_SLUG)
        begun = self._call(
            "POST signups", platform, "/api/v1/signups/", {"email": f"ann@{self.slug}.example"}
        )
        self.signup = UUID(begun["id"])
        proof = {"code": code_of(self.signup)}
        self._token = self._call("POST verify", platform, f"/api/v1/signups/{begun['id']}/verify/", proof)[
            "token"
        ]
        company = {
            "slug": self.slug, "name": "Bench", "owner_name": "Ann Made-Up",
            "owner_password": "four unrelated words here",
        }  # fmt: skip
        asked_at = time.perf_counter()
        operation = self._call("POST tenants", platform, "/api/v1/tenants/", company)
        while operation["state"] != "succeeded":
            if time.perf_counter() - asked_at > PATIENCE_SECONDS or operation["state"] == "failed":
                raise TimeoutError(f"The company is not ready: {operation}")
            time.sleep(LOOK_EVERY_SECONDS)
            operation = self._call("GET operations", platform, f"/api/v1/operations/{operation['id']}/")
        issued = self._call("POST api-token", platform, f"/api/v1/signups/{begun['id']}/api-token/", {})
        self._token = issued["token"]
        own = host_of_slug(self.slug)
        self._call("GET me", own, "/api/v1/me/")
        self.ready_seconds = time.perf_counter() - asked_at
        invited = {"email": f"ben@{self.slug}.example", "role": "member"}
        self._call("POST invitations", own, "/api/v1/invitations/", invited)

    def _call(self, name: str, host: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {
            "Host": host, "Content-Type": "application/json", "Idempotency-Key": uuid4().hex,
            # Each comes from a network of its own; the server trusts one proxy.
            "X-Forwarded-For": f"198.18.{self._number}.7",
        }  # fmt: skip
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        started = time.perf_counter()
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(name.partition(" ")[0], path, data, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        self._answers[name].append(time.perf_counter() - started)
        if answer.status >= 300:
            raise RuntimeError(f"{name}: {answer.status} {text[:300]!r}")
        found: dict[str, Any] = json.loads(text)
        return found


@contextmanager
def platform_tenant() -> Iterator[None]:
    """The platform's own host; left there if it was."""
    if Tenant.objects.filter(slug=PLATFORM_SLUG).exists():
        yield
        return
    onboard_tenant(
        slug=PLATFORM_SLUG, name="Platform", owner_email="ops@bench.example", owner_name="Ops Made-Up",
        owner_password=uuid4().hex,
    )  # fmt: skip
    try:
        yield
    finally:
        drop_company(Tenant.objects.get(slug=PLATFORM_SLUG))


def measure(port: int, first: int, at_once: int) -> dict[str, Any]:
    """So many companies in turn, `at_once` of them at a time."""
    answers: dict[str, list[float]] = defaultdict(list)
    newcomers = [Newcomer(port, first + number, answers) for number in range(COMPANIES)]
    waiting = iter(newcomers)
    turn = threading.Lock()

    def work() -> None:
        while True:
            with turn:
                newcomer = next(waiting, None)
            if newcomer is None:
                return
            newcomer.comes_in()

    threads = [threading.Thread(target=work) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for newcomer in newcomers:
        if row := Tenant.objects.filter(slug=newcomer.slug).first():
            drop_company(row)
    Signup.objects.filter(pk__in=[each.signup for each in newcomers]).delete()
    ready = [each.ready_seconds for each in newcomers]
    if not all(ready):
        raise RuntimeError("Not every company came in; what stopped it stands above.")
    p95 = {name: milliseconds(percentile(seconds, 0.95)) for name, seconds in answers.items()}
    return {
        "companies": COMPANIES,
        "at_once": at_once,
        "answers_p50_ms": {name: milliseconds(percentile(each, 0.5)) for name, each in answers.items()},
        "answers_p95_ms": p95,
        "answers_within_the_limit": max(p95.values()) <= ANSWER_LIMIT_MS,
        "ready_seconds": {
            "median": round(percentile(ready, 0.5), 3),
            "p95": round(percentile(ready, 0.95), 3),
            "max": round(max(ready), 3),
        },
        "ready_within_the_limit": max(ready) <= READY_LIMIT_SECONDS,
    }


def main() -> None:
    prepare()
    with tempfile.TemporaryDirectory() as logs, platform_tenant():
        environment = {
            "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE, "SIGN_UPS": "open", "TRUSTED_PROXIES": "1",
            "EMAIL_URL": "console:",
        }  # fmt: skip
        processes = Processes(Path(logs), environment)
        try:
            _web, port = processes.site()
            figures = {
                "one_after_the_other": measure(port, 0, 1),
                "four_at_a_time": measure(port, 100, AT_ONCE),
            }
        finally:
            processes.stop_all()
            connections.close_all()
    save("onboarding", (__doc__ or "").strip(), figures)
    print(json.dumps(figures, indent=2))
