"""A POST repeated with its key is answered from memory."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.urls import include, path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from tenants.accounts.access import UserActor
from tenants.accounts.api.permissions import ANYBODY
from tenants.accounts.idempotency import DatabaseIdempotencyStore, delete_expired_records
from tenants.accounts.models import Department, IdempotencyRecord, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.urls import console_urlpatterns as _console
from tenants.foundation.api import IdempotentPosts, StrictSerializer
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.foundation.idempotency import Claim, StoredAnswer
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.people import token_client


class Body(StrictSerializer):
    name = serializers.CharField()
    is_wanted = serializers.BooleanField(default=True)


class DepartmentsView(IdempotentPosts, APIView):
    """Makes a department; refuses when it is not wanted."""

    permission_codes = {"POST": ANYBODY}

    def post(self, request: Request, pk: str = "") -> Response:
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        with atomic():
            number = Department.objects.count()
            made = Department.objects.create(name=f"{body.validated_data['name']} {number}", key=f"D{number}")
            if not body.validated_data["is_wanted"]:
                raise Conflict("Not wanted.")
        return Response({"id": made.pk, "name": made.name}, status=201, headers={"Location": f"/x/{made.pk}"})


urlpatterns = [
    path("", include(_console)),
    path("api/v1/departments/", DepartmentsView.as_view()),
    path("api/v1/departments/<str:pk>/copies/", DepartmentsView.as_view()),
]


@pytest.fixture(autouse=True)
def _routes(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


def post(client: APIClient, body: Any, key: str = "key-1", path: str = "/api/v1/departments/") -> Any:
    return client.post(path, body, format="json", headers={"idempotency-key": key} if key else {})


def test_the_second_answer_is_the_first_one(api: APIClient) -> None:
    first = post(api, {"name": "Yard"})
    second = post(api, {"name": "Yard"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first["Location"] == second["Location"]
    assert ("Idempotency-Replayed" in first, second["Idempotency-Replayed"]) == (False, "true")
    assert Department.objects.count() == 1


def test_without_a_key_nothing_is_remembered(api: APIClient) -> None:
    post(api, {"name": "Yard"}, key="")
    post(api, {"name": "Gate"}, key="")
    assert Department.objects.count() == 2
    assert not IdempotencyRecord.objects.exists()


def test_a_key_with_another_body_is_refused(api: APIClient) -> None:
    post(api, {"name": "Yard"})
    answer = post(api, {"name": "Gate"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input.idempotency_key_reused")
    assert Department.objects.count() == 1


def test_the_same_body_written_otherwise_is_the_same(api: APIClient) -> None:
    post(api, {"name": "Yard", "is_wanted": True})
    again = api.generic(
        "POST",
        "/api/v1/departments/",
        '{ "is_wanted": true,   "name": "Yard" }',
        "application/json",
        headers={"idempotency-key": "key-1"},
    )
    assert again["Idempotency-Replayed"] == "true"


def test_the_same_key_at_another_object_is_refused(api: APIClient) -> None:
    post(api, {"name": "Yard"}, path="/api/v1/departments/1/copies/")
    answer = post(api, {"name": "Yard"}, path="/api/v1/departments/2/copies/")
    assert answer.json()["code"] == "invalid_input.idempotency_key_reused"


def test_keys_of_routes_and_people_do_not_meet(api: APIClient, host: str, member: UserActor) -> None:
    post(api, {"name": "Yard"})
    assert "Idempotency-Replayed" not in post(api, {"name": "Yard"}, path="/api/v1/departments/1/copies/")
    assert "Idempotency-Replayed" not in post(token_client(host, member), {"name": "Yard"})
    assert Department.objects.count() == 3


@pytest.mark.parametrize("body", [{"name": "Yard", "is_wanted": False}, {"nam": "Yard"}])
def test_a_refused_request_leaves_its_key_free(api: APIClient, body: Any) -> None:
    assert post(api, body).status_code in {409, 422}
    assert post(api, {"name": "Yard"}).status_code == 201


@pytest.mark.parametrize("key", ["with space", "x" * 201, "é"])
def test_a_key_that_is_none_is_refused(api: APIClient, key: str) -> None:
    assert post(api, {"name": "Yard"}, key=key).json()["code"] == "invalid_input.idempotency_key"


def test_after_a_day_the_key_is_free_again(api: APIClient) -> None:
    post(api, {"name": "Yard"})
    IdempotencyRecord.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "Idempotency-Replayed" not in post(api, {"name": "Gate"})
    assert IdempotencyRecord.objects.count() == 1


def test_old_answers_are_deleted(api: APIClient) -> None:
    for number in range(3):
        post(api, {"name": "Yard"}, key=f"key-{number}")
    IdempotencyRecord.objects.exclude(key="key-0").update(expires_at=timezone.now())
    assert (delete_expired_records(), delete_expired_records()) == (2, 0)


CLAIM = Claim(actor_id="a", route="r", key="k", request_hash="h")


def test_a_claim_that_is_still_at_work_is_a_conflict(tenant: TenantRef) -> None:
    store = DatabaseIdempotencyStore()
    assert store.claim(CLAIM) is None
    with pytest.raises(Conflict) as caught:
        store.claim(CLAIM)
    assert caught.value.code == "conflict.idempotency_in_progress"
    with pytest.raises(InvalidInput):
        store.claim(Claim(actor_id="a", route="r", key="k", request_hash="other"))
    store.release(CLAIM)
    assert store.claim(CLAIM) is None


def test_the_claim_of_a_process_that_died_is_taken_over(tenant: TenantRef) -> None:
    store = DatabaseIdempotencyStore()
    store.claim(CLAIM)
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    assert store.claim(CLAIM) is None


def test_releasing_does_not_take_away_an_answer(tenant: TenantRef) -> None:
    store = DatabaseIdempotencyStore()
    store.claim(CLAIM)
    store.keep(CLAIM, StoredAnswer(status=201, body={"a": 1}, headers={}))
    store.release(CLAIM)
    assert store.claim(CLAIM) == StoredAnswer(status=201, body={"a": 1}, headers={})


def test_of_two_at_the_same_time_one_does_the_work(committed_tenant: TenantRef) -> None:
    """The second waits in the database for the first and then gives its answer."""
    with tenant_scope(committed_tenant), atomic():
        owner = actor_for(User.objects.get())
        clients = [token_client(f"{committed_tenant.slug}.localhost", owner) for _ in range(4)]
    answers: list[Any] = []
    barrier = threading.Barrier(4)

    def ask(client: APIClient) -> None:
        barrier.wait()
        answers.append(post(client, {"name": "Yard"}))
        connections.close_all()

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1
    with tenant_scope(committed_tenant), atomic():
        assert Department.objects.count() == 1
