"""Guessing is slowed down for strangers, never for the person's own browser, and nowhere locked."""

from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from tenants.accounts import delays
from tenants.accounts.access import UserActor
from tenants.accounts.delays import (
    FREE_FOR_ACCOUNT,
    FREE_FOR_NETWORK,
    LONGEST_SECONDS,
    TooFast,
    begin_attempt,
)
from tenants.tenancy import TenantRef, tenant_scope
from tests.people import PASSWORD

SIGN_IN = "/account/sign-in/"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still unless it is moved."""
    now = [1_000_000.0]
    monkeypatch.setattr("tenants.accounts.delays.time", SimpleNamespace(time=lambda: now[0]))
    return now


@pytest.fixture(autouse=True)
def _no_old_attempts(tenant: TenantRef) -> None:
    cache.clear()


def request_from(address: str = "192.0.2.1", **cookies: str):  # type: ignore[no-untyped-def]
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    request.COOKIES.update(cookies)
    return request


def miss(times: int, account: str = "a@x.example", address: str = "192.0.2.1") -> None:
    for _ in range(times):
        begin_attempt(request_from(address), "password", account)


def wait_for(account: str = "a@x.example", address: str = "192.0.2.1") -> float:
    with pytest.raises(TooFast) as refused:
        begin_attempt(request_from(address), "password", account)
    return refused.value.retry_after_seconds or 0


def test_each_miss_makes_the_next_try_wait_longer_up_to_half_a_minute(clock: list[float]) -> None:
    miss(FREE_FOR_ACCOUNT)
    waits = []
    for _ in range(8):
        waits.append(wait_for())
        clock[0] += LONGEST_SECONDS
        miss(1)
    assert waits == sorted(waits)
    assert waits[0] <= 2
    assert waits[-1] <= LONGEST_SECONDS + 1


def test_tries_that_come_too_early_are_not_counted(clock: list[float]) -> None:
    miss(FREE_FOR_ACCOUNT)
    first = [wait_for() for _ in range(20)]
    assert len(set(first)) == 1


def test_an_account_nobody_has_is_slowed_down_alike(clock: list[float], member: UserActor) -> None:
    for account, address in ((member.user.email, "192.0.2.1"), ("nobody@x.example", "203.0.113.1")):
        miss(FREE_FOR_ACCOUNT, account, address)
    assert wait_for(member.user.email) == wait_for("nobody@x.example", "203.0.113.1")


def test_all_of_a_network_count_together_whatever_account_they_try(clock: list[float]) -> None:
    for number in range(FREE_FOR_NETWORK):
        miss(1, f"{number}@x.example", f"192.0.2.{number + 1}")
    assert wait_for("fresh@x.example", "192.0.2.250") >= 1
    begin_attempt(request_from("198.51.100.1"), "password", "fresh@x.example")


def test_a_browser_somebody_signed_in_with_does_not_wait_for_strangers(clock: list[float]) -> None:
    answer = HttpResponse()
    delays.remember_browser(request_from(), answer, "a@x.example")
    mark = answer.cookies[delays.COOKIE].value
    miss(FREE_FOR_ACCOUNT, address="203.0.113.9")
    wait_for(address="203.0.113.9")
    begin_attempt(request_from(known_browser=mark), "password", "a@x.example")
    # The mark is for this account and this company, and nobody writes one.
    assert delays.known_browser(request_from(known_browser=mark), "b@x.example") == ""
    assert delays.known_browser(request_from(known_browser=mark[:-2] + "xx"), "a@x.example") == ""


def test_success_forgets_the_misses(clock: list[float]) -> None:
    miss(FREE_FOR_ACCOUNT - 1)
    begin_attempt(request_from(), "password", "a@x.example").succeeded()
    miss(FREE_FOR_ACCOUNT)


def test_one_companys_misses_and_marks_are_nothing_at_another(
    clock: list[float], other_tenant: TenantRef
) -> None:
    answer = HttpResponse()
    delays.remember_browser(request_from(), answer, "a@x.example")
    miss(FREE_FOR_ACCOUNT)
    wait_for()
    with tenant_scope(other_tenant):
        begin_attempt(request_from(), "password", "a@x.example")
        mark = answer.cookies[delays.COOKIE].value
        assert delays.known_browser(request_from(known_browser=mark), "a@x.example") == ""


def test_the_page_says_how_long_to_wait_and_the_right_password_waits_too(
    stranger: Client, member: UserActor, clock: list[float]
) -> None:
    for _ in range(FREE_FOR_ACCOUNT):
        assert stranger.post(SIGN_IN, {"login": member.user.email, "password": "wrong"}).status_code == 200
    form = {"login": member.user.email, "password": PASSWORD}
    early = stranger.post(SIGN_IN, form)
    assert early.status_code == 429
    assert int(early["Retry-After"]) <= LONGEST_SECONDS + 1
    clock[0] += LONGEST_SECONDS
    assert stranger.post(SIGN_IN, form).status_code == 302


def test_asking_for_a_new_password_costs_the_same_for_any_address(
    stranger: Client, member: UserActor, tenant: TenantRef
) -> None:
    counts = []
    for email in (member.user.email, "nobody@x.example"):
        with CaptureQueriesContext(connections[tenant.cell]) as queries:
            stranger.post("/account/password/reset/", {"email": email})
        counts.append([each["sql"].split(" ", 1)[0] for each in queries])
    assert counts[0] == counts[1]


def test_cookies_are_bound_to_the_host_in_production() -> None:
    text = (settings.BASE_DIR / "config" / "settings" / "production.py").read_text()
    assert '"__Host-session", "__Host-csrf"' in text
    assert delays._cookie_name(RequestFactory().get("/", secure=True)) == "__Host-known_browser"


def test_passkeys_nobody_has_make_only_their_own_network_wait(clock: list[float]) -> None:
    for _ in range(FREE_FOR_NETWORK):
        begin_attempt(request_from("192.0.2.1"), "passkey", None)
    with pytest.raises(TooFast):
        begin_attempt(request_from("192.0.2.77"), "passkey", None)
    begin_attempt(request_from("198.51.100.1"), "passkey", None).succeeded()
