"""Every route of the SCIM door as everybody who is no directory of this company, and with another directory's ids."""

import uuid
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.models import EmailDomain, ScimDirectory
from tenants.accounts.scim.directories import DirectoryChange, change_directory, create_directory
from tenants.accounts.scim.tokens import issue_scim_token
from tenants.accounts.tokens.services import create_api_token
from tenants.models import Domain
from tenants.tenancy import TenantRef, tenant_scope
from tests.architecture.canary import rows_of
from tests.architecture.routes import KNOWN, TABLE
from tests.people import person, signed_in_client
from tests.tenants.accounts.scim.conftest import ScimClient, user_body

ROUTES = TABLE["scim"]


def directory_of(tenant: TenantRef, name: str = "Canary") -> tuple[ScimDirectory, str]:
    """A directory with a key, in the open scope."""
    EmailDomain.objects.get_or_create(
        domain="people.example", defaults={"nonce": "n", "state": EmailDomain.State.VERIFIED}
    )
    made = create_directory(actor=SYSTEM, name=f"{name} of {tenant.slug}")
    change_directory(
        directory=made, actor=SYSTEM, change=DirectoryChange(brake_percent=100, requests_per_minute=30_000)
    )
    return made, issue_scim_token(directory=made, actor=SYSTEM).token.reveal()


def requests(**ids: str) -> Iterator[tuple[str, str, str]]:
    """(name, method, address) of every route and method."""
    for name, methods in ROUTES.items():
        arguments = {argument: ids.get(name, str(uuid.uuid4())) for argument in KNOWN[name][1]}
        for method in methods:
            yield name, method, reverse(name, kwargs=arguments)


def host_of(tenant: TenantRef) -> str:
    return Domain.objects.get(tenant_id=tenant.id, is_canonical=True).host


def turned_away(client: Client, **headers: str) -> list[str]:
    """What was not answered with 401 in SCIM's own form."""
    wrong = []
    for name, method, address in requests():
        answer = client.generic(
            method, address, "{}", content_type="application/scim+json", headers=headers or None
        )
        is_scim = answer.headers.get("Content-Type", "").startswith("application/scim+json")
        if answer.status_code != 401 or not is_scim or "Bearer" not in answer.headers["WWW-Authenticate"]:
            wrong.append(f"{method} {name} {answer.status_code}")
    return wrong


def test_a_stranger_gets_in_nowhere(host: str, tenant: TenantRef) -> None:
    assert turned_away(Client(headers={"host": host})) == []
    assert turned_away(Client(headers={"host": host}), Authorization="Bearer nonsense") == []


@pytest.mark.parametrize("role", list(Role))
def test_no_user_gets_in_by_a_session(role: Role, host: str, tenant: TenantRef, owner: UserActor) -> None:
    actor = owner if role is Role.OWNER else person(tenant, role, f"{role.label} Scim-Example")
    assert turned_away(signed_in_client(host, actor)) == []


def test_no_api_token_gets_in(host: str, tenant: TenantRef, owner: UserActor) -> None:
    token = create_api_token(actor=owner, name="All", scopes=sorted(owner.codes)).token.reveal()
    assert turned_away(Client(headers={"host": host}), Authorization=f"Bearer {token}") == []


def test_another_companys_key_is_nobodys_here(host: str, tenant: TenantRef, other_tenant: TenantRef) -> None:
    with tenant_scope(other_tenant):
        _directory, key = directory_of(other_tenant)
    assert turned_away(Client(headers={"host": host}), Authorization=f"Bearer {key}") == []


def test_a_key_opens_no_other_door(host: str, tenant: TenantRef) -> None:
    _directory, key = directory_of(tenant)
    for address in ("/api/v1/me/", "/api/v1/users/", "/settings/directories/"):
        answer = Client(headers={"host": host}).get(address, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code in {401, 302}, address


def test_with_anothers_ids_nothing_is_shown_or_changed(
    host: str, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """Another company's ids, and those of another directory of the same company."""
    with tenant_scope(other_tenant):
        theirs = ScimClient(Client(headers={"host": host_of(other_tenant)}), directory_of(other_tenant)[1])
        foreign = theirs.user("foreign")
        foreign_group = theirs.group("Zq foreign group", foreign["id"])
    beside = ScimClient(Client(headers={"host": host}), directory_of(tenant, "Beside")[1])
    near = beside.user("near")
    near_group = beside.group("Zq near group", near["id"])
    mine = ScimClient(Client(headers={"host": host}), directory_of(tenant)[1])
    own = mine.group("Own")
    before, wrong = rows_of(other_tenant), []
    for person_id, group_id in ((foreign["id"], foreign_group["id"]), (near["id"], near_group["id"])):
        ids = {"scim:user": person_id, "scim:group": group_id}
        for name, method, address in requests(**ids):
            if name not in ids:
                continue
            body = user_body("taken") if name == "scim:user" else {"displayName": "taken", "members": []}
            answer = mine.send(method, address.removeprefix("/scim/v2"), body)
            if answer.status_code not in {404, 400}:
                wrong.append(f"{method} {name} {answer.status_code}")
        add = {"op": "add", "path": "members", "value": [{"value": person_id}]}
        if mine.patch(f"/Groups/{own['id']}", add).status_code != 400:
            wrong.append("a stranger joined a group")
        search = mine.get(f'/Users?filter=id eq "{person_id}"').json()
        if search["totalResults"]:
            wrong.append("a stranger was found")
    assert wrong == []
    assert rows_of(other_tenant) == before
    assert beside.get(f"/Users/{near['id']}").json()["userName"] == "near@people.example"
    assert beside.get(f"/Groups/{near_group['id']}").json()["members"][0]["value"] == near["id"]
