"""Sharing in a real browser: in the dialog of a task, on a page of its own without script, and taken away again."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tasks.models import Milestone, Task, TaskUserShare
from tenants.accounts.access import Role
from tenants.tenancy import atomic, tenant_scope
from tests.factories.tasks import make_project, make_task
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in
from tests.people import PASSWORD, person

pytestmark = pytest.mark.browser
EMAIL = "mona@works.example"
CLIENT = "clara.client@client.example"


@pytest.fixture
def task(site: Site) -> Task:
    with tenant_scope(site.tenant), atomic():
        person(site.tenant, Role.MANAGER, "Mona Manager-Example", EMAIL)
        person(site.tenant, Role.MEMBER, "Max Member-Example")
        project = make_project(name="New depot", key="DEP")
        milestone = Milestone.objects.create(project=project, name="Roof closed", due_on="2031-03-01")
        task = make_task(title="Order the gate", project=project, key_prefix="DEP", number=901)
        Task.objects.filter(pk=task.pk).update(milestone=milestone)
        return task


def window(browser: Browser, site: Site, watched: Watched, **options: Any) -> Page:
    page = open_context(browser, site, reduced_motion="reduce", **options).new_page()
    watched.listen(page)
    sign_in(page, EMAIL, PASSWORD)
    return page


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_a_client_is_let_in_from_the_dialog_and_the_share_is_taken_away_there(
    browser: Browser, site: Site, watched: Watched, task: Task, theme: str, width: int
) -> None:
    is_phone = width < 500
    page = window(
        browser, site, watched, viewport={"width": width, "height": 900}, is_mobile=is_phone,
        has_touch=is_phone, color_scheme=theme,
    )  # fmt: skip
    page.goto(f"/tasks/{task.key}/")
    page.get_by_role("link", name="Share", exact=True).click()
    dialog = page.get_by_role("dialog", name="Share")
    expect(dialog.get_by_text("Nobody but those whose role allows it.")).to_be_visible()
    assert violations(page) == []
    assert overflow(page) <= 0
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog.get_by_text("Choose a person or group, or enter an address.").first).to_be_visible()
    dialog.get_by_label("Or invite a client by e-mail").fill(CLIENT)
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog.get_by_text("Clara Client").first).to_be_visible()
    assert violations(page) == []
    dialog.get_by_role("button", name="Take away from Clara Client").click()
    expect(dialog.get_by_text("Nobody but those whose role allows it.")).to_be_visible()
    with tenant_scope(site.tenant), atomic():
        assert not TaskUserShare.objects.exists()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Share", exact=True)).to_be_focused()
    page.context.close()


def test_without_script_it_is_a_page(browser: Browser, site: Site, watched: Watched, task: Task) -> None:
    page = window(browser, site, watched, java_script_enabled=False)
    page.goto(f"/tasks/{task.key}/")
    page.get_by_role("link", name="Share", exact=True).click()
    expect(page.get_by_role("heading", name="Share", exact=True)).to_be_visible()
    page.get_by_label("Or invite a client by e-mail").fill(CLIENT)
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_text("Shared with Clara Client")).to_be_visible()
    page.get_by_role("button", name="Take away from Clara Client").click()
    expect(page.get_by_text("Nobody but those whose role allows it.")).to_be_visible()
    page.context.close()


def test_a_task_is_put_on_a_milestone_and_that_is_undone(
    browser: Browser, site: Site, watched: Watched, task: Task
) -> None:
    page = window(browser, site, watched)
    page.goto(f"/tasks/{task.key}/")
    choice = page.get_by_role("combobox", name="Milestone")
    choice.select_option("None")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(choice).to_have_value("")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("combobox", name="Milestone").locator("option:checked")).to_have_text(
        "Roof closed"
    )
    page.context.close()
