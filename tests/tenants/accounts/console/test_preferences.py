"""One's own name, language, time zone and theme."""

from django.test import Client

from tenants.accounts.access import UserActor
from tenants.accounts.models import User

PAGE = "/settings/preferences/"


def test_what_is_saved_is_used_at_once(console: Client, owner: UserActor) -> None:
    data = {"name": "Olga Renamed-Example", "language": "de", "time_zone": "Europe/Berlin", "theme": "dark"}
    answer = console.post(PAGE, data)
    assert answer.status_code == 302
    user = User.objects.get(pk=owner.user_id)
    assert (user.name, user.language, user.time_zone, user.theme) == tuple(data.values())
    page = console.get(PAGE)
    assert page["Content-Language"] == "de"
    assert b'lang="de"' in page.content


def test_values_that_do_not_exist_are_refused(console: Client, owner: UserActor) -> None:
    good = {"name": "Olga", "language": "", "time_zone": "", "theme": "light"}
    for name, value in (("name", ""), ("language", "xx"), ("time_zone", "Nowhere/Town"), ("theme", "pink")):
        assert console.post(PAGE, {**good, name: value}).status_code == 422
    assert User.objects.get(pk=owner.user_id).name == owner.user.name
