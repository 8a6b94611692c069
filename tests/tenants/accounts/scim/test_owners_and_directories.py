"""What a directory's key must not be good for: an owner's account by another address."""

from uuid import UUID

import pytest

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.models import Group, ScimDeprovisioning, ScimDirectory, ScimPerson, User
from tenants.accounts.scim.brake import approve
from tenants.accounts.scim.directories import create_directory
from tenants.accounts.scim.mapping import set_mapping
from tenants.accounts.scim.tokens import issue_scim_token
from tenants.accounts.services import create_user
from tenants.foundation.errors import Forbidden
from tenants.tenancy import TenantRef
from tests.people import PASSWORD, person
from tests.tenants.accounts.scim.conftest import ScimClient, user_body


@pytest.fixture
def boss(scim: ScimClient) -> User:
    """An owner whom the directory has brought under its rule."""
    made = create_user(
        email="boss@people.example", name="Boss Made-Up", role=Role.OWNER, password=PASSWORD, actor=SYSTEM
    )
    assert scim.user("boss")["id"] == str(made.pk)
    return made


def test_an_owners_address_is_not_changed_by_a_directory(scim: ScimClient, boss: User) -> None:
    """Letters for a new password go there: whoever holds the directory's key would own the company."""
    mine = [{"value": "mallory@people.example", "primary": True}]
    answer = scim.patch(f"/Users/{boss.pk}", {"op": "replace", "path": "emails", "value": mine})
    assert answer.status_code == 409
    assert "owner" in answer.json()["detail"]
    put = scim.send("PUT", f"/Users/{boss.pk}", user_body("boss", emails=mine))
    assert put.status_code == 409
    assert User.objects.get(pk=boss.pk).email == "boss@people.example"
    assert ScimPerson.objects.get(user=boss).emails.get().value == "boss@people.example"


def test_a_directory_names_an_owner_all_the_same(scim: ScimClient, boss: User) -> None:
    answer = scim.patch(f"/Users/{boss.pk}", {"op": "replace", "path": "name.givenName", "value": "Bettina"})
    assert answer.status_code == 200
    assert "Bettina" in User.objects.get(pk=boss.pk).name


def test_another_persons_address_follows_their_directory(scim: ScimClient) -> None:
    made = scim.user("nia")
    new = [{"value": "nia.married@people.example", "primary": True}]
    assert (
        scim.patch(f"/Users/{made['id']}", {"op": "replace", "path": "emails", "value": new}).status_code
        == 200
    )
    assert User.objects.get(pk=made["id"]).email == "nia.married@people.example"


def test_an_address_is_not_changed_by_the_key_of_somebody_who_holds_less(
    scim: ScimClient, tenant: TenantRef, admin: UserActor
) -> None:
    """Who looks after security could make a key, move an administrator's letters and be an administrator."""
    guard = person(tenant, Role.SECURITY, "Sam Security-Example")
    mine = create_directory(actor=SYSTEM, name="Sam's", default_role="")
    key = issue_scim_token(directory=mine, actor=guard).token.reveal()
    theirs = ScimClient(scim.client, key)
    create_user(email="ada2@people.example", name="Ada Two", role=Role.ADMIN, password=PASSWORD, actor=SYSTEM)
    taken = theirs.user("ada2")
    new = {"op": "replace", "path": "emails", "value": [{"value": "sam@people.example", "primary": True}]}
    assert theirs.patch(f"/Users/{taken['id']}", new).status_code == 409
    assert User.objects.get(pk=taken["id"]).email == "ada2@people.example"


def test_who_holds_more_than_the_maker_of_the_key_is_shut_out_by_a_person(
    scim: ScimClient, tenant: TenantRef, admin: UserActor
) -> None:
    """By hand whoever looks after security shuts no administrator out; nor do they with a key of their own."""
    guard = person(tenant, Role.SECURITY, "Sam Security-Example")
    mine = create_directory(actor=SYSTEM, name="Sam's", default_role="")
    theirs = ScimClient(scim.client, issue_scim_token(directory=mine, actor=guard).token.reveal())
    victim = create_user(
        email="ada2@people.example", name="Ada Two", role=Role.ADMIN, password=PASSWORD, actor=SYSTEM
    )
    answer = theirs.post("/Users", user_body("ada2", active=False))
    assert answer.status_code == 409
    assert "holds more" in answer.json()["detail"]
    assert User.objects.get(pk=victim.pk).is_active
    held = ScimDeprovisioning.objects.get(directory=mine, user=victim, state="held")
    with pytest.raises(Forbidden):
        approve(held=[held.pk], actor=guard)
    assert approve(held=[held.pk], actor=admin) == 1
    assert not User.objects.get(pk=victim.pk).is_active


def test_nobody_makes_a_key_to_roles_above_their_own(
    scim: ScimClient, directory: ScimDirectory, tenant: TenantRef, admin: UserActor
) -> None:
    guard = person(tenant, Role.SECURITY, "Sam Security-Example")
    issue_scim_token(directory=directory, actor=guard)
    group = scim.group("Administrators")
    set_mapping(directory, {UUID(group["id"]): "admin"}, actor=admin)
    with pytest.raises(Forbidden, match="above yours"):
        issue_scim_token(directory=directory, actor=guard)
    issue_scim_token(directory=directory, actor=admin)
    joins = create_directory(actor=admin, name="Joins", default_role="admin")
    with pytest.raises(Forbidden, match="above yours"):
        issue_scim_token(directory=joins, actor=guard)


# --- what takes long is refused before it is taken apart


@pytest.mark.parametrize(
    "text", ['userName eq "\\u0000"', 'userName eq "\\ud800"', 'emails.value co "a\\u0000"']
)
def test_a_filter_with_what_no_text_holds_is_refused(scim: ScimClient, text: str) -> None:
    assert scim.post("/Users/.search", {"filter": text}).status_code == 400
    group = scim.group("Makers")
    removed = {"op": "remove", "path": 'members[display eq "\\u0000"]'}
    assert scim.patch(f"/Groups/{group['id']}", removed).status_code == 400


def test_what_is_long_is_never_taken_apart(scim: ScimClient) -> None:
    group = scim.group("Makers")
    long = "(" * 200_000 + 'display eq "a"' + ")" * 200_000
    for path in ("/Users/.search", "/Groups/.search", "/.search"):
        answer = scim.post(path, {"Filter": long})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")
    for name in ("path", "Path"):
        answer = scim.patch(f"/Groups/{group['id']}", {"op": "remove", name: f"members[{long}]"})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidPath")
    many = [{"op": "replace", "path": "displayName", "value": f"{number}"} for number in range(501)]
    assert scim.patch(f"/Groups/{group['id']}", *many).status_code == 413
    assert Group.objects.get(pk=group["id"]).name == "Makers"
