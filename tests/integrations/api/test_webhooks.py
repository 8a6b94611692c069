"""`/api/v1/connections/{id}/webhook/`: the address, its key once, and what came."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from integrations.models import Connection
from tenants.accounts.access import UserActor
from tests.factories.notion_events import SIGNING_KEY, event_json, post
from tests.integrations.webhooks.conftest import connection_of
from tests.people import token_client


@pytest.fixture
def connection(owner: UserActor) -> Connection:
    return connection_of()


def base(connection: Connection) -> str:
    return f"/api/v1/connections/{connection.pk}/webhook/"


def test_from_opening_to_the_first_event(api: APIClient, stranger: Client, connection: Connection) -> None:
    assert api.get(base(connection)).status_code == 404
    opened = api.post(base(connection))
    assert opened.status_code == 201
    address = "/" + opened.json()["address"].split("/", 3)[3]
    assert api.post(base(connection)).status_code == 409
    assert api.post(f"{base(connection)}reveal/").json()["code"] == "webhooks.no_key"

    post(stranger, address, {"verification_token": SIGNING_KEY}, key=None)
    assert api.get(base(connection)).json()["state"] == "confirming"
    shown = api.post(f"{base(connection)}reveal/")
    assert shown.json() == {"signing_key": SIGNING_KEY}
    assert shown.headers["Cache-Control"] == "no-store"
    assert api.post(f"{base(connection)}reveal/").json()["code"] == "webhooks.key_shown"

    event = event_json(entity_id="page-1")
    post(stranger, address, event)
    told = api.get(f"{base(connection)}events/").json()["results"]
    assert [(row["id"], row["kind"], row["state"]) for row in told] == [
        (event["id"], "page.properties_updated", "waiting")
    ]
    assert api.get(base(connection)).json()["state"] == "active"


def test_keys_addresses_and_the_end(api: APIClient, stranger: Client, connection: Connection) -> None:
    address = "/" + api.post(base(connection)).json()["address"].split("/", 3)[3]
    post(stranger, address, {"verification_token": SIGNING_KEY}, key=None)
    api.post(f"{base(connection)}reveal/")
    post(stranger, address, {"verification_token": "secret_second"}, key=None)
    assert api.get(base(connection)).json()["has_pending_key"] is True
    assert api.post(f"{base(connection)}refuse-key/").json()["has_pending_key"] is False
    assert api.post(f"{base(connection)}take-key/").status_code == 409
    post(stranger, address, {"verification_token": "secret_third"}, key=None)
    assert api.post(f"{base(connection)}take-key/").json()["was_key_shown"] is False
    assert api.post(f"{base(connection)}renew/").json()["state"] == "waiting"
    ended = api.post(f"{base(connection)}switch-off/").json()
    assert (ended["state"], ended["address"]) == ("off", None)


def test_a_member_sees_no_address(
    api: APIClient, connection: Connection, host: str, member: UserActor
) -> None:
    api.post(base(connection))
    reader = token_client(host, member)
    assert reader.get(base(connection)).json()["address"] is None
    assert reader.post(f"{base(connection)}renew/").status_code == 403
    assert reader.get(f"{base(connection)}events/").status_code == 200
