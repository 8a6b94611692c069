"""Codes of apps and recovery codes: each once, nothing old, nothing wrong, in every process."""

import threading
import time
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.mfa import services, totp
from tenants.accounts.mfa.recovery import codes_left
from tenants.accounts.models import AuthenticatorApp, RecoveryCode, User, UserSession
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import create_user
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.secrets.models import Secret
from tenants.secrets.services import reveal_secret
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.people import PASSWORD

SIGN_IN, CONFIRM, HOME = "/account/sign-in/", "/account/sign-in/confirm/", "/settings/my-sign-in/"


def secret_of(user: User) -> str:
    return reveal_secret(AuthenticatorApp.objects.get(user=user).secret_id).reveal()


def code_now(user: User, steps: int = 0) -> str:
    return totp.code_at(secret_of(user), totp.counter_at(time.time()) + steps)


def with_app(actor: UserActor) -> list[str]:
    """Set an app up, and forget that its first code was spent: the next may come at once."""
    services.begin_authenticator_app(actor=actor)
    codes = services.confirm_authenticator_app(actor=actor, code=code_now(actor.user))
    AuthenticatorApp.objects.filter(user=actor.user).update(last_counter=0)
    return [each.reveal() for each in codes]


def half_in(client: Client, actor: UserActor) -> Any:
    cache.clear()
    return client.post(SIGN_IN, {"login": actor.user.email, "password": PASSWORD})


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "¼²³456", "١٢٣٤٥٦", "0" * 5000])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert totp.matching_counter(totp.new_secret(), code, now=1e9, after=0) is None


def test_codes_are_those_of_the_standard() -> None:
    # RFC 6238, appendix B, the last six of eight digits.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    moments = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}
    assert {at: totp.code_at(secret, totp.counter_at(at)) for at in moments} == moments


def test_a_step_off_is_near_enough_and_two_are_not() -> None:
    secret, now = totp.new_secret(), 3000.0
    found = [
        totp.matching_counter(secret, totp.code_at(secret, 100 + step), now=now, after=0) is not None
        for step in range(-2, 3)
    ]
    assert found == [False, True, True, True, False]


def test_a_code_works_once_and_neither_does_an_older_one_after_it(member: UserActor) -> None:
    with_app(member)
    user = member.user
    earlier, code = code_now(user, -1), code_now(user)
    assert services.use_code(user, code) == "totp"
    assert services.use_code(user, code) == ""
    assert services.use_code(user, earlier) == ""


def test_of_two_processes_with_one_code_one_is_let_in(committed_tenant: TenantRef) -> None:
    with tenant_scope(committed_tenant), atomic():
        user = create_user(
            email="two@x.example", name="Two Example", role=Role.MEMBER, password=PASSWORD, actor=SYSTEM
        )
        recovery = with_app(actor_for(user))[0]
        code = code_now(user)
    for text in (code, recovery):
        barrier = threading.Barrier(2)
        taken: list[str] = []

        def show(text: str = text, barrier: threading.Barrier = barrier, taken: list[str] = taken) -> None:
            try:
                with tenant_scope(committed_tenant), atomic():
                    barrier.wait(timeout=30)
                    taken.append(services.use_code(user, text))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=show) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert sorted(bool(each) for each in taken) == [False, True]


def test_the_secret_lies_sealed_and_is_not_shown_again(member: UserActor, login_as: Any) -> None:
    client = login_as(member)
    client.post("/settings/my-sign-in/app/")
    secret = secret_of(member.user)
    row = Secret.objects.get(owner_table="accounts_authenticatorapp")
    assert secret.encode() not in bytes(row.sealed)
    page = client.get("/settings/my-sign-in/app/").content.decode()
    assert secret in page.replace(" ", "")
    done = client.post("/settings/my-sign-in/app/", {"code": code_now(member.user)})
    assert done.status_code == 200
    assert client.get("/settings/my-sign-in/app/").status_code == 302
    assert secret not in client.get(HOME).content.decode().replace(" ", "")


def test_a_wrong_code_sets_no_app_up(member: UserActor, login_as: Any) -> None:
    client = login_as(member)
    client.post("/settings/my-sign-in/app/")
    wrong = code_now(member.user, 5)
    assert client.post("/settings/my-sign-in/app/", {"code": wrong}).status_code == 422
    with pytest.raises(InvalidInput):
        services.confirm_authenticator_app(actor=member, code=wrong)
    assert not services.has_second_factor(member.user)


def test_recovery_codes_are_shown_once_and_kept_as_hashes(member: UserActor, login_as: Any) -> None:
    client = login_as(member)
    codes = with_app(member)
    assert len(codes) == codes_left(member.user) == 10
    page = client.get(HOME).content.decode()
    kept = b"".join(bytes(row.code_hash) for row in RecoveryCode.objects.filter(user=member.user))
    assert not any(code in page or code.encode() in kept for code in codes)


@pytest.mark.parametrize("form", [str.upper, lambda code: code.replace("-", " "), lambda code: f" {code} "])
def test_a_recovery_code_lets_in_once_however_it_is_typed(member: UserActor, form: Any) -> None:
    first, *_ = with_app(member)
    assert services.use_code(member.user, form(first)) == "recovery"
    assert services.use_code(member.user, first) == ""
    assert codes_left(member.user) == 9


def test_new_codes_make_the_old_ones_worthless(member: UserActor) -> None:
    old = with_app(member)
    services.new_recovery_codes(actor=member)
    assert services.use_code(member.user, old[3]) == ""


def test_after_the_password_comes_the_code(stranger: Client, member: UserActor) -> None:
    with_app(member)
    answer = half_in(stranger, member)
    assert answer["Location"] == CONFIRM
    assert stranger.get(HOME).status_code == 302
    assert stranger.get("/api/v1/me/").status_code == 401
    assert stranger.post(CONFIRM, {"code": code_now(member.user, 5)}).status_code == 422
    assert stranger.get(HOME).status_code == 302
    assert stranger.post(CONFIRM, {"code": code_now(member.user)}).status_code == 302
    assert stranger.get(HOME).status_code == 200
    row = UserSession.objects.get(user=member.user)
    assert (row.method, row.second_factor) == ("password", "totp")


def test_the_page_for_the_code_is_nobodys_without_the_password(stranger: Client, member: UserActor) -> None:
    with_app(member)
    assert stranger.get(CONFIRM)["Location"] == "/"
    assert stranger.post(CONFIRM, {"code": code_now(member.user)})["Location"] == "/"


def test_a_spent_code_does_not_sign_in_a_second_browser(
    stranger: Client, host: str, member: UserActor
) -> None:
    with_app(member)
    other, code = Client(headers={"host": host}), code_now(member.user)
    for client in (stranger, other):
        half_in(client, member)
    assert stranger.post(CONFIRM, {"code": code}).status_code == 302
    assert other.post(CONFIRM, {"code": code}).status_code == 422


def test_guessing_codes_is_slowed_down_and_never_locks_for_long(stranger: Client, member: UserActor) -> None:
    with_app(member)
    half_in(stranger, member)
    wrong = code_now(member.user, 5)
    answers = [stranger.post(CONFIRM, {"code": wrong}) for _ in range(8)]
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1]["Retry-After"]) <= 31


def test_an_app_is_removed_with_its_secret_and_the_codes(member: UserActor) -> None:
    with_app(member)
    services.remove_authenticator_app(actor=member)
    assert not Secret.objects.filter(owner_table="accounts_authenticatorapp").exists()
    assert codes_left(member.user) == 0


def test_somebody_else_takes_lost_factors_off_and_nobody_ones_own(
    member: UserActor, admin: UserActor, login_as: Any
) -> None:
    client = login_as(member)
    with_app(member)
    with pytest.raises(Forbidden):
        services.reset_second_factors(user=admin.user, actor=member)
    with pytest.raises(Conflict):
        services.reset_second_factors(user=admin.user, actor=admin)
    services.reset_second_factors(user=member.user, actor=admin)
    assert not services.has_second_factor(member.user)
    assert client.get(HOME).status_code == 302
