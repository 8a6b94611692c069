"""A manager's milestones in a real browser: added, refused, reached and deleted on the project's page."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from tasks.approvals.services import request_approval
from tasks.models import Milestone, Project
from tasks.sharing import LEVELS, share
from tenants.accounts.access import Role
from tenants.accounts.selectors import actor_for
from tenants.tenancy import atomic, tenant_scope
from tests.factories.tasks import make_department, make_project, make_task
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in
from tests.people import PASSWORD, person

pytestmark = pytest.mark.browser
EMAIL = "mona@works.example"


@pytest.fixture
def project(site: Site) -> Project:
    with tenant_scope(site.tenant), atomic():
        manager = person(site.tenant, Role.MANAGER, "Mona Manager-Example", EMAIL)
        client = person(site.tenant, Role.GUEST, "Clara Client-Example", "clara@client.example")
        project = make_project(
            name="New depot", key="DEP", description="All about the **depot**.", department=make_department()
        )
        Milestone.objects.create(
            project=project, name="Ground bought", due_on="2026-01-15", reached_at=timezone.now()
        )
        waiting = Milestone.objects.create(project=project, name="Plan agreed", due_on="2026-03-01")
        Milestone.objects.create(
            project=project, name="Roof closed over the whole length of the new hall", due_on="2031-03-01"
        )
        make_task(project=project)
        make_task(project=project, status="done")
        share(thing=project, holder=client.user, codes=LEVELS["approve"], actor=manager)
        request_approval(
            subject=waiting, text="Is the plan right?", approvers=[client.user], actor=actor_for(manager.user)
        )
        return project


def window(browser: Browser, site: Site, watched: Watched, **options: Any) -> Page:
    page = open_context(browser, site, reduced_motion="reduce", **options).new_page()
    watched.listen(page)
    sign_in(page, EMAIL, PASSWORD)
    return page


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390)])
def test_the_pages_are_accessible_with_and_without_a_refusal(
    browser: Browser, site: Site, watched: Watched, project: Project, theme: str, width: int
) -> None:
    is_phone = width < 500
    page = window(
        browser, site, watched, viewport={"width": width, "height": 900}, is_mobile=is_phone,
        has_touch=is_phone, color_scheme=theme,
    )  # fmt: skip
    wrong: list[str] = []

    def look(name: str) -> None:
        wrong.extend(f"{name}: {each}" for each in violations(page))
        if overflow(page) > 0:
            wrong.append(f"{name}: {overflow(page)} px too wide")

    page.goto(f"/tasks/projects/{project.pk}/")
    look("project")
    page.get_by_text("Add a milestone").click()
    page.get_by_label("Name").fill("Plan agreed")
    page.get_by_role("button", name="Add the milestone").click()
    expect(page.get_by_text("Another milestone of this project has this name.")).to_be_visible()
    look("name taken")
    page.get_by_role("link", name="Edit Plan agreed").click()
    expect(page.get_by_role("heading", name="Plan agreed")).to_be_visible()
    look("milestone")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Withdraw it first.")).to_be_visible()
    look("not deleted")
    assert wrong == []
    page.context.close()


@pytest.mark.parametrize("has_script", [True, False])
def test_a_milestone_is_added_reached_and_deleted_with_and_without_script(
    browser: Browser, site: Site, watched: Watched, project: Project, has_script: bool
) -> None:
    page = window(browser, site, watched, java_script_enabled=has_script)
    page.goto(f"/tasks/projects/{project.pk}/")
    page.get_by_text("Add a milestone").click()
    page.get_by_label("Name").fill("Gate hung")
    page.get_by_label("Day").fill("2031-05-01")
    page.get_by_role("button", name="Add the milestone").click()
    row = page.get_by_role("listitem").filter(has_text="Gate hung").last
    expect(row.get_by_text("1 May 2031")).to_be_visible()
    row.get_by_role("button", name="Mark as reached Gate hung").click()
    row = page.get_by_role("listitem").filter(has_text="Gate hung").last
    expect(row.get_by_role("button", name="Not reached Gate hung")).to_be_visible()
    page.get_by_role("link", name="Edit Gate hung").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="New depot")).to_be_visible()
    expect(page.get_by_role("link", name="Edit Plan agreed")).to_be_visible()
    expect(page.get_by_role("link", name="Edit Gate hung")).to_have_count(0)
    page.context.close()
