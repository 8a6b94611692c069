"""What a program's token must be made for: every route of the API with each scope taken away, and with it alone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse
from rest_framework.test import APIClient

from tenants.accounts.access import UserActor, all_permissions
from tenants.accounts.models import AccessDenial, ApiToken
from tenants.accounts.selectors import actor_for
from tenants.accounts.tokens.services import MAX_TOKENS_PER_USER
from tenants.models import Domain, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.directory import directory
from tenants.tenancy.transactions import current_alias
from tests.architecture.asking import ask
from tests.architecture.routes import ROUTES, TABLE, Route
from tests.architecture.things import Things, things_of
from tests.people import token_client

SCOPES: dict[str, dict[str, str]] = TABLE["scopes"]
# A person has a limited number of tokens.
AT_ONCE = MAX_TOKENS_PER_USER - 2
WORDS = {"*", "one of", "nobody"}
API = [route for route in ROUTES if route.door == "api"]
OPERATORS = {
    (route.name, method) for route in API for method, lowest in route.methods.items() if lowest == "operator"
}


def cases(*, of_operators: bool) -> list[tuple[Route, str, str]]:
    """(route, method, scope) of every route that wants certain scopes."""
    return [
        (route, method, scope)
        for route in API
        for method, wanted in SCOPES.get(route.name, {}).items()
        if wanted not in WORDS and ((route.name, method) in OPERATORS) is of_operators
        for scope in wanted.split()
    ]


def test_the_table_says_for_every_route_what_a_token_must_be_made_for() -> None:
    listed = {(name, method) for name, methods in TABLE["api"].items() for method in methods}
    assert {(name, method) for name, methods in SCOPES.items() for method in methods} == listed


def test_only_permissions_of_the_catalogue_are_scopes() -> None:
    known = {each.code for each in all_permissions()}
    named = {
        code
        for methods in SCOPES.values()
        for wanted in methods.values()
        if wanted not in WORDS
        for code in wanted.split()
    }
    assert named <= known


def test_no_token_is_looked_at_where_strangers_are_let_in_and_nowhere_else() -> None:
    strangers = {
        (name, method)
        for name, methods in TABLE["api"].items()
        for method, lowest in methods.items()
        if lowest == "public"
    }
    assert strangers == {
        (name, method)
        for name, methods in SCOPES.items()
        for method, wanted in methods.items()
        if wanted == "nobody"
    }


class Programs:
    """Programs of one person, each with a token for other scopes; one is made when it is first asked for."""

    def __init__(self, host: str, owner: UserActor) -> None:
        self._host, self._owner = host, owner
        self._made: dict[frozenset[str], APIClient] = {}

    def with_scopes(self, scopes: frozenset[str]) -> APIClient:
        if len(self._made) >= AT_ONCE:
            ApiToken.objects.filter(user=self._owner.user).delete()
            self._made.clear()
        if scopes not in self._made:
            self._made[scopes] = token_client(self._host, self._owner, scopes=scopes)
        return self._made[scopes]

    def without(self, scope: str) -> APIClient:
        return self.with_scopes(self._owner.codes - {scope})


def answer_of(client: APIClient, route: Route, method: str, things: Things) -> Any:
    """The answer; what the request changed is undone, and so is the note of a refusal."""
    with atomic():
        answer = ask(client, route, method, things)
        transaction.set_rollback(True, using=current_alias())
    return answer


def lacks(answer: Any) -> tuple[str, str] | None:
    """(permission, reason) of a refusal that is explained, None for every other answer."""
    if answer.status_code != 403 or "access" not in answer.json():
        return None
    return answer.json()["access"]["permission"], answer.json()["access"]["reason"]


def wrong_ones(
    programs: Programs, chosen: list[tuple[Route, str, str]], things: Things
) -> list[tuple[str, str, str, str, int]]:
    """What is not as the table says: (route, method, scope, which token, status)."""
    wrong = []
    for route, method, scope in chosen:
        refused = answer_of(programs.without(scope), route, method, things)
        if lacks(refused) != (scope, "token"):
            wrong.append((route.name, method, scope, "without it", refused.status_code))
        alone = frozenset(SCOPES[route.name][method].split())
        let_in = answer_of(programs.with_scopes(alone), route, method, things)
        if lacks(let_in) is not None or let_in.status_code in {401, 500}:
            wrong.append((route.name, method, scope, "with it alone", let_in.status_code))
    return wrong


def test_a_token_without_the_scope_is_refused_and_with_it_alone_let_through(
    tenant: TenantRef, host: str, owner: UserActor
) -> None:
    chosen = cases(of_operators=False)
    assert len(chosen) > 100
    assert not (wrong := wrong_ones(Programs(host, owner), chosen, things_of(tenant))), wrong


def test_it_is_the_same_on_the_platforms_own_host(tenant: TenantRef, owner: UserActor) -> None:
    things = things_of(tenant)
    Tenant.objects.filter(pk=tenant.id).update(slug="platform")
    directory.forget()
    platform = Tenant.objects.get(pk=tenant.id).ref
    with tenant_scope(platform):
        programs = Programs(Domain.objects.get(tenant_id=platform.id).host, actor_for(owner.user))
        chosen = cases(of_operators=True)
        assert len(chosen) > 10
        assert not (wrong := wrong_ones(programs, chosen, things)), wrong


@pytest.mark.parametrize("wanted", ["*", "one of"])
def test_what_any_of_several_scopes_opens_is_opened_by_any(
    wanted: str, tenant: TenantRef, host: str, owner: UserActor
) -> None:
    things, programs = things_of(tenant), Programs(host, owner)
    scopes = {"*": ["tasks.view"], "one of": ["accounts.view_access", "accounts.change_roles"]}[wanted]
    found = [(r, m) for r in API for m, said in SCOPES.get(r.name, {}).items() if said == wanted]
    assert found
    for route, method in found:
        for scope in scopes:
            answer = answer_of(programs.with_scopes(frozenset({scope})), route, method, things)
            assert lacks(answer) is None, (route.name, method, scope)
            assert answer.status_code != 401
        if wanted == "one of":
            answer = answer_of(programs.with_scopes(frozenset({"tasks.view"})), route, method, things)
            assert answer.status_code == 403, (route.name, method)


def test_no_page_of_the_console_takes_a_token(tenant: TenantRef, host: str, owner: UserActor) -> None:
    things, program = things_of(tenant), token_client(host, owner)
    taken = []
    for route in ROUTES:
        if route.door != "console" or route.name.startswith("scim:"):
            continue
        for method, lowest in route.methods.items():
            if lowest == "public":
                continue
            answer = answer_of(program, route, method, things)
            if not (answer.status_code in {302, 401} and "/account/sign-in/" in answer.get("Location", "")):
                taken.append((route.name, method, answer.status_code))
    assert taken == []


def test_a_refused_token_is_written_down_with_what_it_lacked(host: str, owner: UserActor) -> None:
    program = token_client(host, owner, scopes=frozenset({"tasks.view"}))
    assert program.get(reverse("role-list")).status_code == 403
    denial = AccessDenial.objects.get(user=owner.user)
    assert (denial.permission, denial.reason) == ("accounts.view_access", "token")
    assert denial.token_id is not None


def test_a_token_makes_no_token_with_more_and_changes_no_factor(host: str, owner: UserActor) -> None:
    program = token_client(host, owner)
    body = {"name": "More", "scopes": ["tasks.view"]}
    calls: list[Callable[[], Any]] = [
        lambda: program.post("/api/v1/api-tokens/", body, format="json"),
        lambda: program.post("/api/v1/me/factors/app/"),
        lambda: program.delete("/api/v1/me/factors/app/"),
        lambda: program.post("/api/v1/me/factors/app/confirm/", {"code": "000000"}, format="json"),
        lambda: program.post("/api/v1/me/factors/recovery-codes/"),
    ]
    assert [call().status_code for call in calls] == [403] * len(calls)
