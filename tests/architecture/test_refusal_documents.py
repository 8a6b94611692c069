"""Whatever refuses a program, and however far outside: a directory reads SCIM's error documents, others problems."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from tenants.accounts.access import UserActor
from tenants.accounts.models import ScimDirectory
from tenants.accounts.tokens.services import create_api_token
from tenants.tenancy import TenantRef
from tenants.tenancy.directory import directory as hosts
from tests.architecture.test_scim_routes import directory_of

SCIM, API = "/scim/v2", "/api/v1"
# Door → (an address of a list, its media type).
DOORS = {SCIM: ("/Users", "application/scim+json"), API: ("/departments/", "application/json")}
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
FORM = "application/x-www-form-urlencoded"
Ask = Callable[..., Any]


@pytest.fixture(params=list(DOORS), ids=["scim", "api"])
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ask(door: str, host: str, tenant: TenantRef, owner: UserActor) -> Ask:
    """Asks at the door as somebody who may; returns the answer when it has the door's own form."""
    client = Client(raise_request_exception=False)
    listed, kind = DOORS[door]
    if door == SCIM:
        _directory, key = directory_of(tenant)
    else:
        key = create_api_token(actor=owner, name="All", scopes=sorted(owner.codes)).token.reveal()

    def asked(
        method: str = "GET",
        path: str | None = None,
        body: bytes = b"",
        *,
        content_type: str = kind,
        **headers: str,
    ) -> Any:
        sent = {"Host": host, "Authorization": f"Bearer {key}", "Accept": "text/html, */*"} | headers
        answer = client.generic(
            method, door + (listed if path is None else path), body, content_type=content_type, headers=sent
        )
        document = answer.json()
        if door == SCIM:
            assert answer.headers["Content-Type"].startswith("application/scim+json"), answer.content
            assert (document["schemas"], document["status"]) == ([ERROR], str(answer.status_code))
        else:
            assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.content
            assert document["status"] == answer.status_code
            assert document["code"]
        assert document["detail"]
        return answer

    return asked


@pytest.mark.parametrize("path", ["/%00", "/Users?filter=%00"])
def test_an_address_with_a_nul(ask: Ask, path: str) -> None:
    assert ask(path=path).status_code == 400


def test_a_body_that_is_too_large_for_anything(ask: Ask, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert ask("POST", body=b"a" * 101).status_code == 413


@pytest.mark.parametrize("name", ["nobody.example", "no host at all", ""])
def test_a_host_that_is_nobodys(ask: Ask, name: str) -> None:
    assert ask(Host=name).status_code == 404


@pytest.mark.parametrize("state", ["provisioning", "suspended", "pending_deletion", "moving", "read_only"])
def test_a_company_whose_doors_are_not_open(
    ask: Ask, state: str, tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "by_host", lambda _host: replace(tenant, state=state))
    answer = ask("POST", body=b"{}")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_form_with_a_nul(ask: Ask) -> None:
    assert ask("POST", body=b"a=%00", content_type=FORM).status_code == 400


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("POST", b"{", 400), ("POST", b'{"a": NaN}', 400), ("POST", b'{"a": 1, "a": 2}', 400), ("POST", b"\xff", 400),
        ("POST", b"[" * 5_000 + b"]" * 5_000, 400), ("TRACE", b"", 405), ("DELETE", b"", 405),
    ],
    ids=["cut off", "no number", "twice", "no text", "deep", "unknown method", "other method"],
)  # fmt: skip
def test_a_message_that_is_none(ask: Ask, method: str, body: bytes, status: int) -> None:
    answer = ask(method, body=body)
    assert answer.status_code == status
    assert status != 405 or "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", FORM])
def test_a_form_nobody_reads_here(ask: Ask, kind: str) -> None:
    assert ask("POST", body=b"a=b", content_type=kind).status_code == 415


def test_an_address_that_is_none(ask: Ask) -> None:
    assert ask(path="/nothing/at/all").status_code == 404
    assert ask("POST", path="/nothing/at/all", body=b"{}").status_code == 404


def test_no_key_and_a_wrong_one(ask: Ask) -> None:
    for value in ("", "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer \u00e9"):
        answer = ask(Authorization=value)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("error", "status"),
    [(OperationalError("away"), 503), (RuntimeError("ours"), 500), (SuspiciousOperation("odd"), 400)],
)
def test_what_goes_wrong_on_our_side_says_nothing_of_it(
    ask: Ask, error: Exception, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr("rest_framework.views.APIView.initial", broken)
    answer = ask()
    assert answer.status_code == status
    assert str(error).encode() not in answer.content


@pytest.mark.parametrize("door", [SCIM], indirect=True)
def test_a_directory_that_asks_too_often(ask: Ask) -> None:
    ScimDirectory.objects.update(requests_per_minute=0)
    answer = ask()
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
