"""The Prometheus metrics of the ground floor, and the middleware that times requests."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter, Histogram

_LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

HTTP_REQUESTS = Counter(
    "nts_http_requests_total", "Requests answered, by route and status class.", ["method", "route", "status"]
)
HTTP_SECONDS = Histogram(
    "nts_http_request_seconds", "Time to answer a request.", ["method", "route"], buckets=_LATENCY_BUCKETS
)
OUTBOUND_CALLS = Counter(
    "nts_outbound_calls_total", "Calls to outside services, by status or failure.", ["service", "outcome"]
)
OUTBOUND_SECONDS = Histogram(
    "nts_outbound_call_seconds", "Time of calls to outside services.", ["service"], buckets=_LATENCY_BUCKETS
)
SIGN_INS = Counter("nts_sign_ins_total", "Attempts to sign in, by outcome.", ["outcome"])
AUTHORISATION_DENIALS = Counter(
    "nts_authorisation_denials_total", "Refused actions, by permission.", ["code"]
)
LOG_EVENTS = Counter("nts_log_events_total", "Log lines written, by level.", ["level"])

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class MetricsMiddleware:
    """Counts and times requests by route: the URL pattern, so that ids do not multiply the series."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = self._get_response(request)
        match = request.resolver_match
        route = match.route if match is not None else "unmatched"
        method = request.method if request.method in _METHODS else "OTHER"
        HTTP_REQUESTS.labels(method=method, route=route, status=f"{response.status_code // 100}xx").inc()
        HTTP_SECONDS.labels(method=method, route=route).observe(time.perf_counter() - started)
        return response
