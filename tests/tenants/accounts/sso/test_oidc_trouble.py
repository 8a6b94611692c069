"""A provider that is slow or away keeps one request waiting at a time, not everything that serves all companies."""

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


def is_asked(address: str = ADDRESS) -> bool:
    try:
        with client(address):
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
