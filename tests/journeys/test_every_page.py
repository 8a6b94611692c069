"""Every page of the console in every dress: axe, scripts, policy, and no page wider than its window."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page

from integrations.models import SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import connect_workspace, start_sync_run
from integrations.sync.services import confirm_proposals, discover_collections
from tasks.commenting import add_comment
from tasks.models import Task
from tenants.accounts.access import Role
from tenants.accounts.invitations.services import invite_user
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.accounts.tokens.services import create_api_token
from tenants.lifecycle.export.services import begin_export
from tenants.lifecycle.operations import run_operation
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.directory import directory
from tests.companies import OWNER_PASSWORD
from tests.factories.notion import NotionWorkspace
from tests.factories.tasks import make_department, make_person, make_project, make_task
from tests.fakes.dispatch import run_due_work
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("every-page")]

INDIGO, YELLOW = "#5b5bd6", "#ffd400"
# Chromium keeps inherited colours over an emulated change of theme until something asks for them afresh.
AFRESH = """() => {
  const root = document.documentElement;
  root.style.display = "none";
  root.offsetHeight;
  root.style.display = "";
}"""
type Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")


@pytest.fixture
def pages(committed_tenant: TenantRef, notion: Sandbox) -> Mapping[str, str]:
    """A company with something on every page; what each page is called → its address."""
    workspace = NotionWorkspace(name="Invented Wiki")
    project = workspace.add_project("Invented Crane")
    for number in range(8):
        workspace.add_task(
            f"Grease bearing {number}", status="Doing", priority="P1", assignees=[0], project=project,
            tags=["site"], due={"start": "2026-05-04"}, body=["See the *manual*."],
        )  # fmt: skip
    workspace.into(notion)
    with tenant_scope(committed_tenant):
        with atomic():
            owner = actor_for(User.objects.get())
        connection = connect_workspace(token=workspace.token, actor=owner, requests_per_minute=None)
        discover_collections(connection=connection, actor=owner)
        confirm_proposals(connection=connection, actor=owner)
    run_due_work(committed_tenant)
    with tenant_scope(committed_tenant), atomic():
        finished = SyncRun.objects.filter(kind=SyncRun.Kind.IMPORT).get()
        assert finished.state == SyncRun.State.SUCCEEDED
        running = start_sync_run(connection=connection, actor=owner)
        database = SyncedCollection.objects.get(role=SyncedCollection.Role.TASKS)
        task = _furnish()
        add_comment(task=task, body="Looks **fine**.", actor=owner)
        token = invite_user(email="ina@example.com", role=Role.MEMBER, actor=owner).token
        create_api_token(actor=owner, name="Script", scopes=["tasks.view"])
    run_operation(begin_export(tenant_id=committed_tenant.id, asked_by="Olga Owner-Example").pk)
    begin_export(tenant_id=committed_tenant.id, asked_by="Olga Owner-Example")
    return {
        "sign in": "/account/sign-in/",
        "password reset": "/account/password/reset/",
        "password reset, sent": "/account/password/reset/done/",
        "password reset, spent": "/account/password/reset/key/1-set-password/",
        "invitation": f"/invitations/{token.reveal()}/",
        "invitation, spent": "/invitations/nobody-made-this-one/",
        "after": "",
        "home": "/",
        "list": "/tasks/",
        "list, narrowed": "/tasks/?status=done&due=overdue&q=bridge",
        "list, nothing found": "/tasks/?q=zzzzzz",
        "board": "/tasks/board/",
        "one task": f"/tasks/{task.key}/",
        "edit a task": f"/tasks/{task.key}/edit/",
        "new task": "/tasks/new/",
        "my tasks": "/tasks/?assignee=me",
        "filter": "/tasks/filters/status/",
        "projects": "/tasks/projects/",
        "new project": "/tasks/projects/new/",
        "workspaces": "/workspaces/",
        "connect": "/workspaces/connect/",
        "one workspace": f"/workspaces/{connection.pk}/",
        "new token of a workspace": f"/workspaces/{connection.pk}/token/",
        "core databases": f"/workspaces/{connection.pk}/setup/",
        "description of a workspace": f"/workspaces/{connection.pk}/description/",
        "mapping": f"/workspaces/databases/{database.pk}/",
        "sync monitor": "/sync/",
        "rows set aside": "/sync/set-aside/",
        "sync runs": "/sync/runs/",
        "sync runs, none": "/sync/runs/?state=failed",
        "a run, finished": f"/sync/runs/{finished.pk}/",
        "a run, open": f"/sync/runs/{running.pk}/",
        "users": "/settings/users/",
        "API tokens": "/settings/api-tokens/",
        "preferences": "/settings/preferences/",
        "company data": "/settings/company/",
        "keep the company, spent link": "/company/deletion/nobody-made-this-one/",
        "change password": "/account/password/change/",
        "sign out": "/account/sign-out/",
        "not found": "/no/such/page/",
        "forbidden": "/platform/companies/",
    }


def _furnish() -> Task:
    today = timezone.localdate()
    departments = [
        make_department(name=name, color=place + 1) for place, name in enumerate(("Roads", "Grid"))
    ]
    people = [make_person(name="Ann Demo"), make_person(name="Ben Demo")]
    project = make_project(key="OPS", name="Operations")
    tasks: list[Task] = []
    for number in range(1, 25):
        tasks.append(
            make_task(
                key_prefix="OPS",
                number=number,
                project=project,
                title=f"Inspect the invented bridge {number:02}",
                status=Task.Status.values[number % 6],
                priority=number % 5,
                department=departments[number % 2],
                assignees=people[: number % 3],
                due_on=today + timedelta(days=number - 10),
                tags=["site", "bridge"],
                depends_on=tasks[:1] if number == 2 else [],
                description="# Plan\n\n- [ ] look\n- [x] listen\n\n| a | b |\n|---|---|\n| 1 | 2 |",
            )
        )
    return tasks[1]


@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_is_accessible_in_every_dress(
    browser: Browser, site: Site, watched: Watched, pages: Mapping[str, str], width: int
) -> None:
    _brand(site.tenant, INDIGO)
    page = _window(browser, site, watched, width)
    found = _walk(page, site, pages, whole=True)
    _brand(site.tenant, YELLOW)
    page.context.clear_cookies()
    found += _walk(page, site, pages, whole=False)
    assert not found, "\n".join(found)
    page.context.close()


def _walk(page: Page, site: Site, pages: Mapping[str, str], *, whole: bool) -> list[str]:
    """What is wrong on which page: every rule of axe in light, those about colour in dark; widths."""
    wrong: list[str] = []
    for name, path in pages.items():
        if name == "after":
            sign_in(page, site.owner_email, OWNER_PASSWORD)
            continue
        _set_theme(page, "light")
        page.goto(path)
        wrong += [f"{name}, light: {each}" for each in violations(page, only_colours=not whole)]
        _set_theme(page, "dark")
        wrong += [f"{name}, dark: {each}" for each in violations(page, only_colours=True)]
        if whole:
            wrong += _too_wide(page, name)
    return wrong


def _too_wide(page: Page, name: str) -> list[str]:
    size = page.viewport_size
    assert size
    narrower = [size["width"], 320] if size["width"] < 500 else [size["width"]]
    wrong = []
    for width in narrower:
        page.set_viewport_size({"width": width, "height": size["height"]})
        beyond = overflow(page)
        if beyond > 0:
            wrong.append(f"{name}: {beyond} px wider than {width}")
    page.set_viewport_size(size)
    return wrong


def _set_theme(page: Page, theme: Theme) -> None:
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.evaluate(AFRESH)


def _window(browser: Browser, site: Site, watched: Watched, width: int) -> Page:
    is_phone = width < 500
    context = open_context(
        browser, site, viewport={"width": width, "height": 900}, is_mobile=is_phone, has_touch=is_phone
    )
    page = context.new_page()
    watched.listen(page)
    return page


def _brand(tenant: TenantRef, color: str) -> None:
    Tenant.objects.filter(pk=tenant.id).update(brand_color=color)
    directory.forget()


def test_a_company_with_nothing_in_it_is_shown_what_to_do(
    browser: Browser, site: Site, watched: Watched
) -> None:
    page = _window(browser, site, watched, 390)
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    for path in ("/", "/tasks/", "/tasks/board/", "/tasks/projects/", "/workspaces/", "/sync/runs/"):
        page.goto(path)
        assert violations(page) == [], path
        assert overflow(page) <= 0, path
    page.goto("/workspaces/")
    page.locator(".empty").get_by_role("link", name="Connect a workspace").click()
    page.wait_for_url("**/workspaces/connect/")
    page.context.close()
