"""The keys of directories: made by who may, within bounds, two at once, held to their networks."""

import pytest
from django.test import Client

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import ScimDirectory, ScimToken
from tenants.accounts.scim.directories import DirectoryChange, change_directory
from tenants.accounts.scim.tokens import issue_scim_token, revoke_scim_token
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.tenancy import TenantRef
from tenants.tenancy.addresses import canonical_host
from tests.people import person
from tests.tenants.accounts.scim.conftest import ScimClient


def test_two_keys_are_good_at_once_and_never_three(
    scim: ScimClient, directory: ScimDirectory, admin: UserActor
) -> None:
    client = Client(headers={"host": canonical_host()})
    keys = [scim.token]
    keys += [issue_scim_token(directory=directory, actor=admin).token.reveal() for _number in range(2)]
    statuses = [ScimClient(client, key).get("/Users").status_code for key in keys]
    assert statuses == [401, 200, 200]
    last = ScimToken.objects.order_by("-created_at", "-id").first()
    assert last is not None
    revoke_scim_token(token=last, actor=admin)
    assert [ScimClient(client, key).get("/Users").status_code for key in keys] == [401, 200, 401]
    with pytest.raises(Conflict):
        revoke_scim_token(token=last, actor=admin)


def test_a_key_is_held_to_its_networks_and_kept_as_a_hash(directory: ScimDirectory, admin: UserActor) -> None:
    issued = issue_scim_token(directory=directory, actor=admin, allowed_networks=["203.0.113.0/24"])
    client = ScimClient(Client(headers={"host": canonical_host()}), issued.token.reveal())
    assert client.get("/Users").status_code == 401
    client.client.defaults["REMOTE_ADDR"] = "203.0.113.9"
    assert client.get("/Users").status_code == 200
    row = ScimToken.objects.filter(pk=issued.row.pk).values().get()
    assert issued.token.reveal() not in str(row)
    assert bytes(row["secret_hash"]) != issued.token.reveal().encode()


def test_keys_are_made_by_who_may_and_within_bounds(
    directory: ScimDirectory, admin: UserActor, tenant: TenantRef
) -> None:
    with pytest.raises(Forbidden):
        issue_scim_token(directory=directory, actor=person(tenant, Role.MANAGER, "Mo Manager-Example"))
    for wrong in ({"days": 0}, {"days": 366}, {"overlap_hours": 169}, {"allowed_networks": ["nowhere"]}):
        with pytest.raises(InvalidInput):
            issue_scim_token(directory=directory, actor=admin, **wrong)
    with pytest.raises(InvalidInput):
        change_directory(directory=directory, actor=admin, change=DirectoryChange(brake_percent=101))
    with pytest.raises(InvalidInput, match="verified"):
        change_directory(
            directory=directory, actor=admin, change=DirectoryChange(username_domain="else.example")
        )
    with pytest.raises(InvalidInput, match="owner"):
        change_directory(directory=directory, actor=admin, change=DirectoryChange(default_role="owner"))
