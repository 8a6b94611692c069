"""The frame shows a reader the pages that exist and that they may see, and marks the one they are on."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path

from tenants.foundation import console
from tenants.foundation.console import (
    Count,
    NavItem,
    PaletteAction,
    TopBadge,
    console_context,
    register_actions,
    register_nav,
    register_search,
    register_top_badge,
    shell_for,
    toast,
)


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("", answer, name="home"),
    path("tasks/", answer, name="tasks"),
    path("tasks/search/", answer, name="search"),
    path("settings/", answer, name="settings"),
]


@pytest.fixture(autouse=True)
def own_frame(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    for name in ("_items", "_actions", "_badges"):
        monkeypatch.setattr(console, name, {})
    monkeypatch.setattr(console, "_search_url_names", [])


def asked(address: str = "/", *, slug: str = "acme", signed_in: bool = True, **headers: str) -> HttpRequest:
    request = RequestFactory(headers=headers).get(address)
    request.user = SimpleNamespace(is_authenticated=signed_in, theme="system")  # type: ignore[assignment]
    request.tenant = SimpleNamespace(slug=slug, name="Acme")  # type: ignore[attr-defined]
    return request


def labels(request: HttpRequest) -> list[tuple[str, list[str]]]:
    return [(name, [str(item.label) for item in items]) for name, items in shell_for(request).groups]


def test_pages_stand_in_their_groups_in_order() -> None:
    register_nav(
        NavItem(label="Settings", url_name="settings", icon="x", group="Administration"),
        NavItem(label="Tasks", url_name="tasks", icon="x", group="Work", order=20),
        NavItem(label="Home", url_name="home", icon="x"),
    )
    assert labels(asked()) == [("", ["Home"]), ("Work", ["Tasks"]), ("Administration", ["Settings"])]


def test_a_page_without_a_route_is_left_out() -> None:
    register_nav(NavItem(label="Inbox", url_name="inbox", icon="x"))
    assert labels(asked()) == []


def test_a_page_the_reader_may_not_see_is_left_out() -> None:
    register_nav(NavItem(label="Tasks", url_name="tasks", icon="x", is_visible=lambda request: False))
    assert labels(asked()) == []


def test_a_stranger_sees_no_pages_at_all() -> None:
    register_nav(NavItem(label="Tasks", url_name="tasks", icon="x"))
    assert labels(asked(signed_in=False)) == []


def test_the_platforms_host_has_pages_of_its_own() -> None:
    register_nav(
        NavItem(label="Companies", url_name="settings", icon="x", audience="platform"),
        NavItem(label="Tasks", url_name="tasks", icon="x"),
    )
    assert labels(asked(slug="platform")) == [("", ["Companies"])]
    assert labels(asked()) == [("", ["Tasks"])]


@pytest.mark.parametrize(
    ("address", "current"),
    [
        ("/", "Home"),
        ("/tasks/", "Tasks"),
        ("/tasks/OPS-1/", "Tasks"),
        ("/tasks/?assignee=me", "My tasks"),
        ("/tasks/?assignee=me&status=done", "My tasks"),
        ("/tasks/?assignee=mean", "Tasks"),
        ("/elsewhere/", None),
    ],
)
def test_the_item_that_leads_here_is_marked(address: str, current: str | None) -> None:
    register_nav(
        NavItem(label="Home", url_name="home", icon="x"),
        NavItem(label="Tasks", url_name="tasks", icon="x"),
        NavItem(label="My tasks", url_name="tasks", query="assignee=me", icon="x"),
    )
    marked = [
        item.label for _, items in shell_for(asked(address)).groups for item in items if item.is_current
    ]
    assert marked == ([current] if current else [])


def test_registering_twice_shows_once() -> None:
    for _ in range(2):
        register_nav(NavItem(label="Tasks", url_name="tasks", icon="x"))
        register_actions(PaletteAction(label="New", url_name="tasks", query="new=1", icon="plus"))
        register_search("search")
    shell = shell_for(asked())
    assert len(shell.groups[0][1]) == len(shell.actions) == 1
    assert shell.actions[0].url == "/tasks/?new=1"
    assert shell.search_url == "/tasks/search/"


def test_counts_badges_and_tabs_are_asked_for_with_the_request() -> None:
    register_nav(
        NavItem(
            label="Runs",
            url_name="tasks",
            icon="x",
            is_tab=True,
            tab_label="Sync",
            count=lambda _: Count(value=2),
        )
    )
    register_top_badge(lambda request: TopBadge(text=f"at {request.path}", tone="ok"))
    shell = shell_for(asked("/tasks/"))
    assert shell.tabs[0].tab_label == "Sync"
    assert shell.tabs[0].count == Count(value=2)
    assert shell.badge == TopBadge(text="at /tasks/", tone="ok")
    assert shell_for(asked(slug="platform")).badge is None


@pytest.mark.parametrize(("cookie", "theme"), [("dark", "dark"), ("light", "light"), ('"><x', ""), ("", "")])
def test_the_theme_comes_from_a_cookie_that_is_not_trusted(cookie: str, theme: str) -> None:
    request = asked()
    request.COOKIES["theme"] = cookie
    assert console_context(request)["theme"] == theme


def test_without_a_cookie_the_persons_own_choice_counts() -> None:
    request = asked()
    request.user.theme = "dark"  # type: ignore[union-attr]
    assert console_context(request)["theme"] == "dark"


def test_a_toast_travels_with_an_htmx_answer() -> None:
    request = asked(hx_request="true")
    response = toast(request, HttpResponse(), "Done “é”", undo_url="/undo/")
    assert json.loads(response.headers["HX-Trigger"]) == {"toast": {"text": "Done “é”", "undo": "/undo/"}}


def test_a_toast_waits_for_the_page_after_a_redirect() -> None:
    request = asked()
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]
    toast(request, HttpResponse(status=302), "Done", undo_url="/undo/")
    assert [(str(each), each.extra_tags) for each in get_messages(request)] == [("Done", "/undo/")]
