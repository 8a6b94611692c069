"""Sign-ins are rows: seen, revoked, timed out, held to networks, ended with passwords, roles and accounts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import UserSession
from tenants.accounts.services import change_role, deactivate_user, reactivate_user
from tenants.accounts.sessions.policy import change_rules, current_rules
from tenants.accounts.sessions.services import ROW_KEY
from tenants.accounts.sessions.store import SessionStore
from tenants.foundation.errors import Forbidden, InvalidInput
from tests.people import PASSWORD, signed_in_client

HOME = "/settings/my-sign-in/"
type Login = Callable[[UserActor], Client]


def is_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def row_of(actor: UserActor) -> UserSession:
    return UserSession.objects.get(user=actor.user)


def set_rules(actor: UserActor, **changes: Any) -> None:
    now = current_rules()
    values = {
        name: getattr(now, name)
        for name in (
            "allowed_networks", "idle_minutes", "absolute_hours", "step_up_minutes", "mfa_required_for",
            "mfa_grace_days", "token_max_days",
        )
    }  # fmt: skip
    change_rules(actor=actor, **{"address": "127.0.0.1", **values, **changes})


@pytest.mark.parametrize("kept", ["", "no id", "019ab2c4-0a00-7000-8000-00000000dead"])
def test_a_session_without_its_sign_in_is_nobodys(login_as: Login, member: UserActor, kept: str) -> None:
    client = login_as(member)
    session = SessionStore(client.cookies[settings.SESSION_COOKIE_NAME].value)
    session[ROW_KEY] = kept
    session.save()
    assert not is_in(client)


def test_a_session_does_not_count_with_another_persons_sign_in(
    login_as: Login, member: UserActor, guest: UserActor
) -> None:
    client = login_as(member)
    login_as(guest)
    session = SessionStore(client.cookies[settings.SESSION_COOKIE_NAME].value)
    session[ROW_KEY] = str(row_of(guest).pk)
    session.save()
    assert not is_in(client)


def test_signing_in_by_the_form_is_written_down(stranger: Client, member: UserActor) -> None:
    cache.clear()
    agent = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"
    form = {"login": member.user.email, "password": PASSWORD}
    assert stranger.post("/account/sign-in/", form, headers={"user-agent": agent}).status_code == 302
    row = row_of(member)
    assert (row.method, row.ip_address, row.user_agent, row.ended_at) == (
        "password",
        "127.0.0.1",
        agent,
        None,
    )
    page = stranger.get(HOME).content.decode()
    assert "Firefox on Linux" in page
    assert "This one" in page


def test_a_revoked_sign_in_is_out_at_the_next_click_and_the_others_stay(
    login_as: Login, member: UserActor
) -> None:
    here, there = login_as(member), login_as(member)
    there_row = UserSession.objects.filter(user=member.user).order_by("-id").first()
    assert there_row is not None
    assert here.post(f"/settings/sign-ins/{there_row.pk}/revoke/").status_code == 302
    assert is_in(here)
    assert not is_in(there)


def test_one_signs_out_everywhere_else(login_as: Login, member: UserActor) -> None:
    here, there, elsewhere = (login_as(member) for _ in range(3))
    assert here.post("/settings/my-sign-in/others/").status_code == 302
    assert [is_in(client) for client in (here, there, elsewhere)] == [True, False, False]


def test_nobody_revokes_another_persons_sign_in_but_who_manages_them(
    login_as: Login, member: UserActor, guest: UserActor, admin: UserActor
) -> None:
    client = login_as(member)
    address = f"/settings/sign-ins/{row_of(member).pk}/revoke/"
    assert login_as(guest).post(address).status_code == 404
    assert is_in(client)
    assert login_as(admin).post(address).status_code == 302
    assert not is_in(client)


def test_an_administrator_sees_and_ends_the_sign_ins_of_one_person(
    login_as: Login, member: UserActor, admin: UserActor
) -> None:
    client, office = login_as(member), login_as(admin)
    page = f"/settings/users/{member.user_id}/sign-ins/"
    assert str(row_of(member).pk) in office.get(page).content.decode()
    assert login_as(member).get(page).status_code == 403
    assert office.post(f"{page}revoke/").status_code == 302
    assert not is_in(client)
    assert is_in(office)


@pytest.mark.parametrize(
    ("field", "age", "stays"),
    [
        ("last_seen_at", timedelta(minutes=29), True),
        ("last_seen_at", timedelta(minutes=31), False),
        ("started_at", timedelta(hours=1, minutes=59), True),
        ("started_at", timedelta(hours=2, minutes=1), False),
    ],
)
def test_a_sign_in_ends_after_rest_and_after_a_time(
    login_as: Login, member: UserActor, owner: UserActor, field: str, age: timedelta, stays: bool
) -> None:
    set_rules(owner, idle_minutes=30, absolute_hours=2)
    client = login_as(member)
    UserSession.objects.filter(user=member.user).update(**{field: timezone.now() - age})
    assert is_in(client) is stays
    assert (row_of(member).ended_because == "") is stays


def test_a_sign_in_that_ended_does_not_begin_again_under_milder_rules(
    login_as: Login, member: UserActor, owner: UserActor
) -> None:
    set_rules(owner, idle_minutes=30)
    client = login_as(member)
    UserSession.objects.filter(user=member.user).update(last_seen_at=timezone.now() - timedelta(hours=1))
    assert not is_in(client)
    set_rules(owner, idle_minutes=600)
    assert not is_in(client)


def test_when_somebody_was_last_here_is_written_once_a_minute(login_as: Login, member: UserActor) -> None:
    client = login_as(member)
    before = row_of(member).last_seen_at
    assert is_in(client)
    assert row_of(member).last_seen_at == before
    UserSession.objects.filter(user=member.user).update(last_seen_at=timezone.now() - timedelta(seconds=61))
    assert is_in(client)
    assert row_of(member).last_seen_at >= before


def test_people_come_from_the_companys_networks_only(
    login_as: Login, stranger: Client, member: UserActor, owner: UserActor
) -> None:
    cache.clear()
    set_rules(owner, allowed_networks=["192.0.2.0/24"], address="192.0.2.7")
    client = login_as(member)
    assert client.get(HOME).status_code == 403
    assert client.get("/api/v1/me/").json()["code"] == "forbidden.network"
    assert client.get(HOME, REMOTE_ADDR="192.0.2.8").status_code == 200  # the sign-in is still good
    form = {"login": member.user.email, "password": PASSWORD}
    assert stranger.post("/account/sign-in/", form).status_code == 403
    assert stranger.post("/account/sign-in/", form, REMOTE_ADDR="192.0.2.9").status_code == 302


def test_what_a_client_writes_about_its_address_is_not_believed(
    login_as: Login, member: UserActor, owner: UserActor
) -> None:
    set_rules(owner, allowed_networks=["192.0.2.0/24"], address="192.0.2.7")
    assert login_as(member).get(HOME, headers={"x-forwarded-for": "192.0.2.8"}).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"allowed_networks": ["not a network"]},
        {"allowed_networks": ["192.0.2.0/24"]},  # one's own address is elsewhere
        {"idle_minutes": 0},
        {"absolute_hours": 24 * 15},
        {"token_max_days": 366},
        {"mfa_required_for": ["emperor"]},
    ],
)
def test_rules_that_make_no_sense_are_refused(owner: UserActor, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        set_rules(owner, **wrong)


def test_members_set_no_rules(member: UserActor) -> None:
    with pytest.raises(Forbidden):
        set_rules(member, idle_minutes=60)


def test_a_changed_role_and_a_deactivation_sign_somebody_out_for_good(
    login_as: Login, host: str, member: UserActor, owner: UserActor
) -> None:
    client = login_as(member)
    change_role(user=member.user, role=Role.MANAGER, actor=owner)
    assert not is_in(client)
    again = signed_in_client(host, member)
    deactivate_user(user=member.user, actor=owner)
    reactivate_user(user=member.user, actor=owner)
    assert not is_in(again)


def test_an_old_proof_is_not_enough_for_a_sensitive_step_and_a_new_one_is(
    login_as: Login, admin: UserActor, member: UserActor, host: str
) -> None:
    cache.clear()
    client = login_as(admin)
    UserSession.objects.filter(user=admin.user).update(proved_at=timezone.now() - timedelta(minutes=16))
    address = f"/settings/users/{member.user_id}/deactivate/"
    answer = client.post(address, headers={"referer": f"http://{host}/settings/users/"})
    assert answer["Location"] == "/account/prove/?next=%2Fsettings%2Fusers%2F"
    member.user.refresh_from_db()
    assert member.user.is_active
    assert client.post("/account/prove/", {"password": "wrong"}).status_code == 422
    assert client.post(address)["Location"].startswith("/account/prove/")
    proved = client.post("/account/prove/", {"password": PASSWORD, "next": "//evil.example/"})
    assert proved["Location"] == "/"
    assert client.post(address)["Location"] == "/settings/users/"
    member.user.refresh_from_db()
    assert not member.user.is_active
