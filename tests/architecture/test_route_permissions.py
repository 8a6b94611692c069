"""Every route by a role of the company's own: with exactly what the route wants, and with everything but that."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from tenants.accounts.access import Role, all_permissions
from tenants.accounts.models import AccessDenial, CustomRole, RoleBinding
from tenants.tenancy import TenantRef, atomic
from tenants.tenancy.transactions import current_alias
from tests.architecture.asking import DENIED, ask
from tests.architecture.routes import ROUTES, TABLE, Route
from tests.architecture.things import Things, in_the_hands_of, things_of
from tests.people import person, signed_in_client

SCOPES: dict[str, dict[str, str]] = TABLE["scopes"]
PAGES: dict[str, dict[str, str]] = TABLE["pages"]
SEEN: dict[str, str] = TABLE["seen"]
# What any person may do who is in, and what is not for people of a company.
UNNAMED = {"public", "guest", "operator"}
FORBIDDEN, NOT_FOUND = 403, 404
# What is refused for who is meant is said in the form again.
SAID_IN_THE_FORM = {("accounts:break_glass", "POST"): 422}
ANYBODY, ONE_OF = "*", "one of"
# Opens nothing by itself: whoever holds no more than a guest is a client, for whom all but the portal does not exist.
COLLEAGUE = "platform.see_companies"
EVERYTHING = frozenset(each.code for each in all_permissions())


def wanted_by(route: Route, method: str) -> str:
    """What the table says a route wants: permissions, "*" or "one of"."""
    return (SCOPES if route.door == "api" else PAGES)[route.name][method]


def cases() -> Iterator[tuple[Route, str, str]]:
    """(route, method, what it wants) of every case that asks for permissions."""
    for route in ROUTES:
        for method, lowest in route.methods.items():
            if lowest not in UNNAMED and (wanted := wanted_by(route, method)) not in {ANYBODY, ONE_OF}:
                yield route, method, wanted


@dataclass
class Colleague:
    """Somebody with one role of the company's own, which allows something else from question to question."""

    role: CustomRole
    client: Client
    things: Things

    @classmethod
    def of(cls, tenant: TenantRef, host: str) -> "Colleague":
        """Make them in the open scope."""
        actor = person(tenant, Role.MEMBER, "Olive Own-Example")
        role = CustomRole.objects.create(name="One of our own", codes=[])
        RoleBinding.objects.filter(user=actor.user).update(role="", custom_role=role)
        return cls(role, signed_in_client(host, actor), in_the_hands_of(actor, things_of(tenant)))

    def asks(self, route: Route, method: str, *, holding: frozenset[str]) -> tuple[Any, set[tuple[str, str]]]:
        """(answer, {(permission, reason)} of the refusals written down); what it changed is undone, here and there."""
        cookies = {name: morsel.value for name, morsel in self.client.cookies.items()}
        with transaction.atomic(using="default"), atomic():
            CustomRole.objects.filter(pk=self.role.pk).update(codes=sorted(holding))
            answer = ask(self.client, route, method, self.things)
            refused = set(AccessDenial.objects.values_list("permission", "reason"))
            for alias in ("default", current_alias()):
                transaction.set_rollback(True, using=alias)
        self.client.cookies.load(cookies)
        return answer, refused


@pytest.fixture
def colleague(tenant: TenantRef, host: str) -> "Colleague":
    return Colleague.of(tenant, host)


def test_the_table_says_of_every_page_what_it_wants() -> None:
    listed = {
        (route.name, method)
        for route in ROUTES
        if route.door == "console"
        for method, lowest in route.methods.items()
        if lowest not in UNNAMED
    }
    assert {(name, method) for name, methods in PAGES.items() for method in methods} == listed
    wants = {wanted for methods in PAGES.values() for wanted in methods.values()} - {ONE_OF}
    assert {code for wanted in wants for code in wanted.split()} <= EVERYTHING


def test_exactly_what_a_route_wants_opens_it_like_everything_there_is(
    colleague: Colleague,
) -> None:
    """But for decisions about people and roles that hold more than oneself: those lack no permission."""
    wrong = []
    for route, method, wanted in cases():
        most, _none = colleague.asks(route, method, holding=EVERYTHING)
        holding = frozenset({COLLEAGUE, *wanted.split(), SEEN.get(route.name, COLLEAGUE)})
        answer, refused = colleague.asks(route, method, holding=holding)
        said = SAID_IN_THE_FORM.get((route.name, method), FORBIDDEN)
        is_same = answer.status_code in {most.status_code, said}
        if refused or not is_same or most.status_code == 500:
            wrong.append((route.name, method, wanted, answer.status_code, most.status_code, refused))
    assert not wrong, "\n".join(map(str, wrong))


def test_everything_but_one_of_the_permissions_a_route_wants_does_not(
    colleague: Colleague,
) -> None:
    wrong = []
    for route, method, wanted in cases():
        for code in wanted.split():
            answer, refused = colleague.asks(route, method, holding=EVERYTHING - {code})
            # The API says what is missing before it looks anything up; a page may say that there is no such thing.
            said = {(code, "no_role")}
            is_said = refused == said or (route.door == "console" and not refused)
            if answer.status_code not in DENIED or not is_said:
                wrong.append((route.name, method, code, answer.status_code, refused))
    assert not wrong, "\n".join(map(str, wrong))


def test_what_one_may_not_see_is_not_there_whatever_else_one_may_do(
    colleague: Colleague,
) -> None:
    wrong = []
    asked = [case for case in cases() if case[0].name in SEEN and SEEN[case[0].name] not in case[2].split()]
    assert {route.name for route, _method, _wanted in asked} == set(SEEN)
    for route, method, _wanted in asked:
        answer, _refused = colleague.asks(route, method, holding=EVERYTHING - {SEEN[route.name]})
        if answer.status_code != NOT_FOUND:
            wrong.append((route.name, method, SEEN[route.name], answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))
