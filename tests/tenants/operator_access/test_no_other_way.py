"""Without a grant no way in, with one no way to what is never an operator's: every route is tried."""

import uuid
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from tenants.accounts.access import Role
from tenants.accounts.access.catalogue import Sensitivity, all_permissions, permission
from tenants.accounts.models import SupportVisit
from tenants.accounts.support import visits
from tenants.accounts.support.allowed import CODES, OPEN, SHUT
from tenants.tenancy import tenant_scope
from tests.architecture.routes import ROUTES, Route
from tests.people import token_client
from tests.tenants.operator_access.conftest import Scene

# What a stranger is shown is no way in.
OURS = [route for route in ROUTES if route.methods.get("GET", "public") != "public"]


def addresses(routes: list[Route]) -> Iterator[tuple[str, str]]:
    """Route and an address of it; what names a thing names one that nobody has."""
    for route in routes:
        for value in ("x", uuid.UUID(int=7), 7):
            try:
                yield route.name, reverse(route.name, kwargs=dict.fromkeys(route.arguments, value))
                break
            except NoReverseMatch:  # another kind of argument
                continue


def test_enough_routes_are_tried() -> None:
    assert len(list(addresses(OURS))) > 100


def test_an_operator_without_a_grant_is_a_stranger_at_every_address(scene: Scene) -> None:
    browser = Client(headers={"host": scene.company_host})
    browser.cookies = scene.operators_window().cookies
    with tenant_scope(scene.platform):
        program = token_client(scene.company_host, scene.operator)
    let_in: list[tuple[str, int | str]] = []
    for name, address in addresses(OURS):
        answer = browser.get(address)
        is_away = answer.status_code == 302 and answer["Location"].startswith("/account/sign-in/")
        if not (is_away or answer.status_code in (401, 403, 404, 405)):
            let_in.append((name, answer.status_code))
        if address.startswith("/api/") and program.get(address).status_code not in (401, 404, 405):
            let_in.append((name, "token"))
    assert let_in == []


def test_a_request_that_nobody_has_answered_opens_nothing(scene: Scene) -> None:
    asked = scene.ask()
    browser = Client(headers={"host": scene.company_host})
    for path in (f"/support/{asked.pk}/", f"/support/{asked.pk}/enter/?state=x&code=x"):
        assert browser.get(path).status_code == 404
    assert not SupportVisit.objects.exists()


def test_what_an_operator_may_is_known_and_nothing_of_it_is_sensitive() -> None:
    for codes in CODES.values():
        for code in codes:
            assert permission(code).sensitivity is Sensitivity.NORMAL
    everything = frozenset().union(*CODES.values())
    assert CODES[SupportVisit.Role.READ_ONLY] < CODES[SupportVisit.Role.ADMIN]
    never = {each.code for each in all_permissions() if each.sensitivity is not Sensitivity.NORMAL}
    never |= {each.code for each in all_permissions() if each.held_from is Role.OWNER}
    never |= {
        each.code
        for each in all_permissions()
        if each.code.startswith(("platform.", "company.", "branding."))
    }
    never |= {
        "accounts.invite_users",
        "accounts.use_api_tokens",
        "integrations.connect",
        "tasks.approve",
        "tasks.share",
    }
    assert everything & never == frozenset()


@pytest.mark.parametrize("role", ["read_only", "admin"])
def test_on_a_visit_every_door_that_is_never_theirs_is_shut(scene: Scene, role: str) -> None:
    inside = scene.enter(scene.granted(role=role))
    open_doors = []
    for name, address in addresses(OURS):
        lowest = next(route for route in OURS if route.name == name).methods["GET"]
        is_shut = address.startswith(SHUT) and address not in OPEN
        if not (is_shut or lowest in ("owner", "operator")):
            continue
        answer = inside.get(address)
        if answer.status_code not in (403, 404, 405):
            open_doors.append((name, answer.status_code))
    assert open_doors == []
    assert inside.get("/tasks/").status_code == 200


def test_without_anybody_who_knows_the_grants_no_visit_holds(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = scene.enter(scene.granted())
    monkeypatch.setattr(visits, "_still_holds", [])
    assert inside.get("/tasks/").status_code == 403
