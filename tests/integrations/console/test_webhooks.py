"""The page of a workspace's events: who sees the address, who sees the token, and how often."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from integrations.events import WebhookKeyRevealed
from integrations.models import Connection, WebhookSubscription
from tenants.accounts.access import UserActor
from tests.factories.notion_events import SIGNING_KEY, event_json, post
from tests.fakes.events import PublishedEvents
from tests.integrations.webhooks.conftest import connection_of

STATE = WebhookSubscription.State


@pytest.fixture
def connection(owner: UserActor) -> Connection:
    return connection_of()


def page_of(client: Client, connection: Connection) -> str:
    answer = client.get(f"/workspaces/{connection.pk}/events/")
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, connection: Connection, action: str) -> str:
    answer = client.post(f"/workspaces/{connection.pk}/events/act/", {"action": action}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def address_in(page: str) -> str:
    found = re.search(r'value="https?://[^/]+(/hooks/notion/[^"]+/)"', page)
    assert found is not None
    return found[1]


def reveal(client: Client, connection: Connection) -> str:
    return client.post(f"/workspaces/{connection.pk}/events/token/", follow=True).content.decode()


def test_from_the_empty_page_to_the_first_event(
    console: Client, stranger: Client, connection: Connection, published_events: PublishedEvents
) -> None:
    assert "Open an address" in page_of(console, connection)
    address = address_in(press(console, connection, "open"))
    assert "Nothing has come from Notion yet." in page_of(console, connection)

    assert post(stranger, address, {"verification_token": SIGNING_KEY}, key=None).status_code == 204
    assert SIGNING_KEY not in page_of(console, connection)
    assert f'value="{SIGNING_KEY}"' in reveal(console, connection)
    assert SIGNING_KEY not in reveal(console, connection)
    assert len(list(published_events.of(WebhookKeyRevealed))) == 1

    assert post(stranger, address, event_json("comment.created")).status_code == 204
    page = page_of(console, connection)
    assert "Receiving" in page
    assert "comment.created" in page
    assert "Nothing here depends on it." in page


def test_the_token_is_in_no_cache(console: Client, stranger: Client, connection: Connection) -> None:
    address = address_in(press(console, connection, "open"))
    post(stranger, address, {"verification_token": SIGNING_KEY}, key=None)
    answer = console.post(f"/workspaces/{connection.pk}/events/token/")
    assert SIGNING_KEY in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_member_sees_what_came_and_neither_address_nor_buttons(
    console: Client, connection: Connection, login_as: Callable[[UserActor], Client], member: UserActor
) -> None:
    key = address_in(press(console, connection, "open")).split("/")[-2]
    page = page_of(login_as(member), connection)
    assert key not in page
    assert "Renew" not in page
    assert (
        login_as(member).post(f"/workspaces/{connection.pk}/events/act/", {"action": "renew"}).status_code
        == 403
    )
    assert login_as(member).post(f"/workspaces/{connection.pk}/events/token/").status_code == 403


def test_a_renewed_address_leaves_the_old_one_to_nobody(
    console: Client, stranger: Client, connection: Connection
) -> None:
    old = address_in(press(console, connection, "open"))
    post(stranger, old, {"verification_token": SIGNING_KEY}, key=None)
    new = address_in(press(console, connection, "renew"))
    assert new != old
    assert post(stranger, old, event_json()).status_code == 404
    assert post(stranger, new, event_json()).status_code == 401


def test_another_token_is_shown_as_pending_and_taken_or_refused(
    console: Client, stranger: Client, connection: Connection
) -> None:
    address = address_in(press(console, connection, "open"))
    post(stranger, address, {"verification_token": SIGNING_KEY}, key=None)
    reveal(console, connection)
    post(stranger, address, {"verification_token": "secret_second"}, key=None)
    assert "Another token came" in page_of(console, connection)
    assert "Another token came" in console.get(f"/workspaces/{connection.pk}/").content.decode()

    assert "Another token came" not in press(console, connection, "refuse_key")
    assert post(stranger, address, event_json(), key="secret_second").status_code == 401

    post(stranger, address, {"verification_token": "secret_third"}, key=None)
    press(console, connection, "take_key")
    assert post(stranger, address, event_json()).status_code == 401
    assert 'value="secret_third"' in reveal(console, connection)
    assert post(stranger, address, event_json(), key="secret_third").status_code == 204


def test_silence_is_said_on_both_pages(console: Client, connection: Connection) -> None:
    press(console, connection, "open")
    WebhookSubscription.objects.update(state=STATE.SILENT, state_reason="Changes were found by looking.")
    for page in (page_of(console, connection), console.get(f"/workspaces/{connection.pk}/").content.decode()):
        assert "Notion has fallen silent" in page
        assert "Changes were found by looking." in page


def test_switching_off_brings_the_empty_page_back(console: Client, connection: Connection) -> None:
    press(console, connection, "open")
    assert "Open an address" in press(console, connection, "switch_off")
    assert "Open an address" not in press(console, connection, "open")


def test_a_workspace_by_oauth_has_no_address_of_its_own(console: Client, connection: Connection) -> None:
    Connection.objects.update(auth_kind=Connection.AuthKind.OAUTH)
    assert "Events come by themselves" in page_of(console, connection)
    press(console, connection, "open")
    assert not WebhookSubscription.objects.exists()


def test_buttons_of_an_old_page_say_how_things_stand(console: Client, connection: Connection) -> None:
    for action in ("renew", "switch_off", "take_key", "refuse_key"):
        press(console, connection, action)
    reveal(console, connection)
    assert not WebhookSubscription.objects.exists()
    assert console.post(f"/workspaces/{connection.pk}/events/act/", {"action": "fly"}).status_code == 400


def test_what_an_event_says_of_itself_is_text(
    console: Client, stranger: Client, connection: Connection
) -> None:
    address = address_in(press(console, connection, "open"))
    post(stranger, address, {"verification_token": SIGNING_KEY}, key=None)
    post(stranger, address, event_json("<script>alert(1)</script>", "<img src=x>"))
    page = page_of(console, connection)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
