"""A client in a real browser: the portal's pages in light, dark and on a phone, and an approval that is given."""

from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tasks.approvals.services import request_approval
from tasks.commenting import add_comment
from tasks.models import Milestone
from tasks.sharing import LEVELS, share
from tenants.accounts.access import Role
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.tenancy import atomic, tenant_scope
from tests.factories.tasks import make_project, make_task
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in
from tests.people import PASSWORD, person

pytestmark = pytest.mark.browser
type Theme = Literal["light", "dark"]


@pytest.fixture
def pages(site: Site) -> dict[str, str]:
    """What is shared with a client, as the addresses of its pages."""
    with tenant_scope(site.tenant), atomic():
        person(site.tenant, Role.GUEST, "Clara Client-Example", "clara@client.example")
        manager = person(site.tenant, Role.MANAGER, "Mona Manager-Example")
        client = User.objects.get(email="clara@client.example")
        project = make_project(name="New depot", description="All about the **depot**.")
        Milestone.objects.create(project=project, name="Roof closed")
        task = make_task(project=project, title="Order the gate", description="A green one.")
        make_task(project=project, status="done")
        share(thing=project, holder=client, codes=LEVELS["edit"], actor=manager)
        add_comment(task=task, body="Is it **green**?", actor=manager, is_shared=True)
        approval = request_approval(
            subject=task, text="Is green right?", approvers=[client], actor=actor_for(manager.user)
        )
        return {
            "overview": "/portal/",
            "project": f"/portal/projects/{project.pk}/",
            "report": f"/portal/projects/{project.pk}/report/",
            "task": f"/portal/tasks/{task.key}/",
            "approvals": "/portal/approvals/",
            "approval": f"/portal/approvals/{approval.pk}/",
            "profile": "/settings/preferences/",
            "nowhere": "/tasks/",
        }


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)])
def test_every_page_of_the_portal_is_accessible(
    browser: Browser, site: Site, watched: Watched, pages: dict[str, str], theme: Theme, width: int
) -> None:
    page = _window(browser, site, watched, theme, width)
    wrong = []
    for name, path in pages.items():
        page.goto(path)
        wrong += [f"{name}: {each}" for each in violations(page)]
        if overflow(page) > 0:
            wrong.append(f"{name}: {overflow(page)} px too wide")
    assert wrong == []
    page.context.close()


def test_an_approval_is_given_and_gone_from_the_list(
    browser: Browser, site: Site, watched: Watched, pages: dict[str, str]
) -> None:
    page = _window(browser, site, watched, "light", 390)
    page.goto(pages["approval"])
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Your answer was sent.")).to_be_visible()
    page.get_by_role("link", name="Approvals").first.click()
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    page.context.close()


def _window(browser: Browser, site: Site, watched: Watched, theme: Theme, width: int) -> Page:
    is_phone = width < 500
    context = open_context(
        browser,
        site,
        viewport={"width": width, "height": 900},
        is_mobile=is_phone,
        has_touch=is_phone,
        color_scheme=theme,
        reduced_motion="reduce",
    )
    page = context.new_page()
    watched.listen(page)
    sign_in(page, "clara@client.example", PASSWORD)
    return page
