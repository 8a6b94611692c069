"""Errors of the domain become pages, or toasts for fragments; everything else stays a crash."""

import json
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.test import Client, RequestFactory
from django.urls import reverse

from tenants.accounts.access import UserActor
from tenants.foundation.errors import Conflict, DomainError, Forbidden, InvalidInput, LimitReached, NotFound
from tenants.foundation.ids import uuid7
from tenants.foundation.problem_pages import DomainErrorMiddleware
from tenants.tenancy import TenantRef
from tests.people import signed_in_client


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


# --- methods an address does not know


def test_an_address_for_forms_says_so_to_who_opens_it(host: str, owner: UserActor) -> None:
    answer = signed_in_client(host, owner).get(reverse("accounts:remove_scim_directory", args=[uuid7()]))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    page = answer.content.decode()
    assert "<h1>This address is not for reading</h1>" in page
    assert '<a class="button primary" href="/">' in page


def test_a_fragment_is_told_by_a_toast_and_a_program_by_a_problem(tenant: TenantRef) -> None:
    def behind(_: HttpRequest) -> HttpResponse:
        return HttpResponseNotAllowed(["POST"], headers={"X-Kept": "yes"})

    middleware = DomainErrorMiddleware(behind)
    fragment = middleware(RequestFactory().get("/tasks/", headers={"HX-Request": "true"}))
    assert isinstance(fragment, HttpResponse)
    assert (fragment.status_code, fragment.content, fragment["Allow"], fragment["X-Kept"]) == (
        405, b"", "POST", "yes",
    )  # fmt: skip
    assert "Load the page again" in fragment["HX-Trigger"]
    program = middleware(RequestFactory().get("/hooks/notion/x/"))
    assert isinstance(program, HttpResponse)
    assert (program.status_code, program["Allow"]) == (405, "POST")
    assert json.loads(program.content)["code"] == "method_not_allowed"


def test_what_has_words_of_its_own_keeps_them() -> None:
    answer = DomainErrorMiddleware(lambda _: HttpResponseNotAllowed(["POST"], "Own words"))(
        RequestFactory().get("/")
    )
    assert isinstance(answer, HttpResponse)
    assert answer.content == b"Own words"


def test_a_browser_with_a_broken_request_reads_a_page(host: str) -> None:
    answer = Client(headers={"host": host, "accept": "text/html"}).get("/tasks/?q=%00")
    assert answer.status_code == 400
    assert b"<h1>Bad Request</h1>" in answer.content
