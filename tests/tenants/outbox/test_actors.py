"""Who caused an event: whoever made the request, through whichever door."""

from rest_framework.test import APIClient

from tasks.events import TaskCreated
from tenants.accounts.access import UserActor
from tenants.outbox.bus import DomainEvent
from tests.fakes.events import PublishedEvents
from tests.tenants.outbox.events import LampBroke


def test_an_event_of_an_api_request_names_the_tokens_owner(
    api: APIClient, owner: UserActor, published_events: PublishedEvents
) -> None:
    answer = api.post("/api/v1/tasks/", {"title": "Order lamps"})

    assert answer.status_code == 201, answer.content
    (event,) = published_events.of(TaskCreated)
    assert event.actor_id == owner.user_id


def test_the_next_request_does_not_inherit_the_actor_of_the_one_before(
    api: APIClient, published_events: PublishedEvents
) -> None:
    api.post("/api/v1/tasks/", {"title": "Order lamps"})

    event: DomainEvent = LampBroke(number=1)
    assert event.actor_id is None
