"""Every error of the API is a problem document."""

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from tenants.foundation.api import StrictJSONParser, problem_handler
from tenants.foundation.crypto import CryptoError
from tenants.foundation.errors import (
    Conflict,
    DomainError,
    ExternalServiceError,
    Forbidden,
    InvalidInput,
    LimitReached,
    NotFound,
)


def answer(error: Exception, method: str = "post", data: Any = None) -> Response:
    class View(APIView):
        authentication_classes = ()
        permission_classes = ()
        parser_classes = (StrictJSONParser,)

        def handle(self, request: Any) -> Response:
            raise error

        get = post = handle

    request = getattr(APIRequestFactory(), method)(
        "/api/v1/things/", data or {}, format="json" if method == "post" else None
    )
    request.request_id = "req-12345678"
    response = View.as_view()(request)
    response.render()
    return response


def body(response: Response) -> dict[str, Any]:
    assert response["Content-Type"] == "application/problem+json"
    parsed: dict[str, Any] = json.loads(response.content)
    assert parsed["status"] == response.status_code
    assert parsed["instance"] == "/api/v1/things/"
    assert parsed["request_id"] == "req-12345678"
    assert parsed["title"]
    assert parsed["type"] == f"urn:nts:problem:{parsed['code']}"
    return parsed


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound(), 404, "not_found"),
        (Forbidden(), 403, "forbidden"),
        (InvalidInput(), 422, "invalid_input"),
        (Conflict("Done already.", code="tasks.already_done"), 409, "tasks.already_done"),
        (LimitReached(), 429, "limit_reached"),
        (ExternalServiceError(service="Notion", is_transient=True), 502, "external_service_error"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (SuspiciousOperation("x"), 400, "malformed_request"),
        (exceptions.ParseError(), 400, "malformed_request"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.UnsupportedMediaType("text/x"), 415, "unsupported_media_type"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (exceptions.Throttled(), 429, "limit_reached"),
        (DjangoValidationError("x"), 422, "invalid_input"),
        (exceptions.ValidationError("x"), 422, "invalid_input"),
    ],
)
def test_each_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    found = body(answer(error))
    assert (found["status"], found["code"]) == (status, code)


def test_the_sentence_of_a_domain_error_reaches_the_caller() -> None:
    assert body(answer(Conflict("This task is already done.")))["detail"] == "This task is already done."


def test_what_is_not_meant_for_callers_tells_them_nothing() -> None:
    for error in (CryptoError("key k1 is missing"), DomainError("inside")):
        found = body(answer(error))
        assert found["status"] == 500
        assert "k1" not in json.dumps(found)
        assert "inside" not in json.dumps(found)


def test_an_unknown_exception_is_left_to_become_a_crash() -> None:
    assert problem_handler(ZeroDivisionError(), {"request": None}) is None


def test_waiting_is_told_in_whole_seconds_rounded_up() -> None:
    assert answer(LimitReached(retry_after_seconds=1.2))["Retry-After"] == "2"
    assert answer(LimitReached(retry_after_seconds=0))["Retry-After"] == "1"
    assert "Retry-After" not in answer(LimitReached())


def test_fields_become_pointers_into_the_body() -> None:
    found = body(answer(InvalidInput(fields={"title": ["Too long.", "Too dull."], "a/b~c": ["No."]})))
    assert found["errors"] == [
        {"detail": "Too long.", "pointer": "/title"},
        {"detail": "Too dull.", "pointer": "/title"},
        {"detail": "No.", "pointer": "/a~1b~0c"},
    ]


def test_errors_of_nested_values_point_to_the_very_place() -> None:
    detail: Any = {
        "items": [{}, {"name": [exceptions.ErrorDetail("Required.", "required")]}],
        "tags": {0: [exceptions.ErrorDetail("Bad.", "bad")]},
        "non_field_errors": ["All wrong."],
    }
    found = body(answer(exceptions.ValidationError(detail)))
    assert {(each["pointer"], each["detail"]) for each in found["errors"]} == {
        ("/items/1/name", "Required."),
        ("/tags/0", "Bad."),
        ("", "All wrong."),
    }
    assert found["errors"][0]["code"] == "required"


def test_when_reading_the_parameter_is_named() -> None:
    found = body(answer(InvalidInput(fields={"page_size": ["1 to 100."]}), method="get"))
    assert found["errors"] == [{"detail": "1 to 100.", "parameter": "page_size"}]
