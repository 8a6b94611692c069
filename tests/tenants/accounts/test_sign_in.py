"""Signing in and out at a company's door."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client

from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.accounts.sessions.resetting import RESET_LETTER_JOB, send_reset_letter
from tenants.models import Domain, WorkItem
from tenants.tenancy import TenantRef, cell_scope, tenant_scope
from tests.people import PASSWORD

SIGN_IN = "/account/sign-in/"


@pytest.fixture(autouse=True)
def _no_old_attempts(tenant: TenantRef) -> None:
    """Attempts are counted in the cache, which outlives a test."""
    cache.clear()


def try_to_sign_in(client: Client, email: str, password: str = PASSWORD, **data: str) -> Any:
    return client.post(SIGN_IN, {"login": email, "password": password, **data})


def visible(response: Any) -> str:
    """What a stranger can tell answers apart by: the page without one-time tokens and the typed address."""
    page = re.sub(r"\b[A-Za-z0-9]{64}\b", "", response.content.decode())
    return re.sub(r'value="[^"]*@[^"]*"', "", page)


def test_the_right_password_opens_the_door_in_any_case_of_the_address(
    stranger: Client, member: UserActor
) -> None:
    response = try_to_sign_in(stranger, member.user.email.upper())
    assert (response.status_code, response["Location"]) == (302, "/")
    assert stranger.get("/settings/preferences/").status_code == 200
    assert User.objects.get(pk=member.user_id).last_login is not None


def test_wrong_password_unknown_person_and_deactivated_person_are_answered_alike(
    stranger: Client, member: UserActor, guest: UserActor
) -> None:
    User.objects.filter(pk=guest.user_id).update(is_active=False)
    answers = [
        try_to_sign_in(stranger, member.user.email, "a wrong password"),
        try_to_sign_in(stranger, "nobody@north.example", "a wrong password"),
        try_to_sign_in(stranger, guest.user.email),
    ]
    assert len({answer.status_code for answer in answers}) == 1
    assert len({visible(answer) for answer in answers}) == 1
    assert stranger.get("/settings/preferences/").status_code == 302


def test_an_unknown_address_costs_a_password_hash_too(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(User, "set_password", lambda self, raw: hashed.append(raw))
    try_to_sign_in(stranger, "nobody@north.example", "a wrong password")
    assert hashed == ["a wrong password"]


def test_the_same_person_of_another_company_is_unknown_here(
    stranger: Client, member: UserActor, other_tenant: TenantRef
) -> None:
    other_host = Domain.objects.get(tenant_id=other_tenant.id).host
    response = Client(headers={"host": other_host}).post(
        SIGN_IN, {"login": member.user.email, "password": PASSWORD}
    )
    assert response.status_code == 200


def test_too_many_attempts_are_slowed_down(stranger: Client, member: UserActor) -> None:
    statuses = [try_to_sign_in(stranger, member.user.email, "wrong").status_code for _ in range(8)]
    pages = [try_to_sign_in(stranger, member.user.email)]
    assert statuses[0] == 200
    assert all(page.status_code in {200, 429} for page in pages)
    assert stranger.get("/settings/preferences/").status_code == 302


@pytest.mark.parametrize("target", ["/settings/users/", "/settings/users/?sort=name"])
def test_after_signing_in_one_is_where_one_wanted_to_be(
    stranger: Client, member: UserActor, target: str
) -> None:
    assert try_to_sign_in(stranger, member.user.email, next=target)["Location"] == target


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "http://south.localhost/",
        "https:evil.example",
        "javascript:x",
    ],
)
def test_signing_in_never_leads_to_another_host(stranger: Client, member: UserActor, target: str) -> None:
    assert try_to_sign_in(stranger, member.user.email, next=target)["Location"] == "/"


def test_there_is_no_sign_up(stranger: Client) -> None:
    assert stranger.get("/account/sign-up/").status_code == 404
    assert stranger.post("/account/sign-up/", {"email": "x@x.example"}).status_code == 404


def test_signing_out_takes_a_post_and_ends_the_session(console: Client) -> None:
    assert console.get("/account/sign-out/").status_code == 200
    assert console.get("/settings/preferences/").status_code == 200
    assert console.post("/account/sign-out/").status_code == 302
    assert console.get("/settings/preferences/").status_code == 302


def test_a_form_from_elsewhere_is_refused(host: str, member: UserActor) -> None:
    client = Client(headers={"host": host}, enforce_csrf_checks=True)
    assert try_to_sign_in(client, member.user.email).status_code == 403


def test_a_deactivated_person_is_out_at_the_next_click(login_as: Any, member: UserActor) -> None:
    client = login_as(member)
    assert client.get("/settings/preferences/").status_code == 200
    User.objects.filter(pk=member.user_id).update(is_active=False)
    assert client.get("/settings/preferences/").status_code == 302


def test_a_changed_password_ends_the_other_sessions(login_as: Any, member: UserActor) -> None:
    here, there = login_as(member), login_as(member)
    new = "another entirely invented phrase"
    answer = here.post(
        "/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new}
    )
    assert answer.status_code == 302
    assert here.get("/settings/preferences/").status_code == 200
    assert there.get("/settings/preferences/").status_code == 302


def letters_asked_for(tenant: TenantRef) -> list[WorkItem]:
    """The jobs that write to people who want a new password, the oldest first."""
    with cell_scope(tenant.cell):
        found = WorkItem.objects.using(tenant.cell).filter(tenant_id=tenant.id, kind=RESET_LETTER_JOB)
        return list(found.order_by("created_at", "id"))


def ask_for_a_link(client: Client, email: str, tenant: TenantRef) -> Any:
    """Ask for a new password and do the job that came of it."""
    answer = client.post("/account/password/reset/", {"email": email})
    send_reset_letter(letters_asked_for(tenant)[-1].object_id)
    return answer


def test_a_forgotten_password_is_reset_by_a_link_in_a_mail(
    stranger: Client, member: UserActor, tenant: TenantRef
) -> None:
    ask_for_a_link(stranger, member.user.email, tenant)
    (message,) = mail.outbox
    link = re.search(r"http://[^/]+(/account/password/reset/key/\S+)", str(message.body))
    assert link is not None
    assert "North Works" not in message.subject
    page = stranger.get(link[1], follow=True)
    new = "another entirely invented phrase"
    path = page.redirect_chain[-1][0]
    assert stranger.post(path, {"password1": new, "password2": new}).status_code == 302
    assert try_to_sign_in(stranger, member.user.email, new).status_code == 302
    assert b"does not work any more" in stranger.get(link[1], follow=True).content


@pytest.mark.parametrize("written", ["{}:6666", "{}.", "{}.:1"])
def test_the_link_leads_to_the_public_address_whatever_host_a_stranger_wrote(
    stranger: Client, member: UserActor, tenant: TenantRef, host: str, written: str
) -> None:
    stranger.defaults["HTTP_HOST"] = written.format(host.upper())
    ask_for_a_link(stranger, member.user.email, tenant)
    public = f"{settings.PUBLIC_SCHEME}://{host}:{settings.PUBLIC_PORT}/account/password/reset/key/"
    assert f"\n{public}" in str(mail.outbox[0].body)


def test_a_reset_for_an_unknown_address_looks_the_same(
    stranger: Client, member: UserActor, tenant: TenantRef
) -> None:
    known = ask_for_a_link(stranger, member.user.email, tenant)
    unknown = ask_for_a_link(stranger, "nobody@x.example", tenant)
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert len(letters_asked_for(tenant)) == 2
    assert [message.to for message in mail.outbox] == [[member.user.email]]


def test_the_reset_link_does_not_stand_in_the_log(
    stranger: Client, member: UserActor, tenant: TenantRef, caplog: pytest.LogCaptureFixture
) -> None:
    ask_for_a_link(stranger, member.user.email, tenant)
    link = re.search(r"/account/password/reset/key/(\S+)/", str(mail.outbox[0].body))
    assert link is not None
    stranger.get(link[0])
    assert link[1].partition("-")[2] not in caplog.text


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_hosts(
    stranger: Client, member: UserActor
) -> None:
    try_to_sign_in(stranger, member.user.email)
    cookie = stranger.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["domain"]) == (True, "Lax", "")


def test_a_cookie_of_one_company_signs_nobody_in_at_another(
    login_as: Any, member: UserActor, other_tenant: TenantRef
) -> None:
    client = login_as(member)
    other_host = Domain.objects.get(tenant_id=other_tenant.id).host
    with tenant_scope(other_tenant):
        # The worst case: a cloned company, with the same person and the same password hash.
        User.objects.create(
            pk=member.user_id, email=member.user.email, name="Clone", password=member.user.password
        )
    assert client.get("/settings/preferences/").status_code == 200
    assert client.get("/settings/preferences/", headers={"host": other_host}).status_code == 302
