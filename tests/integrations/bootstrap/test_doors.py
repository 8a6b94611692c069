"""The core databases are made from the page, the API, and only by who may."""

from collections.abc import Callable
from typing import Any

from integrations.models import Connection, WorkspaceSetup
from tests.integrations.bootstrap.conftest import HOME


def test_from_the_page(connected: Connection, console: Any, work: Callable[[], None]) -> None:
    form = f"/workspaces/{connected.pk}/setup/"
    page = console.get(form).content.decode()
    assert "Home" in page
    assert "Take over “Tasks”" in page
    refused = console.post(form, {"parent": "", "tasks": "adopt"})
    assert refused.status_code == 422
    assert "Choose the page" in refused.content.decode()
    started = console.post(form, {"parent": HOME, "templates": "skip", "has_dashboard": "on"})
    assert started.status_code == 302
    assert "To be made" in console.get(started.url).content.decode()
    work()
    done = console.get(started.url).content.decode()
    assert "Everything stands" in done
    setup = WorkspaceSetup.objects.get()
    assert "templates" not in setup.made
    assert setup.made["tasks"]["is_adopted"]
    assert started.url in console.get(form).content.decode(), "it is listed below the form"


def test_from_the_api(connected: Connection, api: Any, work: Callable[[], None]) -> None:
    base = f"/api/v1/connections/{connected.pk}/setups/"
    assert (
        api.post(base, {"parent_page_id": HOME, "databases": {"tasks": "burn"}}, format="json").status_code
        == 422
    )
    made = api.post(base, {"parent_page_id": HOME, "databases": {"people": "skip"}}, format="json")
    assert made.status_code == 201, made.content
    assert api.post(base, {"parent_page_id": HOME}, format="json").status_code == 409
    work()
    shown = api.get(f"{base}{made.json()['id']}/").json()
    assert (shown["state"], "people" in shown["made"]) == ("done", False)
    assert api.get(base).json()["results"][0]["id"] == shown["id"]
    assert api.post(f"{base}{shown['id']}/again/").status_code == 409


def test_a_manager_may_look_and_not_build(connected: Connection, login_as: Any, manager: Any) -> None:
    client = login_as(manager)
    assert client.get(f"/workspaces/{connected.pk}/setup/").status_code == 403
    assert client.post(f"/workspaces/{connected.pk}/setup/", {"parent": HOME}).status_code == 403
