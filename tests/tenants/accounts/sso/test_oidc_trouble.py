"""A provider that is slow or away keeps a few requests waiting at a time, not everything that serves all companies."""

from contextlib import ExitStack

import pytest
from django.core.cache import cache

from tenants.accounts.sso.oidc import discovery
from tenants.accounts.sso.oidc.discovery import client
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.foundation.errors import ExternalServiceError
from tenants.tenancy import TenantRef, tenant_scope

ADDRESS = "https://id.acme.example/token"


@pytest.fixture(autouse=True)
def _fresh(tenant: TenantRef) -> None:
    cache.clear()


def be_away(address: str = ADDRESS) -> None:
    with pytest.raises(ExternalServiceError), client(address):
        raise ExternalServiceError("It did not answer in time.", service="The provider", is_transient=True)


def is_asked(address: str = ADDRESS, *, is_awaited: bool = False) -> bool:
    try:
        with client(address, is_awaited=is_awaited):
            return True
    except SsoRefused as refused:
        return refused.reason is not Reason.DISCOVERY


def test_one_that_answers_is_asked_by_as_many_as_come() -> None:
    with client(ADDRESS), client(ADDRESS):
        assert is_asked()


def test_one_that_was_away_is_asked_by_one_at_a_time() -> None:
    be_away()
    with client(ADDRESS):
        assert not is_asked()
        assert not is_asked("https://id.acme.example/jwks")
        assert is_asked("https://id.other.example/token")


def test_it_is_asked_by_all_again_when_it_has_answered() -> None:
    be_away()
    be_away()
    assert is_asked()
    with client(ADDRESS):
        assert is_asked()


def test_one_that_is_slow_counts_as_one_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_SLOW_SECONDS", 0.0)
    assert is_asked()
    with client(ADDRESS):
        assert not is_asked()


def test_who_is_refused_leaves_the_turn_to_who_has_it() -> None:
    be_away()
    with client(ADDRESS):
        assert not is_asked()
        assert not is_asked()


def test_another_companys_trouble_is_none_of_ours(other_tenant: TenantRef) -> None:
    with tenant_scope(other_tenant):
        be_away()
    with client(ADDRESS):
        assert is_asked()


# --- sign-ins that are under way


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, in seconds; no test waits in fact."""
    waited: list[float] = []
    monkeypatch.setattr(discovery, "sleep", waited.append)
    return waited


def test_strangers_who_have_it_asked_turn_nobody_away_who_is_signing_in(pauses: list[float]) -> None:
    be_away()
    with client(ADDRESS):
        assert not is_asked()
        with client(ADDRESS, is_awaited=True), client(ADDRESS, is_awaited=True):
            assert not is_asked()
    assert pauses == []


def test_who_is_signing_in_waits_two_seconds_at_most(pauses: list[float]) -> None:
    be_away()
    with client(ADDRESS, is_awaited=True), client(ADDRESS, is_awaited=True):
        assert not is_asked(is_awaited=True)
        assert sum(pauses) == 2.0
        # Who waited in vain has left the seat.
        assert not is_asked(is_awaited=True)
        assert sum(pauses) == 4.0


def test_sign_ins_that_anybody_may_begin_do_not_keep_everything_waiting(pauses: list[float]) -> None:
    """Two are asking and two wait: the next is refused without waiting."""
    be_away()

    def come(others: int) -> None:
        before = len(pauses)
        assert not is_asked(is_awaited=True)
        came.append((others, len(pauses) - before))

    came: list[tuple[int, int]] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            come(1)
        elif len(pauses) == 2:
            come(2)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(discovery, "sleep", pause)
        with client(ADDRESS, is_awaited=True), client(ADDRESS, is_awaited=True):
            come(0)
    assert came == [(2, 0), (1, 8), (0, 16)]


def test_who_waited_goes_on_when_a_turn_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    be_away()
    with ExitStack() as asking:
        for _ in range(2):
            asking.enter_context(client(ADDRESS, is_awaited=True))
        monkeypatch.setattr(discovery, "sleep", lambda _seconds: asking.close())
        assert is_asked(is_awaited=True)


def test_who_waited_goes_on_when_the_trouble_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    be_away()
    with client(ADDRESS, is_awaited=True), client(ADDRESS, is_awaited=True):
        monkeypatch.setattr(discovery, "sleep", lambda _seconds: is_asked())
        assert is_asked(is_awaited=True)
        with client(ADDRESS):
            assert is_asked()
