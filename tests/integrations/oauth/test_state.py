"""Which answers of the outside service are believed."""

from typing import Any
from uuid import uuid4

import pytest
from django.core import signing

from integrations.oauth.state import LIFETIME_SECONDS, InvalidState, begin, origin_of, take
from tenants.tenancy import TenantRef, tenant_scope

HOST = "north.localhost:8000"


@pytest.fixture
def session() -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("state", ["", "x", "a:b:c", "é", "1" * 5000])
def test_what_was_never_begun_is_refused(tenant: TenantRef, session: dict[str, Any], state: str) -> None:
    with pytest.raises(InvalidState):
        take(session, state=state, host=HOST, user_id=uuid4())
    with pytest.raises(InvalidState):
        origin_of(state)


def test_a_state_works_once(tenant: TenantRef, session: dict[str, Any]) -> None:
    user = uuid4()
    state = begin(session, host=HOST, user_id=user)
    assert take(session, state=state, host=HOST, user_id=user).connection_id is None
    with pytest.raises(InvalidState):
        take(session, state=state, host=HOST, user_id=user)


def test_of_two_answers_at_one_moment_only_one_is_taken(tenant: TenantRef, session: dict[str, Any]) -> None:
    user = uuid4()
    state = begin(session, host=HOST, user_id=user)
    first, second = dict(session), dict(session)
    take(first, state=state, host=HOST, user_id=user)
    with pytest.raises(InvalidState):
        take(second, state=state, host=HOST, user_id=user)


def test_another_session_person_host_or_company_may_not_use_it(
    tenant: TenantRef, other_tenant: TenantRef, session: dict[str, Any]
) -> None:
    user = uuid4()
    state = begin(session, host=HOST, user_id=user)
    with pytest.raises(InvalidState):
        take({}, state=state, host=HOST, user_id=user)
    with pytest.raises(InvalidState):
        take(dict(session), state=state, host="south.localhost:8000", user_id=user)
    with tenant_scope(other_tenant), pytest.raises(InvalidState):
        take(dict(session), state=state, host=HOST, user_id=user)
    with pytest.raises(InvalidState):
        take(dict(session), state=state, host=HOST, user_id=uuid4())


def test_an_old_state_is_refused_with_its_own_sentence(
    tenant: TenantRef, session: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = uuid4()
    state = begin(session, host=HOST, user_id=user)
    loads = signing.loads
    monkeypatch.setattr(signing, "loads", lambda *a, **k: loads(*a, **{**k, "max_age": -1}))
    with pytest.raises(InvalidState, match="quarter of an hour") as refusal:
        take(session, state=state, host=HOST, user_id=user)
    assert refusal.value.code == "oauth.expired_state"
    assert LIFETIME_SECONDS == 900


def test_only_the_newest_few_tabs_are_remembered(tenant: TenantRef, session: dict[str, Any]) -> None:
    user = uuid4()
    states = [begin(session, host=HOST, user_id=user) for _ in range(7)]
    with pytest.raises(InvalidState):
        take(session, state=states[0], host=HOST, user_id=user)
    connection = uuid4()
    begun = begin(session, host=HOST, user_id=user, connection_id=connection)
    assert take(session, state=begun, host=HOST, user_id=user).connection_id == connection
