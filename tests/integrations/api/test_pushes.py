"""`/api/v1/pushes/` and `/api/v1/task-sync/` from the outside."""

import uuid

import pytest
from rest_framework.test import APIClient

from integrations.models import Push
from integrations.sync.push import refusals
from tenants.tenancy import atomic
from tests.factories.conflicts import task_with_link

PUSHES = "/api/v1/pushes/"


@pytest.fixture
def refused(api: APIClient) -> Push:
    """A change the service would not take."""
    with atomic():
        task, link = task_with_link(title="Paint the fence")
        return Push.objects.create(
            connection=link.connection, collection=link.collection, link=link, task=task,
            state=Push.State.PARKED, error_code=refusals.VALUE, error_field="Tags", error="No commas.",
        )  # fmt: skip


def test_filters_that_are_none_are_refused(api: APIClient, refused: Push) -> None:
    assert api.get(PUSHES, {"state": "lost"}).status_code == 422
    assert api.get(PUSHES, {"task": "nobody"}).status_code == 422
    assert api.get(PUSHES, {"colour": "red"}).status_code == 422
    assert api.get(f"{PUSHES}{uuid.uuid4()}/").status_code == 404
    assert api.post(f"{PUSHES}retry-refused/", {"connection_id": str(uuid.uuid4())}).status_code == 404


def test_what_was_refused_is_listed_with_its_reason_and_sent_again(api: APIClient, refused: Push) -> None:
    (row,) = api.get(PUSHES, {"state": "parked"}).json()["results"]
    assert (row["error_field"], row["error"]) == ("Tags", "No commas.")
    assert "it is sent by itself" in row["hint"]
    assert row["task"]["title"] == "Paint the fence"
    assert api.get(PUSHES, {"state": "waiting"}).json()["results"] == []

    again = api.post(f"{PUSHES}{refused.pk}/retry/")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    assert api.post(f"{PUSHES}{refused.pk}/retry/").status_code == 409


def test_everything_refused_is_sent_again_at_once(api: APIClient, refused: Push) -> None:
    body = {"connection_id": str(refused.connection_id)}
    assert api.post(f"{PUSHES}retry-refused/", body).json() == {"count": 1}
    assert api.post(f"{PUSHES}retry-refused/", {}).json() == {"count": 0}


def test_how_a_task_stands_is_told_by_its_id(api: APIClient, refused: Push) -> None:
    shown = api.get(f"/api/v1/task-sync/{refused.task_id}/").json()
    (standing,) = shown["standings"]
    assert (standing["standing"], standing["push_id"]) == ("refused", str(refused.pk))
    assert api.get(f"/api/v1/task-sync/{uuid.uuid4()}/").status_code == 404
