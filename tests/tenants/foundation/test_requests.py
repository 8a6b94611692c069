"""Every request has an id, a line and a measurement."""

import re
from typing import Any

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from prometheus_client import REGISTRY
from pytest_django import Settings
from structlog.testing import capture_logs

from tenants.foundation.requests import RequestIdMiddleware


def ask(path: str = "/x/", **headers: str) -> tuple[HttpRequest, HttpResponse]:
    request = RequestFactory().get(path, headers=headers)
    response = RequestIdMiddleware(lambda _: HttpResponse("ok"))(request)
    assert isinstance(response, HttpResponse)
    return request, response


def test_a_request_gets_an_id_and_the_answer_tells_it() -> None:
    request, response = ask()
    assert re.fullmatch(r"[0-9a-f-]{36}", request.request_id)  # type: ignore[attr-defined]
    assert response["X-Request-ID"] == request.request_id  # type: ignore[attr-defined]


def test_a_well_formed_id_of_the_caller_is_kept() -> None:
    assert ask(x_request_id="front-proxy.4711")[1]["X-Request-ID"] == "front-proxy.4711"


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space here", "line\nbreak-id", "<script>alert"])
def test_any_other_id_is_replaced(given: str) -> None:
    assert ask(x_request_id=given)[1]["X-Request-ID"] != given


def test_what_the_last_request_of_the_thread_bound_is_gone() -> None:
    structlog.contextvars.bind_contextvars(user="somebody else")
    seen: dict[str, Any] = {}

    def view(_: HttpRequest) -> HttpResponse:
        seen.update(structlog.contextvars.get_contextvars())
        return HttpResponse()

    RequestIdMiddleware(view)(RequestFactory().get("/"))
    assert set(seen) == {"request_id"}


@pytest.mark.parametrize("path", ["/x/?q=a%00b", "/x/%00/"])
def test_a_nul_character_in_the_address_is_a_bad_request(path: str) -> None:
    _, response = ask(path)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"


def test_a_body_longer_than_the_limit_is_refused_before_anything_reads_it(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    reached: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        reached.append(request)
        return HttpResponse()

    file = (
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
        + b"a" * 200
        + b"\r\n--x--\r\n"
    )
    for body, status in ((file, 413), (b"a" * 101, 413), (b"a" * 100, 200)):
        request = RequestFactory().generic(
            "POST", "/x/", body, content_type="multipart/form-data; boundary=x"
        )
        assert RequestIdMiddleware(view)(request).status_code == status
    assert [request.META["CONTENT_LENGTH"] for request in reached] == ["100"]


@pytest.mark.parametrize("slash", ["/", ""])
def test_keys_in_addresses_are_hidden_in_answers_that_come_before_any_view(slash: str) -> None:
    path = f"/hooks/notion/a-key-of-some-company{slash}"
    with capture_logs() as lines:
        RequestIdMiddleware(lambda _: HttpResponse(status=503))(RequestFactory().post(path))
    assert [line["path"] for line in lines] == [f"/hooks/notion/***{slash}"]


def test_requests_are_counted_by_route_and_status(database: None) -> None:
    labels = {"method": "GET", "route": "unmatched", "status": "2xx"}
    before = REGISTRY.get_sample_value("nts_http_requests_total", labels) or 0.0
    ask()
    assert REGISTRY.get_sample_value("nts_http_requests_total", labels) == before + 1


def test_an_invented_method_makes_no_series_of_its_own(database: None) -> None:
    request = RequestFactory().generic("BREW", "/pot/")
    RequestIdMiddleware(lambda _: HttpResponse())(request)
    assert REGISTRY.get_sample_value(
        "nts_http_requests_total", {"method": "OTHER", "route": "unmatched", "status": "2xx"}
    )
    assert not REGISTRY.get_sample_value(
        "nts_http_requests_total", {"method": "BREW", "route": "unmatched", "status": "2xx"}
    )
