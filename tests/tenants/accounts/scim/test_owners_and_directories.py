"""What a directory's key must not be good for: an owner's account by another address."""

import pytest

from tenants.accounts.access import SYSTEM, Role
from tenants.accounts.models import ScimPerson, User
from tenants.accounts.services import create_user
from tests.people import PASSWORD
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
