"""Many operations in one message, keys and rates."""

from typing import Any

import pytest
from django.test import Client

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import GroupMembership, ScimDirectory, ScimToken, User
from tenants.accounts.scim.directories import DirectoryChange, change_directory
from tenants.accounts.scim.tokens import issue_scim_token, revoke_scim_token
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.tenancy import TenantRef
from tenants.tenancy.addresses import canonical_host
from tests.people import person
from tests.tenants.accounts.scim.conftest import GROUP, ScimClient, user_body

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def send(scim: ScimClient, *operations: dict[str, Any], **more: Any) -> Any:
    return scim.post("/Bulk", {"schemas": [BULK], "Operations": list(operations)} | more)


def new_user(name: str, **values: Any) -> dict[str, Any]:
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": user_body(name, **values)}


def test_operations_wait_for_what_they_name_in_whatever_order(scim: ScimClient) -> None:
    group = {
        "method": "POST", "path": "/Groups", "bulkId": "g",
        "data": {"schemas": [GROUP], "displayName": "G", "members": [{"value": "bulkId:a"}, {"value": "bulkId:b"}]},
    }  # fmt: skip
    rename = {
        "method": "PATCH", "path": "/Groups/bulkId:g",
        "data": {"Operations": [{"op": "replace", "path": "displayName", "value": "Named"}]},
    }  # fmt: skip
    answer = send(scim, rename, group, new_user("a"), new_user("b")).json()
    assert [each["status"] for each in answer["Operations"]] == ["200", "201", "201", "201"]
    made = answer["Operations"][1]
    assert made["bulkId"] == "g"
    number = made["location"].rpartition("/")[2]
    assert GroupMembership.objects.filter(group=number).count() == 2
    assert scim.get(f"/Groups/{number}").json()["displayName"] == "Named"


def test_one_failure_harms_no_other_and_many_stop_it(scim: ScimClient) -> None:
    scim.user("there")
    bad = [
        new_user("there"),
        {"method": "DELETE", "path": "/Users/nobody"},
        {"method": "GET", "path": "/Users"},
    ]
    answer = send(scim, bad[0], new_user("one"), bad[1], bad[2], new_user("two")).json()
    assert [each["status"] for each in answer["Operations"]] == ["409", "201", "404", "400", "201"]
    assert answer["Operations"][0]["response"]["scimType"] == "uniqueness"
    stopped = send(scim, bad[0], bad[1], new_user("three"), failOnErrors=2).json()
    assert [each["status"] for each in stopped["Operations"]] == ["409", "404"]
    assert not User.objects.filter(email="three@people.example").exists()


def test_circles_and_unknown_references_are_conflicts(scim: ScimClient) -> None:
    def group(name: str, other: str) -> dict[str, Any]:
        data = {"schemas": [GROUP], "displayName": name, "members": [{"value": f"bulkId:{other}"}]}
        return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}

    circle = send(scim, group("x", "y"), group("y", "x")).json()
    assert [each["status"] for each in circle["Operations"]] == ["409", "409"]
    assert send(scim, group("x", "nobody")).json()["Operations"][0]["status"] == "409"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"Operations": []}, 400),
        ({"Operations": "text"}, 400),
        ({"Operations": [1]}, 400),
        ({"Operations": [{}], "failOnErrors": -1}, 400),
        ({"Operations": [{"method": "DELETE", "path": "/Users/x"}] * 1001}, 413),
        ([], 400),
    ],
)
def test_a_message_that_is_none_is_refused(scim: ScimClient, body: Any, status: int) -> None:
    assert scim.post("/Bulk", body).status_code == status


def test_a_directory_is_held_to_its_rate(
    scim: ScimClient, directory: ScimDirectory, admin: UserActor
) -> None:
    ScimDirectory.objects.filter(pk=directory.pk).update(requests_per_minute=5)
    answers = [scim.get("/ServiceProviderConfig") for _number in range(12)]
    refused = [each for each in answers if each.status_code == 429]
    assert refused  # at the turn of a minute some more get through
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 60
    assert refused[0].json()["status"] == "429"
    flood = send(scim, *[{"method": "DELETE", "path": "/Users/x"}] * 20)
    assert flood.status_code == 429


# --- keys


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
