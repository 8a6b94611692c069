"""Every route as a stranger, as another company's user, with too small a role, and with another company's ids."""

import re

import pytest
from django.test import Client

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import (
    User,
)
from tenants.accounts.selectors import actor_for
from tenants.models import Domain
from tenants.tenancy import TenantRef, tenant_scope
from tests.architecture.asking import (
    DENIED,
    answers,
    ask,
    is_sent_to_sign_in,
    is_turned_away,
)
from tests.architecture.routes import KNOWN, ROUTES, TABLE, Route
from tests.architecture.things import Things, in_the_hands_of, things_of
from tests.people import person, signed_in_client

ROLES = list(Role)
BESIDE = {Role.SECURITY, Role.AUDITOR}


def test_the_table_lists_every_route_and_nothing_else() -> None:
    listed = {name: door for door in ("api", "console", "scim") for name in TABLE[door]}
    assert {name: door for name, (door, _arguments) in KNOWN.items()} == listed


@pytest.fixture
def things(tenant: TenantRef) -> Things:
    return things_of(tenant)


@pytest.fixture
def foreign_things(other_tenant: TenantRef) -> Things:
    with tenant_scope(other_tenant):
        return things_of(other_tenant)


def may_enter(role: Role, route: Route, method: str, lowest: str) -> bool:
    """What the table says: from the lowest role on the ladder up; who stands beside it is named one by one."""
    if lowest in {"public", "guest"}:
        return True
    if role in BESIDE:
        named = TABLE["beside"].get(route.name)
        if named is not None:
            return role.value in named.get(method, [])
        return role is Role.AUDITOR and (method, lowest) == ("GET", "member")
    return lowest != "operator" and role.includes(Role(lowest))


def test_a_stranger_gets_in_nowhere_but_where_the_table_says(things: Things, stranger: Client) -> None:
    wrong = [
        (route.name, method, answer.status_code)
        for route, method, lowest, answer in answers(stranger, things)
        if is_turned_away(route, answer) is (lowest == "public") or answer.status_code >= 500
    ]
    assert wrong == []


def test_another_companys_user_is_a_stranger_here(
    things: Things, tenant: TenantRef, host: str, other_tenant: TenantRef
) -> None:
    with tenant_scope(other_tenant):
        theirs = Domain.objects.get(tenant_id=other_tenant.id).host
        owner = actor_for(User.objects.get(email=f"owner@{other_tenant.slug}.example"))
        client = signed_in_client(theirs, owner)
    client.defaults["HTTP_HOST"] = host
    wrong = [
        (route.name, method, answer.status_code)
        for route, method, lowest, answer in answers(client, things)
        if lowest != "public" and not is_turned_away(route, answer)
    ]
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_gets_in_where_the_table_says_and_nowhere_else(
    role: Role, things: Things, tenant: TenantRef, host: str, owner: UserActor
) -> None:
    actor = owner if role is Role.OWNER else person(tenant, role, f"{role.label} Route-Example")
    wrong = []
    theirs = in_the_hands_of(actor, things)
    for route, method, lowest, answer in answers(signed_in_client(host, actor), theirs):
        may = may_enter(role, route, method, lowest)
        is_refused = answer.status_code in {401, 403} or is_sent_to_sign_in(answer)
        is_in = not is_refused and answer.status_code != 500
        is_kept_out = answer.status_code in DENIED
        if not (is_in if may else is_kept_out):
            wrong.append((route.name, method, lowest, answer.status_code))
    assert wrong == []


def test_another_companys_ids_are_nothing_here(
    foreign_things: Things, tenant: TenantRef, host: str, owner: UserActor
) -> None:
    naming = {
        "key",
        "project_id",
        "milestone_id",
        "user_id",
        "invitation_id",
        "connection_id",
        "collection_id",
        "run_id",
        "export_id",
        "conflict_id",
        "push_id",
        "provider_id",
        "approval_id",
        "change_id",
        "id",
    }
    wrong = [
        (route.name, method, answer.status_code)
        for route, method, lowest, answer in answers(signed_in_client(host, owner), foreign_things)
        if naming & set(route.arguments) and lowest != "public"
        # A colleague is led to their own page of an approval, which is looked up there.
        if route.name != "portal:approval"
        if answer.status_code != 404 or b"Canary" in answer.content
    ]
    assert not wrong, wrong


def test_a_role_below_reads_no_name_of_a_hidden_thing(
    things: Things, tenant: TenantRef, host: str, guest: UserActor
) -> None:
    client = signed_in_client(host, guest)
    for route in ROUTES:
        if route.methods.get("GET") in {"member", "manager", "admin"}:
            body = ask(client, route, "GET", things).content
            assert not re.search(rb"Canary of|Canary north", body), route.name
