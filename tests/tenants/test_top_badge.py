"""The state in the top bar keeps itself fresh, cheaply, and shows nothing to strangers."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from integrations.models import Connection
from tests.reporting.rooms import make_connection

URL = "/shell/badge/"


def test_the_badge_says_how_fresh_the_data_is_and_follows_it(console: Client) -> None:
    old = timezone.now() - timedelta(hours=2)
    connection = make_connection(last_synced_at=old, last_polled_at=old)
    first = console.get(URL)
    assert "2\xa0hours" in first.content.decode()
    assert console.get(URL, headers={"if-none-match": first["ETag"]}).status_code == 304
    Connection.objects.filter(pk=connection.pk).update(state=Connection.State.REAUTHORISE)
    second = console.get(URL, headers={"if-none-match": first["ETag"]})
    assert second.status_code == 200
    assert "stopped" in second.content.decode()


def test_every_page_asks_for_it(console: Client) -> None:
    make_connection()
    for path in ("/", "/settings/preferences/"):
        source = console.get(path).content.decode()
        assert f'hx-get="{URL}"' in source
        assert "Synced" in source


def test_a_stranger_is_told_nothing(stranger: Client) -> None:
    answer = stranger.get(URL)
    assert (answer.status_code, answer.content) == (204, b"")
    assert URL not in stranger.get("/account/sign-in/").content.decode()
