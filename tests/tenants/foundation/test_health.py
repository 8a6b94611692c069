"""Liveness, readiness and metrics, whatever the host."""

import json
import threading
import time
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from tenants.foundation import health
from tenants.foundation.health import Checks, HealthMiddleware, NotReady
from tests.tenants.tenancy.absent_cell import cell_away


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    """Checks of this test only."""
    own = Checks()
    monkeypatch.setattr(health, "readiness", own)
    return own


def ask(path: str, method: str = "get", **headers: str) -> HttpResponse:
    def behind(_: HttpRequest) -> HttpResponse:
        return HttpResponse("behind", status=418)

    request = getattr(RequestFactory(), method)(path, headers={"host": "nobody.example", **headers})
    response = HealthMiddleware(behind)(request)
    assert isinstance(response, HttpResponse)
    return response


def test_a_living_process_says_ok_even_when_nothing_else_works(checks: Checks) -> None:
    checks.register("database", fail)
    assert (ask("/healthz").status_code, ask("/healthz").content) == (200, b"ok\n")


def test_ready_means_every_check_passes(checks: Checks) -> None:
    checks.register("database", lambda: None)
    response = ask("/readyz")
    assert (response.status_code, json.loads(response.content)["checks"]) == (200, {"database": "ok"})


def test_a_failing_check_is_named_without_its_reason(checks: Checks) -> None:
    checks.register("database", fail)
    checks.register("cache", lambda: None)
    response = ask("/readyz")
    assert response.status_code == 503
    assert json.loads(response.content) == {
        "status": "not_ready",
        "checks": {"database": "failed", "cache": "ok"},
    }
    assert b"host db-7" not in response.content


def test_metrics_are_given_to_a_scraper_inside_only(tenant: object) -> None:
    assert b"nts_http_requests_total" in ask("/metrics").content
    assert ask("/metrics", x_forwarded_for="203.0.113.9").status_code == 404


def test_answers_are_not_kept_by_caches() -> None:
    assert ask("/healthz")["Cache-Control"] == "no-store"


def test_other_paths_and_methods_go_on_to_the_product() -> None:
    assert ask("/healthz/x").status_code == 418
    assert ask("/healthz", "post").status_code == 418


def test_the_checks_of_database_and_cache_pass_on_the_real_ones(tenant: object) -> None:
    health.check_database("default")
    health.check_cache()


def fail() -> None:
    raise NotReady("host db-7 does not answer")


def test_of_a_group_one_that_passes_is_enough_and_the_others_are_named(checks: Checks) -> None:
    checks.register("default", lambda: None)
    checks.register("cell_1", lambda: None, group="cells")
    checks.register("cell_2", fail, group="cells")
    response = ask("/readyz")
    assert response.status_code == 200
    assert json.loads(response.content) == {
        "status": "ready",
        "checks": {"default": "ok", "cell_1": "ok", "cell_2": "failed"},
    }
    checks.register("cell_1", fail, group="cells")
    assert ask("/readyz").status_code == 503


def test_a_cell_that_says_nothing_holds_up_no_probe_and_is_asked_once(checks: Checks) -> None:
    asked: list[int] = []
    answer = threading.Event()

    def silent() -> None:
        asked.append(1)
        answer.wait(10)

    checks.register("cell_1", lambda: None, group="cells")
    checks.register("cell_2", silent, group="cells")
    started = time.monotonic()
    assert [ask("/readyz").status_code for _ in range(2)] == [200, 200]
    assert time.monotonic() - started < 3
    assert len(asked) == 1
    answer.set()
    checks._attempts["cell_2"].thread.join(5)
    assert json.loads(ask("/readyz").content)["checks"]["cell_2"] == "ok"


def test_with_a_cell_away_a_process_stays_ready_and_says_so(databases: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock(), cell_away("cell_2"):
        response = ask("/readyz")
    assert response.status_code == 200
    assert json.loads(response.content)["checks"] == {
        "default": "ok",
        "cell_1": "ok",
        "cell_2": "failed",
        "cache": "ok",
    }
