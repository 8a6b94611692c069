"""Errors of the domain become pages, or toasts for fragments; everything else stays a crash."""

import json
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from tenants.foundation.errors import Conflict, DomainError, Forbidden, InvalidInput, LimitReached, NotFound
from tenants.foundation.problem_pages import DomainErrorMiddleware
from tenants.tenancy import TenantRef


def handle(error: Exception, path: str = "/tasks/", **headers: str) -> HttpResponse | None:
    request: Any = RequestFactory().get(path, headers=headers)
    request.user = None

    def behind(_: HttpRequest) -> HttpResponse:
        return HttpResponse()

    return DomainErrorMiddleware(behind).process_exception(request, error)


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFound(), 404), (Forbidden(), 403), (LimitReached(), 429), (InvalidInput(), 422), (Conflict(), 409)],
)
def test_each_error_has_its_page(tenant: TenantRef, error: DomainError, status: int) -> None:
    response = handle(error)
    assert response is not None
    assert response.status_code == status
    assert b"<h1>" in response.content


def test_the_sentence_of_a_conflict_is_on_the_page_escaped(tenant: TenantRef) -> None:
    response = handle(Conflict("Done by <b>Mia</b>."))
    assert response is not None
    assert b"Done by &lt;b&gt;Mia&lt;/b&gt;." in response.content


def test_a_fragment_gets_a_toast_and_swaps_nothing(tenant: TenantRef) -> None:
    response = handle(Conflict("Already done."), hx_request="true")
    assert response is not None
    assert response["HX-Reswap"] == "none"
    assert json.loads(response["HX-Trigger"])["toast"]["text"] == "Already done."


@pytest.mark.parametrize("error", [ValueError("x"), DomainError("inside")])
def test_what_is_not_meant_for_people_stays_a_crash(error: Exception) -> None:
    assert handle(error) is None


def test_the_api_answers_for_itself() -> None:
    assert handle(NotFound(), path="/api/v1/tasks/") is None
