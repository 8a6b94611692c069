"""Liveness, readiness and metrics, whatever the host."""

import json

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from tenants.foundation import health
from tenants.foundation.health import Checks, HealthMiddleware, NotReady


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


def test_metrics_are_given_to_a_scraper_inside_only() -> None:
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
