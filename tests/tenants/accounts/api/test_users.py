"""People, departments, tokens and programs by API."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import ApiToken, IdempotencyRecord, User, UserSession
from tenants.accounts.selectors import actor_for
from tenants.tenancy import TenantRef
from tests.people import person, signed_in_client, token_client

USERS = "/api/v1/users/"
TOKENS = "/api/v1/api-tokens/"
PROGRAMS = "/api/v1/service-accounts/"


@pytest.fixture
def browser(host: str, admin: UserActor) -> Client:
    return signed_in_client(host, admin)


def send(client: Any, method: str, address: str, body: Any = None, **headers: str) -> Any:
    more = {"format": "json"} if isinstance(client, APIClient) else {"content_type": "application/json"}
    return getattr(client, method)(address, {} if body is None else body, headers=headers, **more)


# --- people


def test_people_are_listed_a_page_at_a_time_without_programs(
    browser: Client, host: str, member: UserActor, owner: UserActor
) -> None:
    send(browser, "post", PROGRAMS, {"name": "Robot", "role": "member"})
    first = browser.get(f"{USERS}?page_size=2").json()
    assert len(first["results"]) == 2
    second = browser.get(first["next"]).json()["results"]
    names = [each["name"] for each in (*first["results"], *second)]
    assert names == sorted(names)
    assert "Robot" not in names
    assert {each["role"] for each in second} | {each["role"] for each in first["results"]} == {
        "owner", "admin", "member",
    }  # fmt: skip


@pytest.mark.parametrize("path", ["", "deactivate/", "reactivate/", "role/"])
def test_nobody_is_found_under_a_strange_id(browser: Client, path: str) -> None:
    method = {"": "get", "role/": "put"}.get(path, "post")
    body = {"role": "guest"} if path == "role/" else None
    assert send(browser, method, f"{USERS}{uuid4()}/{path}", body).status_code == 404


def test_somebody_is_shut_out_and_let_in_again(browser: Client, host: str, member: UserActor) -> None:
    theirs = signed_in_client(host, member)
    program = token_client(host, member)
    assert send(browser, "post", f"{USERS}{member.user_id}/deactivate/").json()["is_active"] is False
    assert theirs.get("/api/v1/me/").status_code == 401
    assert program.get("/api/v1/me/").status_code == 401
    assert send(browser, "post", f"{USERS}{member.user_id}/reactivate/").json()["is_active"] is True
    assert program.get("/api/v1/me/").status_code == 401


def test_nobody_shuts_out_who_is_above_them_or_themselves(
    browser: Client, owner: UserActor, admin: UserActor
) -> None:
    assert send(browser, "post", f"{USERS}{owner.user_id}/deactivate/").status_code == 403
    assert send(browser, "post", f"{USERS}{admin.user_id}/deactivate/").status_code == 409


def test_a_role_is_changed_up_to_ones_own(browser: Client, member: UserActor) -> None:
    address = f"{USERS}{member.user_id}/role/"
    assert send(browser, "put", address, {"role": "manager"}).json()["role"] == "manager"
    assert send(browser, "put", address, {"role": "owner"}).status_code == 403
    assert send(browser, "put", address, {"role": "king"}).status_code == 422
    assert actor_for(User.objects.get(pk=member.user_id)).role is Role.MANAGER


def test_shutting_out_wants_a_proof(browser: Client, admin: UserActor, member: UserActor) -> None:
    old = timezone.now() - timedelta(hours=5)
    UserSession.objects.filter(user=admin.user).update(proved_at=old)
    answer = send(browser, "post", f"{USERS}{member.user_id}/deactivate/")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden.proof_needed")


def test_departments_are_made_once(browser: Client, host: str, member: UserActor) -> None:
    body = {"name": "Quality", "key": "qa"}
    made = send(browser, "post", "/api/v1/departments/", body)
    assert (made.status_code, made.json()["key"]) == (201, "QA")
    assert send(browser, "post", "/api/v1/departments/", body).json()["id"] == made.json()["id"]
    bad = send(browser, "post", "/api/v1/departments/", {"name": "Other", "key": "far too long"})
    assert bad.status_code == 422
    listed = signed_in_client(host, member).get("/api/v1/departments/").json()
    assert [each["name"] for each in listed] == ["Quality"]


# --- keys


def test_a_token_is_shown_once_and_works(browser: Client, host: str) -> None:
    body = {"name": "Nightly", "scopes": ["tasks.view"], "days": 7}
    made = send(browser, "post", TOKENS, body).json()
    program = APIClient(headers={"host": host, "authorization": f"Bearer {made['token']}"})
    assert program.get("/api/v1/me/").json()["permissions"] == ["tasks.view"]
    assert made["token"] not in browser.get(TOKENS).content.decode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "x", "scopes": []}, 422),
        ({"name": "", "scopes": ["tasks.view"]}, 422),
        ({"name": "x", "scopes": ["tasks.view"], "days": 366}, 422),
        ({"name": "x", "scopes": ["tasks.view"], "allowed_networks": ["nowhere"]}, 422),
        ({"name": "x", "scopes": ["company.delete"]}, 403),
        ({"name": "x", "scopes": ["no.such"]}, 403),
    ],
)
def test_a_bad_token_is_not_made(browser: Client, body: dict[str, Any], status: int) -> None:
    assert send(browser, "post", TOKENS, body).status_code == status
    assert not ApiToken.objects.exists()


def test_a_repeated_request_makes_one_token_and_keeps_it_from_readers_of_the_table(browser: Client) -> None:
    body = {"name": "Nightly", "scopes": ["tasks.view"]}
    first = send(browser, "post", TOKENS, body, **{"Idempotency-Key": "one"})
    again = send(browser, "post", TOKENS, body, **{"Idempotency-Key": "one"})
    assert first.json() == again.json()
    assert ApiToken.objects.count() == 1
    assert first.json()["token"] not in str(IdempotencyRecord.objects.values().get())
    other = send(browser, "post", TOKENS, {**body, "name": "Other"}, **{"Idempotency-Key": "one"})
    assert other.status_code == 422


def test_a_token_is_replaced_and_revoked(browser: Client, host: str, member: UserActor) -> None:
    made = send(browser, "post", TOKENS, {"name": "Nightly", "scopes": ["tasks.view"]}).json()
    new = send(browser, "post", f"{TOKENS}{made['id']}/rotate/", {"overlap_hours": 1}).json()
    assert new["replaces_id"] == made["id"]
    assert browser.delete(f"{TOKENS}{new['id']}/").status_code == 204
    program = APIClient(headers={"host": host, "authorization": f"Bearer {new['token']}"})
    assert program.get("/api/v1/me/").status_code == 401
    assert signed_in_client(host, member).delete(f"{TOKENS}{made['id']}/").status_code == 404


def test_a_program_is_let_in_with_a_role_and_keys_of_its_own(browser: Client, host: str) -> None:
    made = send(browser, "post", PROGRAMS, {"name": "Robot", "role": "member", "purpose": "Imports"}).json()
    key = send(
        browser, "post", f"{PROGRAMS}{made['id']}/tokens/", {"name": "Key", "scopes": ["tasks.view"]}
    ).json()
    program = APIClient(headers={"host": host, "authorization": f"Bearer {key['token']}"})
    assert program.get("/api/v1/me/").json()["name"] == "Robot"
    assert send(browser, "post", f"{PROGRAMS}{made['id']}/deactivate/").json()["is_active"] is False
    assert program.get("/api/v1/me/").status_code == 401
    assert send(browser, "post", PROGRAMS, {"name": "Boss", "role": "owner"}).status_code == 422


def test_a_key_made_with_a_key_is_no_wider_in_anything(
    host: str, admin: UserActor, tenant: TenantRef
) -> None:
    scopes = frozenset({"accounts.manage_service_accounts", *actor_for(admin.user).codes})
    parent = token_client(host, admin, scopes=scopes)
    ApiToken.objects.update(
        allowed_networks=["127.0.0.0/8"], expires_at=timezone.now() + timedelta(days=10, hours=1)
    )
    account = send(parent, "post", PROGRAMS, {"name": "Robot", "role": "member"}).json()
    address = f"{PROGRAMS}{account['id']}/tokens/"
    body = {"name": "Key", "scopes": ["tasks.view"], "days": 5}
    assert (
        send(parent, "post", address, {**body, "days": 11}).json()["code"] == "invalid_input.outlives_token"
    )
    wider = send(parent, "post", address, {**body, "allowed_networks": ["10.0.0.0/8"]})
    assert wider.json()["code"] == "invalid_input.wider_networks"
    assert send(parent, "post", address, body).json()["allowed_networks"] == ["127.0.0.0/8"]
    narrow = {**body, "allowed_networks": ["127.0.0.1/32"]}
    assert send(parent, "post", address, narrow).status_code == 201
    small = token_client(host, admin, scopes=frozenset({"accounts.manage_service_accounts"}))
    assert send(small, "post", address, {**body, "days": 1}).json()["code"] == "forbidden.scope_not_held"


def test_an_auditor_reads_who_is_here_and_makes_no_keys(host: str, tenant: TenantRef) -> None:
    auditor = signed_in_client(host, person(tenant, Role.AUDITOR, "Aud Auditor-Example"))
    assert auditor.get(USERS).status_code == 200
    assert send(auditor, "post", TOKENS, {"name": "x", "scopes": ["tasks.view"]}).status_code == 403
