"""Many operations in one message, and the rate a directory is held to."""

from typing import Any

import pytest

from tenants.accounts.access import UserActor
from tenants.accounts.api.scim.bulk import Performer
from tenants.accounts.models import GroupMembership, ScimDirectory, User
from tenants.accounts.scim import bulk, bulk_sizes
from tests.tenants.accounts.scim.conftest import ENTERPRISE, GROUP, ScimClient, user_body

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
    flood = send(scim, *[{"method": "DELETE", "path": "/Users/x"}] * 4)
    assert flood.status_code == 429


def test_a_message_that_no_minute_holds_is_not_told_to_wait(
    scim: ScimClient, directory: ScimDirectory
) -> None:
    ScimDirectory.objects.filter(pk=directory.pk).update(requests_per_minute=60)
    assert scim.get("/ServiceProviderConfig").json()["bulk"]["maxOperations"] == 60
    refused = send(scim, *[{"method": "DELETE", "path": "/Users/x"}] * 61)
    assert refused.status_code == 413
    assert "in parts" in refused.json()["detail"]
    assert "Retry-After" not in refused.headers
    assert send(scim, *[{"method": "DELETE", "path": "/Users/x"}] * 3).status_code == 200


def test_operations_that_keep_within_limits_each_are_bounded_together(scim: ScimClient) -> None:
    patches = [{"op": "remove", "path": "title"}] * 500
    many = {"method": "PATCH", "path": "/Users/x", "data": {"Operations": patches}}
    refused = send(scim, *[many] * 11)
    assert (refused.status_code, refused.json()["status"]) == (413, "413")
    assert "5000" in refused.json()["detail"]
    named: dict[str, Any] = {"value": [{}] * 9_000}
    groups = {"method": "PUT", "path": "/Groups/x", "data": {"members": named["value"]}}
    by_patch = {"method": "PATCH", "path": "/Groups/x", "data": {"operations": [{"op": "add", **named}]}}
    without_path = {
        "method": "PATCH", "path": "/Groups/x",
        "data": {"Operations": [{"op": "add", "value": {"members": named["value"]}}]},
    }  # fmt: skip
    refused = send(scim, groups, by_patch, without_path)
    assert refused.status_code == 413
    assert "20000 members" in refused.json()["detail"]


def test_large_operations_count_for_more_of_the_minute() -> None:
    patch = {"data": {"Operations": [{"op": "add", "path": "members", "value": [{}] * 250}]}}
    assert (
        bulk_sizes.cost_of([{"method": "DELETE"}, patch, {"data": None}, {"data": "text"}]) == 1 + 3 + 1 + 1
    )


def test_what_was_done_in_time_stays_done_and_the_rest_is_said_not_to_be(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticking = iter([0.0, 1.0, 2.0, 26.0, 27.0])
    monkeypatch.setattr("tenants.accounts.api.scim.bulk.monotonic", lambda: next(ticking))
    answer = send(scim, *(new_user(name) for name in ("in-time", "too", "late", "later"))).json()
    assert [each["status"] for each in answer["Operations"]] == ["201", "201", "503", "503"]
    assert "Send this operation again" in answer["Operations"][2]["response"]["detail"]
    made = User.objects.filter(email__endswith="@people.example").values_list("email", flat=True)
    assert sorted(made) == ["in-time@people.example", "too@people.example"]


def test_a_crash_in_one_operation_is_said_of_it_alone(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    performed = Performer._performed

    def crashing(self: Performer, operation: bulk.Operation, kind: str, number: str) -> bulk.Done:
        if "crash" in str(operation.data):
            raise RuntimeError("not the directory's fault")
        return performed(self, operation, kind, number)

    monkeypatch.setattr(Performer, "_performed", crashing)
    answer = send(scim, new_user("before"), new_user("crash"), new_user("after")).json()
    assert [each["status"] for each in answer["Operations"]] == ["201", "500", "201"]
    assert "not the directory" not in str(answer)


def test_who_manage_each_other_wait_for_nobody(scim: ScimClient) -> None:
    def managed(name: str, by: str) -> dict[str, Any]:
        return new_user(name, **{ENTERPRISE: {"manager": {"value": f"bulkId:{by}"}}})

    answer = send(scim, managed("one", "two"), managed("two", "one")).json()
    assert [each["status"] for each in answer["Operations"]] == ["201", "201"]


def test_a_bulk_id_is_used_once_and_what_waits_for_a_circle_is_refused_after_it(scim: ScimClient) -> None:
    def group(name: str, other: str) -> dict[str, Any]:
        data = {"schemas": [GROUP], "displayName": name, "members": [{"value": f"bulkId:{other}"}]}
        return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}

    answer = send(
        scim, group("w", "x"), group("x", "y"), group("y", "x"), new_user("a"), new_user("a")
    ).json()
    assert [each["status"] for each in answer["Operations"]] == ["409", "409", "409", "201", "400"]
    details = [each["response"]["detail"] for each in answer["Operations"][:3]]
    assert "circle" in details[1]
    assert "bulkId:x" in details[0]
    assert "bulkId:x" in details[2]


def test_a_long_chain_is_done_from_its_end() -> None:
    count = 1_000
    chain = [
        {"method": "PUT", "path": f"/Groups/bulkId:c{number + 1}", "bulkId": f"c{number}", "data": {}}
        for number in range(count - 1)
    ]
    chain.append({"method": "POST", "path": "/Groups", "bulkId": f"c{count - 1}", "data": {}})
    done: list[str] = []

    def perform(operation: bulk.Operation) -> bulk.Done:
        done.append(operation.path)
        return bulk.Done(status=200, id=f"id{len(done)}")

    answer = bulk.run(chain, 0, perform, is_over=lambda: False)
    assert {each["status"] for each in answer["Operations"]} == {"200"}
    assert done == ["/Groups", *(f"/Groups/id{number}" for number in range(1, count))]
