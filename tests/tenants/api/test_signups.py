"""Signing up by the API alone: an address is proved, a company made, and its owner's first token handed over."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connections
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings
from rest_framework.test import APIClient

from tenants.lifecycle.signups import proofs, services
from tenants.lifecycle.signups.services import SEND_CODE
from tenants.models import Domain, Operation, Signup, Tenant
from tenants.tenancy import TenantRef, tenant_scope
from tenants.tenancy.directory import directory
from tests.companies import create_company, drop_company
from tests.fakes.dispatch import run_due_work

EMAIL = "ann@acme.example"
COMPANY = {
    "slug": "acme-works", "name": "Acme", "owner_name": "Ann Made-Up", "owner_password": "four unrelated words here",
}  # fmt: skip


@pytest.fixture(autouse=True)
def is_open(settings: Settings) -> None:
    settings.SIGN_UPS_ARE_OPEN = True


@pytest.fixture
def stranger(platform: TenantRef) -> APIClient:
    """A program nobody knows, at the platform's host."""
    return APIClient(headers={"host": Domain.objects.get(tenant_id=platform.id).host})


def post(client: APIClient, path: str, body: dict[str, Any] | None = None, /, **headers: str) -> Any:
    keyed = {"Idempotency-Key": uuid4().hex} | headers
    return client.post(f"/api/v1/{path}", body or {}, headers=keyed)


def begin(client: APIClient, email: str = EMAIL) -> str:
    answer = post(client, "signups/", {"email": email})
    assert answer.status_code == 202, answer.json()
    return str(answer.json()["id"])


def code_in_the_letter(platform: TenantRef) -> str:
    run_due_work(platform, kind=SEND_CODE)
    found = re.search(r"\b\d{6}\b", str(mail.outbox[-1].body))
    assert found
    return found[0]


def prove(client: APIClient, platform: TenantRef) -> dict[str, str]:
    """Sign up as far as the token; the header that carries it."""
    signup = begin(client)
    answer = post(client, f"signups/{signup}/verify/", {"code": code_in_the_letter(platform)})
    assert answer.status_code == 200, answer.json()
    return {"Authorization": f"Bearer {answer.json()['token']}"}


# --- bad input


def test_where_the_door_is_closed_there_is_none(stranger: APIClient, settings: Settings) -> None:
    settings.SIGN_UPS_ARE_OPEN = False
    for path in ("signups/", f"signups/{uuid4()}/verify/", f"signups/{uuid4()}/api-token/", "tenants/"):
        assert post(stranger, path, {"email": EMAIL}).status_code == 404


def test_a_companys_own_host_takes_nobody_in(api: APIClient) -> None:
    assert post(api, "signups/", {"email": EMAIL}).status_code == 404


def test_a_call_without_an_idempotency_key_is_refused(stranger: APIClient) -> None:
    answer = stranger.post("/api/v1/signups/", {"email": EMAIL})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input.idempotency_key_missing")
    assert not Signup.objects.exists()


def test_a_key_is_good_for_one_body(stranger: APIClient) -> None:
    first = post(stranger, "signups/", {"email": EMAIL}, **{"Idempotency-Key": "one"})
    again = post(stranger, "signups/", {"email": EMAIL}, **{"Idempotency-Key": "one"})
    other = post(stranger, "signups/", {"email": "bea@acme.example"}, **{"Idempotency-Key": "one"})
    assert (first.json(), other.status_code) == (again.json(), 422)
    assert Signup.objects.count() == 1


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "ann@acme.example\r\nBcc: eve@evil.example", "a" * 250 + "@b.example"]
)
def test_what_is_no_address_is_refused(stranger: APIClient, email: str) -> None:
    assert post(stranger, "signups/", {"email": email}).status_code == 422
    assert not Signup.objects.exists()


def test_five_wrong_codes_end_a_sign_up_and_the_right_one_comes_too_late(
    stranger: APIClient, platform: TenantRef
) -> None:
    signup = begin(stranger)
    right = code_in_the_letter(platform)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    answers = [post(stranger, f"signups/{signup}/verify/", {"code": wrong}).json() for _ in range(5)]
    late = post(stranger, f"signups/{signup}/verify/", {"code": right})
    assert {answer["code"] for answer in answers} == {"signup.code_refused"}
    assert late.status_code == 422


def test_a_code_works_once_and_not_after_ten_minutes(stranger: APIClient, platform: TenantRef) -> None:
    first, second = begin(stranger), begin(stranger)
    code = proofs.code_of(Signup.objects.get(pk=first).pk)
    assert post(stranger, f"signups/{first}/verify/", {"code": code}).status_code == 200
    assert post(stranger, f"signups/{first}/verify/", {"code": code}).status_code == 422
    Signup.objects.filter(pk=second).update(code_expires_at=timezone.now())
    code = proofs.code_of(Signup.objects.get(pk=second).pk)
    assert post(stranger, f"signups/{second}/verify/", {"code": code}).status_code == 422


def test_an_unknown_sign_up_is_answered_like_a_wrong_code(stranger: APIClient) -> None:
    signup = begin(stranger)
    known, unknown = (
        post(stranger, f"signups/{each}/verify/", {"code": "000000"}).json() for each in (signup, uuid4())
    )
    assert (known["code"], known["detail"]) == (unknown["code"], unknown["detail"])


def test_an_address_asked_for_too_often_gets_the_same_answer_and_no_letter(
    stranger: APIClient, platform: TenantRef
) -> None:
    signups = [begin(stranger) for _ in range(services.MOST_LETTERS + 1)]
    run_due_work(platform, kind=SEND_CODE)
    assert len(mail.outbox) == services.MOST_LETTERS
    silent = Signup.objects.get(pk=signups[-1])
    code = proofs.code_of(silent.pk)
    assert post(stranger, f"signups/{silent.pk}/verify/", {"code": code}).status_code == 422


def test_one_network_signs_up_so_often_and_no_more(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_FROM_ONE_SOURCE", 2)
    begin(stranger, "a@acme.example")
    begin(stranger, "b@acme.example")
    refused = post(stranger, "signups/", {"email": "c@acme.example"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3600")


def test_a_whole_office_behind_one_address_signs_up_in_one_hour(
    stranger: APIClient, platform: TenantRef
) -> None:
    for number in range(30):
        begin(stranger, f"person{number}@acme.example")
    run_due_work(platform, kind=SEND_CODE)
    assert {letter.to[0] for letter in mail.outbox} == {f"person{n}@acme.example" for n in range(30)}


@pytest.mark.parametrize(
    ("first", "same", "another"),
    [
        ("198.51.100.7", "198.51.100.200", "198.51.101.7"),
        ("2001:db8:1:200::1", "2001:db8:1:2ff::9", "2001:db8:1:300::1"),
    ],
)
def test_neighbours_are_counted_together_and_strangers_apart(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch, first: str, same: str, another: str
) -> None:
    monkeypatch.setattr(services, "MOST_FROM_ONE_SOURCE", 1)
    statuses = []
    for number, address in enumerate((first, same, another)):
        stranger.defaults["REMOTE_ADDR"] = address
        statuses.append(post(stranger, "signups/", {"email": f"p{number}@acme.example"}).status_code)
    assert statuses == [202, 429, 202]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nts_signup_",
        "nts_signup_x_y",
        "nts_signup_019ab2c40a0070008000000000000002_guess",
        "nts_live_abc_def",
    ],
)
def test_who_has_proved_nothing_makes_no_company(stranger: APIClient, token: str) -> None:
    answer = post(stranger, "tenants/", COMPANY, Authorization=f"Bearer {token}")
    assert answer.status_code == 401
    assert not Operation.objects.exists()


def test_a_token_of_a_sign_up_opens_nothing_else(stranger: APIClient, platform: TenantRef) -> None:
    header = prove(stranger, platform)
    for path in ("operations/", "companies/", "me/", f"operations/{uuid4()}/"):
        assert stranger.get(f"/api/v1/{path}", headers=header).status_code in (401, 403, 404), path


@pytest.mark.parametrize(
    ("change", "status"),
    [({"slug": "Not a slug"}, 422), ({"slug": "admin"}, 422), ({"owner_password": "short"}, 422),
     ({"region": "the moon"}, 422), ({"slug": "platform"}, 409), ({"more": 1}, 422)],
)  # fmt: skip
def test_a_company_that_cannot_be_is_refused_before_anything_is_made(
    stranger: APIClient, platform: TenantRef, change: dict[str, Any], status: int
) -> None:
    header = prove(stranger, platform)
    answer = post(stranger, "tenants/", COMPANY | change, **header)
    assert answer.status_code == status, answer.json()
    assert not Operation.objects.exists()


def test_the_address_lies_in_no_table_in_the_clear(stranger: APIClient) -> None:
    begin(stranger)
    row = Signup.objects.get()
    assert EMAIL not in str(vars(row))
    assert proofs.open_address(row.pk, row.sealed_email) == EMAIL


def test_sign_ups_are_forgotten_after_a_week(stranger: APIClient) -> None:
    old, new = begin(stranger), begin(stranger)
    Signup.objects.filter(pk=old).update(created_at=timezone.now() - services.KEPT)
    assert services.forget_old_signups() == 1
    assert str(Signup.objects.get().pk) == new


# --- the whole path


def test_a_company_is_made_by_the_api_alone(
    databases: None, django_db_blocker: DjangoDbBlocker, settings: Settings
) -> None:
    with django_db_blocker.unblock():
        platform = create_company("platform", "Platform")
        try:
            with tenant_scope(platform.ref):
                _sign_up_and_look_around(platform)
        finally:
            connections.close_all()
            for each in Tenant.objects.filter(slug__in=["platform", COMPANY["slug"]]):
                drop_company(each)
            Signup.objects.all().delete()
            directory.forget()


def _sign_up_and_look_around(platform: Tenant) -> None:
    client = APIClient(headers={"host": Domain.objects.get(tenant=platform).host})
    header = prove(client, platform.ref)
    signup = Signup.objects.get()

    asked = post(client, "tenants/", COMPANY, **header)
    assert asked.status_code == 202, asked.json()
    early = post(client, f"signups/{signup.pk}/api-token/", None, **header)
    assert (early.status_code, early.json()["code"]) == (409, "signup.not_ready")
    again = post(client, "tenants/", COMPANY, **header)
    assert again.json()["id"] == asked.json()["id"], "asked twice, made once"
    other = post(client, "tenants/", COMPANY | {"slug": "acme-two"}, **header)
    assert (other.status_code, other.json()["code"]) == (409, "signup.is_used")

    run_due_work(platform.ref)
    done = client.get(asked.headers["Location"], headers=header)
    assert done.json()["state"] == "succeeded", done.json()
    first = post(client, f"signups/{signup.pk}/api-token/", None, **header)
    assert first.status_code == 201, first.json()
    assert post(client, f"signups/{signup.pk}/api-token/", None, **header).status_code == 409

    host = Domain.objects.get(tenant__slug=COMPANY["slug"]).host
    owner = APIClient(headers={"host": host, "authorization": f"Bearer {first.json()['token']}"})
    me = owner.get("/api/v1/me/").json()
    assert me["email"] == EMAIL
    assert first.json()["address"].split("://")[1].split(":")[0] == host
