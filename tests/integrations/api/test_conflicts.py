"""The door of conflicts: list, one, choose, choose many, take back."""

from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from integrations.models import Conflict
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import edit_tasks
from tenants.accounts.access import SYSTEM
from tests.factories.conflicts import conflicting

HERE = "/api/v1/conflicts/"


def test_conflicts_are_listed_newest_first_and_filtered(api: APIClient) -> None:
    first = conflicting(base="Old", local="Ours", remote="Theirs")
    second = conflicting(our_field="estimate", base="1.00", local="2.00", remote="3.00", chosen="remote")

    everything = api.get(HERE).json()["results"]

    assert [item["id"] for item in everything] == [str(second.pk), str(first.pk)]
    assert (everything[1]["base"], everything[1]["local"], everything[1]["remote"]) == (
        "Old",
        "Ours",
        "Theirs",
    )
    assert everything[1]["sides"] == ["local", "remote", "base"]
    assert everything[1]["task"]["key"]
    for query, found in (
        ("state=open", [first]),
        ("our_field=estimate", [second]),
        (f"task={first.task_id}", [first]),
        (f"connection={uuid4()}", []),
    ):
        assert [item["id"] for item in api.get(f"{HERE}?{query}").json()["results"]] == [
            str(row.pk) for row in found
        ]


@pytest.mark.parametrize("query", ["state=nonsense", "our_field=x", "task=7", "unknown=1"])
def test_filters_that_cannot_be_are_refused(api: APIClient, query: str) -> None:
    assert api.get(f"{HERE}?{query}").status_code == 422


def test_choosing_settles_and_a_second_choice_is_a_conflict(api: APIClient) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")
    shown = api.get(f"{HERE}{conflict.pk}/").json()

    answer = api.post(f"{HERE}{conflict.pk}/choose/", {"side": "remote", "updated_at": shown["updated_at"]})

    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["chosen"]) == ("settled", "remote")
    assert answer.json()["settled_by_id"]
    assert Task.objects.get(pk=conflict.task_id).title == "Theirs"

    again = api.post(f"{HERE}{conflict.pk}/choose/", {"side": "local"})

    assert (again.status_code, again.json()["code"]) == (409, "integrations.conflict_settled")

    back = api.post(f"{HERE}{conflict.pk}/revert/", {})

    assert (back.status_code, back.json()["chosen"]) == (200, "local")
    assert Task.objects.get(pk=conflict.task_id).title == "Ours"


def test_values_that_moved_on_are_a_conflict_until_one_is_sure(api: APIClient) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")
    edit_tasks(ids=[conflict.task_id], changes=TaskChanges(title="Newer"), actor=SYSTEM)

    answer = api.post(f"{HERE}{conflict.pk}/choose/", {"side": "remote"})

    assert (answer.status_code, answer.json()["code"]) == (409, "integrations.conflict_moved_on")
    assert api.post(f"{HERE}{conflict.pk}/choose/", {"side": "remote", "is_sure": True}).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"side": "x"}, 400), ({"side": "merged"}, 422), ({"side": "local", "more": 1}, 400)],
)
def test_a_choice_that_makes_no_sense_is_refused(
    api: APIClient, body: dict[str, object], status: int
) -> None:
    conflict = conflicting(base="Call", local="Ring", remote="Write")

    assert api.post(f"{HERE}{conflict.pk}/choose/", body).status_code == 422
    assert Conflict.objects.get().state == "open"


def test_what_is_not_decided_cannot_be_taken_back(api: APIClient) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")

    answer = api.post(f"{HERE}{conflict.pk}/revert/", {})

    assert (answer.status_code, answer.json()["code"]) == (409, "integrations.conflict_open")
    assert api.post(f"{HERE}{uuid4()}/revert/", {}).status_code == 404


def test_many_are_chosen_together(api: APIClient) -> None:
    rows = [conflicting(base="Old", local="Ours", remote="Theirs") for _ in range(2)]
    nobody = uuid4()

    answer = api.post(
        f"{HERE}choose/", {"ids": [*(str(row.pk) for row in rows), str(nobody)], "side": "local"}
    )

    assert answer.status_code == 200
    assert set(answer.json()["settled_ids"]) == {str(row.pk) for row in rows}
    assert [item["conflict_id"] for item in answer.json()["refused"]] == [str(nobody)]
    assert api.post(f"{HERE}choose/", {"ids": [], "side": "local"}).status_code == 422


def test_what_we_wrote_over_unread_says_that_nobody_knows_it(api: APIClient) -> None:
    lost = conflicting(base="Old", local="Ours", remote=None, chosen="local", policy=Conflict.UNREAD)

    shown = api.get(f"{HERE}{lost.pk}/").json()
    assert (shown["policy"], shown["remote"], shown["sides"]) == ("unread", None, ["local", "base"])
    refused = api.post(f"{HERE}{lost.pk}/revert/", {}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "integrations.conflict_unread")
    assert api.post(f"{HERE}{lost.pk}/choose/", {"side": "remote"}, format="json").status_code == 422
    assert api.post(f"{HERE}{lost.pk}/choose/", {"side": "local"}, format="json").status_code == 200
