"""The pages of directories in every dress, and a directory set up in a browser."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from scim2_models import Context

from tenants.accounts.access import SYSTEM
from tenants.accounts.models import EmailDomain, ScimDeprovisioning, ScimDirectory, User
from tenants.accounts.scim import groups, mapping, people, provisioning_log
from tenants.accounts.scim.directories import DirectoryChange, change_directory, create_directory
from tenants.accounts.scim.shapes import resource_of
from tenants.accounts.scim.tokens import issue_scim_token
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.companies import OWNER_PASSWORD
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("scim-pages")]
NAMES = ["Ada Made-Up", "Bo Invented", "Cleo Example-Longername"]


def new(kind: str, **values: object) -> object:
    return resource_of(values, kind, Context.RESOURCE_CREATION_REQUEST)


@pytest.fixture
def directory(committed_tenant: TenantRef) -> ScimDirectory:
    """A directory with people, groups, a role, something held and something refused."""
    with tenant_scope(committed_tenant), atomic():
        EmailDomain.objects.create(domain="people.example", nonce="n", state=EmailDomain.State.VERIFIED)
        made = create_directory(actor=SYSTEM, name="Example Directory")
        change_directory(directory=made, actor=SYSTEM, change=DirectoryChange(brake_hours=12))
        issue_scim_token(directory=made, actor=SYSTEM)
        ids = []
        for name in NAMES:
            address = f"{name.partition(' ')[0].lower()}@people.example"
            row = people.create_person(made, new("User", userName=address, displayName=name))
            ids.append(row.user_id)
        group = groups.create_group(
            made, new("Group", displayName="Crane leads", members=[{"value": str(each)} for each in ids[:2]])
        )
        groups.create_group(made, new("Group", displayName="Everybody"))
        mapping.set_mapping(made, {group.group_id: "manager"}, actor=SYSTEM)
        for number in ids[:2]:
            ScimDeprovisioning.objects.create(directory=made, user_id=number, state="held")
        provisioning_log.write_refusal(
            made,
            "scim.user.post",
            detail="400 invalidValue: x@else.example is of no domain the company has verified.",
        )
    return made


def checked(page: Page, path: str, wrong: list[str]) -> None:
    """Open a page in both themes and look at it with axe and a ruler."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.goto(path)
        wrong += [f"{path} {theme}: {each}" for each in violations(page)]
    if overflow(page) > 0:
        wrong.append(f"{path}: {overflow(page)} px too wide")


@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_of_directories_can_be_used_by_everybody(
    browser: Browser, site: Site, watched: Watched, directory: ScimDirectory, width: int
) -> None:
    context = open_context(browser, site, viewport={"width": width, "height": 900})
    page = context.new_page()
    watched.listen(page)
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    wrong: list[str] = []
    for path in ("/settings/directories/", f"/settings/directories/{directory.pk}/", "/settings/users/"):
        checked(page, path, wrong)
    assert not wrong, "\n".join(wrong)
    context.close()


def test_a_directory_is_added_and_a_decision_made(
    browser: Browser, site: Site, watched: Watched, directory: ScimDirectory, committed_tenant: TenantRef
) -> None:
    context = open_context(browser, site, viewport={"width": 1200, "height": 900})
    page = context.new_page()
    watched.listen(page)
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    page.goto("/settings/directories/")
    page.get_by_role("link", name="Example Directory").click()
    page.get_by_label("Bo Invented").uncheck()
    page.get_by_role("button", name="Shut them out").click()
    expect(page.get_by_text("1 person was shut out.")).to_be_visible()
    page.get_by_label("Crane leads").select_option("admin")
    page.get_by_role("button", name="See what would change").click()
    expect(page.get_by_role("heading", name="What this would change")).to_be_visible()
    page.get_by_role("button", name="Save the roles").click()
    expect(page.get_by_text("The groups give these roles now.")).to_be_visible()
    page.goto("/settings/directories/")
    page.get_by_role("button", name="Add a directory").first.click()
    page.get_by_label("Name", exact=True).fill("Okta")
    page.get_by_role("button", name="Add it").click()
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("#scim-token")).to_have_value(re.compile("^nts_scim_"))
    context.close()
    with tenant_scope(committed_tenant), atomic():
        assert not User.objects.get(email="ada@people.example").is_active
        assert User.objects.get(email="bo@people.example").is_active
