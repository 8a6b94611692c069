"""`/api/v1/me/` by token and by session."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.models import Domain
from tenants.tenancy import TenantRef
from tests.people import token_client

ME = "/api/v1/me/"


def test_a_token_tells_who_it_speaks_for(api: APIClient, owner: UserActor, tenant: TenantRef) -> None:
    body = api.get(ME).json()
    assert (body["id"], body["role"], body["company"]["slug"]) == (str(owner.user_id), "owner", tenant.slug)
    assert "accounts.invite_users" in body["permissions"]
    assert not [code for code in body["permissions"] if code.startswith("platform.")]


def test_a_session_works_too_and_its_changes_need_the_csrf_token(
    host: str, login_as: Any, member: UserActor
) -> None:
    client: Client = login_as(member)
    assert client.get(ME).json()["email"] == member.user.email
    client.handler.enforce_csrf_checks = True
    refused = client.patch(ME, {"name": "Mia"}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


def test_a_change_is_saved_and_answered(api: APIClient, owner: UserActor) -> None:
    body = api.patch(ME, {"language": "es", "theme": "dark"}).json()
    assert (body["language"], body["theme"], body["name"]) == ("es", "dark", owner.user.name)
    assert User.objects.get(pk=owner.user_id).language == "es"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"theme": "pink"}, "/theme"),
        ({"language": "xx"}, "/language"),
        ({"time_zone": "Nowhere/Town"}, "/time_zone"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 121}, "/name"),
        ({"name": ["x"]}, "/name"),
        ({"email": "x@x.example"}, "/email"),
        ({"role": "owner"}, "/role"),
    ],
)
def test_wrong_and_unknown_values_are_pointed_at(api: APIClient, change: Any, pointer: str) -> None:
    answer = api.patch(ME, change)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"name": "a\\u0000b"}', "application/json", 400),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b"[]", "application/json", 422),
        (b'{"name": "' + b"x" * 3_000_000 + b'"}', "application/json", 413),
    ],
)
def test_bodies_that_cannot_be_used_are_problems(
    api: APIClient, body: bytes, content_type: str, status: int
) -> None:
    answer = api.generic("PATCH", ME, body, content_type)  # type: ignore[arg-type]
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["request_id"]


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer x", "Bearer nts_live_" + "A" * 12, "Bearer é", "bearer  "]
)
def test_a_wrong_token_is_a_401_that_names_the_scheme(host: str, tenant: TenantRef, value: str) -> None:
    answer = APIClient(headers={"host": host}).get(ME, HTTP_AUTHORIZATION=value)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_token_is_not_helped_by_a_good_session(login_as: Any, member: UserActor) -> None:
    assert login_as(member).get(ME, headers={"authorization": "Bearer nonsense"}).status_code == 401


def test_a_token_of_another_company_is_unknown_here(
    host: str, owner: UserActor, other_tenant: TenantRef
) -> None:
    client = token_client(host, owner)
    other_host = Domain.objects.get(tenant_id=other_tenant.id).host
    assert client.get(ME).status_code == 200
    assert client.get(ME, headers={"host": other_host}).status_code == 401


def test_a_method_that_is_not_offered_is_a_problem(api: APIClient) -> None:
    assert api.delete(ME).json()["code"] == "method_not_allowed"
