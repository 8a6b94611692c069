"""The home page shows real counts, leads to the tasks behind them, and answers 304 when nothing changed."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from reporting.dashboards.home import span
from tenants.accounts.access import Role, UserActor
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_department, make_task
from tests.people import person
from tests.reporting.rooms import make_collection, make_connection, make_run


def page(client: Client, **headers: str) -> str:
    answer = client.get("/", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_company_is_shown_what_to_do_first(console: Client) -> None:
    source = page(console)
    assert "Finish setting up" in source
    assert 'href="/integrations/' in source or 'href="/workspaces' in source
    assert "Nothing was completed in the last ten weeks" in source
    assert "No workspace is connected." in source


def test_figures_are_counts_of_tasks_and_lead_to_them(console: Client) -> None:
    for _ in range(3):
        make_task()
    make_task(status="blocked")
    make_task(status="done")
    source = unescape(page(console))
    assert re.search(r"Open tasks</a></dt>\s*<dd class=\"kpi-value\">4\b", source)
    assert re.search(r"Blocked</a></dt>\s*<dd class=\"kpi-value\">1\b", source)
    assert re.search(r"Completed this week</a></dt>\s*<dd class=\"kpi-value\">1\b", source)
    assert "/tasks/?status=blocked" in source


def test_the_number_on_the_page_is_the_length_of_the_list_it_leads_to(console: Client) -> None:
    make_task()
    make_task(status="in_review")
    make_task(status="done")
    source = unescape(page(console))
    for label, expected in (("Open tasks", 2), ("Completed this week", 1)):
        link = re.search(rf'href="([^"]+)">{label}', source)
        assert link
        listed = console.get(link[1]).content.decode()
        assert len(set(re.findall(r'href="/tasks/(T-\d+)/"', listed))) == expected, label


def test_a_bar_leads_to_what_was_completed_in_its_week(console: Client) -> None:
    department = make_department(name="Invented Works")
    last_week = timezone.now() - timedelta(days=7)
    task = make_task(status="done", department=department, completed_at=last_week)
    make_task(status="done", completed_at=timezone.now() - timedelta(days=21))
    source = unescape(page(console))
    bar = re.search(r'<a href="([^"]+)" aria-label="[^"]*Invented Works: 1[^"]*"', source)
    assert bar
    listed = console.get(bar[1]).content.decode()
    assert set(re.findall(r'href="/tasks/(T-\d+)/"', listed)) == {task.key}


def test_problems_are_shown_with_the_way_to_mend_them(console: Client) -> None:
    connection = make_connection(
        name="Invented Wiki", state="reauthorise", state_reason="The token was revoked."
    )
    make_collection(connection, title="Legal <b>matters</b>", state="attention")
    make_run(connection, state="partial", failed=3)
    make_task(priority=4, due_on=timezone.localdate() - timedelta(days=1))
    source = page(console)
    assert "The workspace “Invented Wiki” stopped" in source
    assert "The token was revoked." in source
    assert "3 records of “Invented Wiki” were not taken over" in source
    assert "Legal &lt;b&gt;matters&lt;/b&gt;" in source
    assert "1 urgent task is overdue" in source


def test_htmx_gets_the_live_part_alone(console: Client) -> None:
    source = page(console, **{"HX-Request": "true"})
    assert "kpi-value" in source
    assert "<html" not in source


def test_an_unchanged_page_is_not_sent_again(console: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reporting.console.home.SAME_FOR_SECONDS", 10**9)
    make_task()
    first = console.get("/", headers={"HX-Request": "true"})
    again = {"HX-Request": "true", "If-None-Match": first.headers["ETag"]}
    assert console.get("/", headers=again).status_code == 304
    make_task()
    changed = console.get("/", headers=again)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_the_answer_is_kept_by_nobody_else(console: Client) -> None:
    answer = console.get("/", headers={"HX-Request": "true"})
    assert "private" in answer.headers["Cache-Control"]
    assert {"HX-Request", "Cookie"} <= {name.strip() for name in answer.headers["Vary"].split(",")}


def test_a_guest_learns_nothing_of_the_companys_tasks(
    login_as: Callable[[UserActor], Client], guest: UserActor
) -> None:
    make_task(title="Secret crane")
    make_connection(name="Secret Wiki")
    client = login_as(guest)
    assert client.get("/").headers["Location"] == "/portal/"
    source = client.get("/portal/").content.decode()
    assert "Nothing has been shared with you yet" in source
    assert "Secret" not in source


def test_who_sees_no_tasks_finds_what_their_role_looks_after(
    login_as: Callable[[UserActor], Client], tenant: TenantRef
) -> None:
    make_task(title="Secret crane")
    source = page(login_as(person(tenant, Role.SECURITY, "Sam Security-Example")))
    main = source.partition("<main")[2]
    assert "What your role looks after" in main
    assert re.search(r'<a class="row" href="/settings/sign-in/">', main)
    assert "Nothing has been shared with you yet" not in main
    assert "Secret" not in source


def test_a_member_is_not_asked_to_set_up(login_as: Callable[[UserActor], Client], member: UserActor) -> None:
    assert "Finish setting up" not in page(login_as(member))


def test_a_stranger_is_asked_to_sign_in(stranger: Client) -> None:
    answer = stranger.get("/")
    assert answer.status_code == 302
    assert "/account/sign-in/" in answer.headers["Location"]


def test_the_page_costs_the_same_number_of_queries_however_many_tasks(
    console: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(30):
        make_task(status="done", department=make_department())
    page(console)  # the first page a process draws of a company reads its brand
    with django_assert_max_num_queries(29, using="cell_1"):
        page(console)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (172_800, "2 d")]
)
def test_a_length_of_time_is_told_in_its_largest_unit(seconds: int, words: str) -> None:
    assert span(seconds) == words
