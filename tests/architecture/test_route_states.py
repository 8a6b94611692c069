"""Every route of a company that is not open, and of somebody who is deactivated: with a session and with a token."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import User
from tenants.models import Tenant
from tenants.tenancy import TenantRef
from tenants.tenancy.directory import directory
from tenants.tenancy.doors import view_of
from tenants.tenancy.states import DOORS, does_write_when_read, doors_of
from tests.architecture.asking import answers, is_turned_away
from tests.architecture.routes import ROUTES, TABLE, Route
from tests.architecture.things import things_of
from tests.people import person, signed_in_client, token_client

OPEN: dict[str, dict[str, list[str]]] = TABLE["open"]
UNAVAILABLE, TOO_MANY = 503, 429
# A deleted company is nobody's host: tests/tenants/tenancy/test_doors.py.
SHUT = [state for state, doors in DOORS.items() if not doors.reads and state != "deleted"]
READING = [state for state, doors in DOORS.items() if doors.reads and not doors.writes]


def put(tenant: TenantRef, state: str) -> None:
    """Put a company into a state, as an operator's word does."""
    Tenant.objects.filter(pk=tenant.id).update(state=state)
    directory.forget()


def kept_open(route: Route, method: str, state: str) -> bool:
    return method in OPEN.get(state, {}).get(route.name, ())


def callers(host: str, actor: UserActor) -> dict[str, Client | APIClient]:
    """A browser and a program of one person, made while the company is open."""
    return {"session": signed_in_client(host, actor), "token": token_client(host, actor)}


def test_the_table_names_routes_there_are_and_states_that_close() -> None:
    methods = {route.name: set(route.methods) for route in ROUTES}
    assert set(OPEN) <= {*SHUT, *READING}
    for state, named in OPEN.items():
        for name, listed in named.items():
            assert set(listed) <= methods[name], (state, name)


@pytest.mark.parametrize("state", SHUT)
def test_nobody_gets_anything_of_a_closed_company_but_what_the_table_names(
    state: str, tenant: TenantRef, host: str, owner: UserActor, stranger: Client
) -> None:
    things = things_of(tenant)
    asking = callers(host, owner)
    put(tenant, state)
    seen = {
        who: {
            (route.name, method): UNAVAILABLE if is_turned_away(route, answer) else answer.status_code
            for route, method, _, answer in answers(each, things)
        }
        for who, each in (asking | {"stranger": stranger}).items()
    }
    wrong = [
        (who, route.name, method, statuses[route.name, method])
        for who, statuses in seen.items()
        for route in ROUTES
        for method in route.methods
        if (statuses[route.name, method] == UNAVAILABLE) is kept_open(route, method, state)
        # What stays open is a stranger's: it is the same for the owner.
        or statuses[route.name, method] != seen["stranger"][route.name, method]
    ]
    assert wrong == []


@pytest.mark.parametrize("state", READING)
def test_a_company_that_may_be_read_is_read_as_ever_and_changed_nowhere(
    state: str, tenant: TenantRef, host: str, owner: UserActor
) -> None:
    things = things_of(tenant)
    asking = callers(host, owner)
    before = {
        who: {
            (route.name, method): answer.status_code
            for route, method, _, answer in answers(each, things, only=lambda _route, method: method == "GET")
        }
        for who, each in asking.items()
    }
    put(tenant, state)
    wrong = []
    for who, each in asking.items():
        for route, method, _, answer in answers(each, things):
            if method == "GET" and is_shut_to_readers(answer, state):
                is_right = answer.status_code == UNAVAILABLE
            elif method == "GET":
                # Pages that slow guessing down may have been asked often enough by now.
                is_right = answer.status_code in {before[who][route.name, method], TOO_MANY}
            else:
                is_right = (answer.status_code != UNAVAILABLE) is kept_open(route, method, state)
            if not is_right:
                wrong.append((who, route.name, method, answer.status_code))
    assert wrong == []


def is_shut_to_readers(answer: Any, state: str) -> bool:
    """Whether this address writes when a browser is led to it, and nobody may sign in now."""
    view = view_of(answer.wsgi_request)
    return view is not None and does_write_when_read(view) and not doors_of(state).signs_in


def test_a_deactivated_person_is_a_stranger_by_session_and_by_token(
    tenant: TenantRef, host: str, owner: UserActor
) -> None:
    """Even where their sign-in and their token are still there: deactivating ends both in the same transaction."""
    things = things_of(tenant)
    second = person(tenant, Role.OWNER, "Olga Owner-Example")
    browser, program = callers(host, second).values()
    assert browser.get("/api/v1/me/").status_code == program.get("/api/v1/me/").status_code == 200
    User.objects.filter(pk=second.user_id).update(is_active=False)
    wrong = [
        ("session", route.name, method, answer.status_code)
        for route, method, lowest, answer in answers(browser, things)
        if is_turned_away(route, answer) is (lowest == "public")
    ]
    wrong += [
        ("token", route.name, method, answer.status_code)
        for route, method, lowest, answer in answers(program, things)
        if lowest != "public" and not is_turned_away(route, answer)
    ]
    assert wrong == []
