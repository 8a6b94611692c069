"""What operators see and do in a browser, and what a company's people see while its doors are not all open."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from tenants.dispatch import enqueue
from tenants.lifecycle.operations import run_operation, start_operation
from tenants.lifecycle.transitions import change_state
from tenants.models import Backup, DeletionCertificate, Evidence, Operation, SigningKey, Tenant
from tenants.secrets.signing import sign_document
from tenants.tenancy import atomic, tenant_scope
from tests.companies import OWNER_PASSWORD, create_company, drop_company
from tests.fakes.dispatch import run_due_work
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in
from tests.journeys.test_every_page import THEMES, _set_theme, _window

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("every-page")]
# Where to leave pictures of the pages, for whoever wants to look at them.
PICTURES = os.environ.get("OPERATORS_PICTURES", "")


@pytest.fixture
def platform_site(site: Site) -> Iterator[Site]:
    """The operators' own host on the same server."""
    company = create_company("platform", "The Platform")
    yield Site(company.ref, site.port)
    drop_company(company)
    Operation.objects.filter(tenant_slug__in=["platform", site.tenant.slug]).delete()
    Evidence.objects.all().delete()


@pytest.fixture
def restorable(settings: Settings, tmp_path: Path) -> Iterator[Tenant]:
    """A company with a backup, whose latest restore can be taken back."""
    settings.BACKUP_DIR = tmp_path
    company = create_company(name="Invented Bakery")
    company.created_at = timezone.now() - timedelta(days=9)
    company.save()
    at = timezone.now() - timedelta(days=2)
    Backup.objects.create(
        server="main", kind="full", state="verified", cells=["cell_1"], location="", started_at=at, finished_at=at
    )  # fmt: skip
    Operation.objects.create(
        kind="restore", tenant_id=company.pk, tenant_slug=company.slug, state="succeeded", finished_at=timezone.now(),
        input={"moment": at.isoformat()}, result={"kept_schema": "kept", "cell": "cell_1"},
    )  # fmt: skip
    yield company
    Operation.objects.filter(tenant_id=company.pk).delete()
    Backup.objects.all().delete()
    drop_company(company)


@pytest.fixture
def deleted() -> Iterator[Tenant]:
    """A company of which nothing is left but its certificate."""
    company = create_company(name="Deleted company")
    signed = sign_document({"kind": "notion-task-sync.deletion-certificate", "company_id": str(company.pk)})
    certificate = DeletionCertificate.objects.create(
        tenant_id=company.pk, document=signed.document, signature=signed.signature,
        signed_with=SigningKey.objects.get(pk=signed.key_id),
    )  # fmt: skip
    Tenant.objects.filter(pk=company.pk).update(state="deleted")
    yield company
    certificate.delete()
    Operation.objects.filter(tenant_id=company.pk).delete()
    drop_company(company)


@pytest.fixture
def pages(platform_site: Site, site: Site, restorable: Tenant, deleted: Tenant) -> dict[str, str]:
    """Something on every page: a company with an operation that waits, checks, and a job that was given up."""
    company = site.tenant
    Tenant.objects.filter(pk=company.id).update(
        name="Invented Harbour Works", state_reason="The invoice of May is open."
    )
    done = Operation.objects.get(tenant_slug=company.slug, kind="onboard")
    exported = run_operation(
        start_operation(
            kind="export", tenant_id=company.id, tenant_slug=company.slug, asked_by="Olive Made-Up", values={}
        ).pk
    )
    waiting = start_operation(
        kind="move", tenant_id=company.id, tenant_slug=company.slug, asked_by="Olive Made-Up",
        values={"from": "cell_1", "to": "cell_2"},
    )  # fmt: skip
    Operation.objects.filter(pk=waiting.pk).update(
        step="copy", steps_done=["check", "prepare", "capture"], progress={"done": 4200, "total": 10000},
        error="OperationalError: The server is restarting.",
    )  # fmt: skip
    for kind, hours, is_passed in (
        ("isolation_probe", 3, True), ("schema_audit", 30, True), ("restore_drill", 2, False),
    ):  # fmt: skip
        at = timezone.now() - timedelta(hours=hours)
        Evidence.objects.create(
            kind=kind, is_passed=is_passed, summary="44 probes, 44 refused", started_at=at, finished_at=at
        )
    with tenant_scope(company), atomic():
        enqueue("test.unheard_of")
    run_due_work(company, kind="test.unheard_of")
    return {
        "platform": "/platform/",
        "companies": "/platform/companies/",
        "companies, none": "/platform/companies/?q=nobody",
        "new company": "/platform/companies/new/",
        "one company": f"/platform/companies/{company.id}/",
        "operations": "/platform/operations/",
        "operation, done": f"/platform/operations/{done.pk}/",
        "operation, exported": f"/platform/operations/{exported.pk}/",
        "operation, waiting": f"/platform/operations/{waiting.pk}/",
        "given-up jobs": "/platform/work/",
        "a restored company": f"/platform/companies/{restorable.pk}/",
        "a deleted company": f"/platform/companies/{deleted.pk}/",
        "restore": f"/platform/companies/{restorable.pk}/restore/",
        "restore, under way": f"/platform/companies/{company.id}/restore/",
        "restore, not possible": f"/platform/companies/{deleted.pk}/restore/",
        "evidence": "/platform/evidence/",
        "evidence, none": "/platform/evidence/?kind=backup&outcome=failed",
    }


@pytest.mark.parametrize("width", [1440, 390])
def test_the_operators_pages_are_accessible(
    browser: Browser, platform_site: Site, pages: dict[str, str], watched: Watched, width: int
) -> None:
    page = _window(browser, platform_site, watched, width)
    sign_in(page, platform_site.owner_email, OWNER_PASSWORD)
    for name, path in pages.items():
        page.goto(path)
        for theme in THEMES:
            _set_theme(page, theme)
            assert violations(page) == [], f"{name} {theme}"
            picture(page, f"{name}-{theme}-{width}")
        assert overflow(page) <= 0, name
    page.context.close()


def test_a_moment_that_cannot_be_reached_is_said_beside_what_was_typed(
    browser: Browser, platform_site: Site, restorable: Tenant, watched: Watched
) -> None:
    page = _window(browser, platform_site, watched, 390)
    sign_in(page, platform_site.owner_email, OWNER_PASSWORD)
    page.goto(f"/platform/companies/{restorable.pk}/")
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("link", name="Restore to a moment").click()
    form = page.locator("section", has=page.get_by_role("heading", name="To a moment"))
    form.get_by_label("Moment (UTC)").fill(f"{timezone.now() - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}")
    form.get_by_label("say that you mean it").fill("another")
    form.get_by_role("button", name="Restore").click()
    expect(form.get_by_text(f"Type “{restorable.slug}” to say that you mean it.")).to_be_visible()
    watched.errors.clear()  # the refusal is a 422
    assert violations(page) == []
    assert overflow(page) <= 0
    picture(page, "restore-refused")
    assert not Operation.objects.filter(tenant_id=restorable.pk, state="running").exists()
    page.context.close()


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(
            path=Path(PICTURES) / f"{name.replace(', ', '-').replace(' ', '-')}.png", full_page=True
        )


def test_an_operator_suspends_a_company_and_its_people_read_why(
    browser: Browser, platform_site: Site, site: Site, watched: Watched
) -> None:
    operator = _window(browser, platform_site, watched, 1440)
    sign_in(operator, platform_site.owner_email, OWNER_PASSWORD)
    with open_context(browser, site) as theirs:
        person = theirs.new_page()
        sign_in(person, site.owner_email, OWNER_PASSWORD)

        operator.goto("/platform/companies/")
        operator.get_by_role("searchbox").fill(site.tenant.slug)
        operator.wait_for_url("**q=*")
        operator.locator(f"#company-{site.tenant.slug} a").click()
        operator.get_by_role("button", name="Actions").click()
        operator.locator("[data-open='#suspend']").click()
        operator.get_by_label("Reason").last.fill("The invoice of May is open.")
        operator.locator("#suspend").get_by_role("button", name="Suspend").click()
        expect(operator.get_by_text("is suspended.")).to_be_visible()

        person.goto("/tasks/")
        expect(person.get_by_role("heading")).to_contain_text("is not available at the moment")
        expect(person.get_by_text("The invoice of May is open.")).to_be_visible()
        assert violations(person) == []
        picture(person, "closed")

        operator.get_by_role("button", name="Resume").click()
        expect(operator.get_by_text("is open.")).to_be_visible()
        person.goto("/tasks/")
        expect(person.get_by_role("heading", name="Tasks", level=1)).to_be_attached()
    operator.context.close()


def test_a_read_only_company_says_so_and_keeps_what_was_typed(
    browser: Browser, site: Site, watched: Watched
) -> None:
    page = _window(browser, site, watched, 1440)
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    page.goto("/tasks/new/")
    page.get_by_label("Title").fill("Grease the invented crane")
    change_state(site.tenant.id, "read_only", reason="The books are being closed.")
    watched.errors.clear()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("The books are being closed.").first).to_be_visible()
    picture(page, "read-only-refused")
    watched.errors.clear()  # the refusal is a 503

    if page.get_by_label("Title").count() == 0:
        page.go_back()
    expect(page.get_by_label("Title")).to_have_value("Grease the invented crane")
    page.goto("/tasks/")
    expect(page.get_by_text("Read-only:")).to_be_visible()
    assert violations(page) == []
    picture(page, "read-only")
    change_state(site.tenant.id, "active")
    page.context.close()
