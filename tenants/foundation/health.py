"""`/healthz`, `/readyz` and `/metrics`, answered before anything asks which company a host belongs to."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog
from django.conf import settings
from django.core.cache import caches
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django.http.response import HttpResponseBase
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

log = structlog.get_logger(__name__)

type Check = Callable[[], None]
# Less than a probe waits for its answer.
PATIENCE_SECONDS = 0.5
# What is read at a scrape and not counted in a process: wanted beside the processes' own metrics, too.
extra_collectors: list[Collector] = []


class NotReady(Exception):
    """A check failed; its text is for the log."""


class Attempt:
    """One run of a check in a thread of its own: what it asks may be gone without a word, and take long to say so."""

    def __init__(self, name: str, check: Check) -> None:
        self._name, self._check, self.has_passed = name, check, False
        self.thread = threading.Thread(target=self._run, name=f"check-{name}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.has_passed = _passes(self._name, self._check)


class Checks:
    """The named checks of readiness. A check returns when all is well and raises when it is not.

    Every check must pass but those of a group, of which one is enough: a process that can serve some companies is
    kept. They run side by side, and one that has not passed within half a second counts as failed.
    """

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._groups: dict[str, str] = {}
        self._attempts: dict[str, Attempt] = {}
        self._lock = threading.Lock()

    def register(self, name: str, check: Check, *, group: str = "") -> None:
        """Add a check, or replace the one of that name."""
        with self._lock:
            self._checks[name] = check
            self._groups[name] = group

    def run(self) -> dict[str, bool]:
        """Run every check; a failure is logged with its reason, which the caller does not get to see."""
        with self._lock:
            checks = dict(self._checks)
            attempts = {name: self._attempt(name) for name in checks if self._groups[name]}
        results = {name: _passes(name, check) for name, check in checks.items() if name not in attempts}
        deadline = time.monotonic() + PATIENCE_SECONDS
        for name, attempt in attempts.items():
            attempt.thread.join(max(0.0, deadline - time.monotonic()))
            results[name] = attempt.has_passed
        return {name: results[name] for name in checks}

    def is_ready(self, results: Mapping[str, bool]) -> bool:
        """Whether these results are enough to serve with."""
        groups: dict[str, bool] = {}
        for name, is_ok in results.items():
            group = self._groups.get(name) or name
            groups[group] = groups.get(group, False) or is_ok
        return all(groups.values())

    def _attempt(self, name: str) -> Attempt:
        """A new one, unless the last is still at it."""
        attempt = self._attempts.get(name)
        if attempt is None or not attempt.thread.is_alive():
            attempt = self._attempts[name] = Attempt(name, self._checks[name])
        return attempt


def _passes(name: str, check: Check) -> bool:
    try:
        check()
    # Whatever a check raises means "not ready".
    except Exception as error:
        log.warning("readiness.failed", check=name, reason=f"{type(error).__name__}: {error}")
        return False
    return True


readiness = Checks()


def check_database(alias: str) -> None:
    """Ask a database for a sign of life. Raises: NotReady, or the database's own error."""
    connection = connections[alias]
    connection.ensure_connection()
    if connection.is_usable():
        return
    # It may have died while nobody used it, as each thread's does when the server restarts: a new one decides.
    connection.close()
    connection.ensure_connection()
    if not connection.is_usable():
        connection.close()
        msg = f"The database {alias} does not answer."
        raise NotReady(msg)


def check_cell(alias: str) -> None:
    """Ask a cell for a sign of life, in a thread that ends with it. Raises: NotReady, or the database's own error."""
    try:
        check_database(alias)
    finally:
        connections[alias].close()


def check_cache() -> None:
    """Write to the cache and read it back. Raises: NotReady, or the cache's own error."""
    cache = caches["platform"]
    cache.set("readiness", "yes", timeout=10)
    if cache.get("readiness") != "yes":
        msg = "The cache does not keep what it is given."
        raise NotReady(msg)


class HealthMiddleware:
    """Answers the three paths of the machinery, whatever the host: probes and scrapers come by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._answers = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a probe, pass everything else on."""
        answer = self._answers.get(request.path_info)
        if answer is None or request.method not in {"GET", "HEAD"}:
            return self._get_response(request)
        response = answer(request)
        response["Cache-Control"] = "no-store"
        return response


def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that the process lives. It asks nobody: a failing database must not restart the web servers."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


def readyz(_request: HttpRequest) -> HttpResponse:
    """Say whether the process can serve: 200 or 503, with each check; of the cells one is enough."""
    results = readiness.run()
    checks = {name: "ok" if is_ok else "failed" for name, is_ok in results.items()}
    is_ready = readiness.is_ready(results)
    body = {"status": "ready" if is_ready else "not_ready", "checks": checks}
    return JsonResponse(body, status=200 if is_ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Give the metrics to a scraper inside; a request that came through the front proxy finds nothing."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return HttpResponseNotFound()
    directory = getattr(settings, "PROMETHEUS_MULTIPROC_DIR", "")
    registry = REGISTRY
    if directory and Path(directory).is_dir():
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]
        for collector in extra_collectors:
            registry.register(collector)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
