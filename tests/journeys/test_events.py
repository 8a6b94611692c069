"""An administrator sets events up: address, token shown once, first events, silence; on a phone in the dark as well."""

import json
import re

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from integrations.models import Connection, WebhookSubscription
from tenants.models import Domain
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.companies import OWNER_PASSWORD
from tests.factories.notion_events import SIGNING_KEY, WORKSPACE, event_json, post
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]


@pytest.fixture
def connection(committed_tenant: TenantRef) -> Connection:
    with tenant_scope(committed_tenant), atomic():
        return Connection.objects.create(
            connector="notion", name="Testing Ground", account_id="bot", workspace_id=WORKSPACE
        )


@pytest.fixture
def service(committed_tenant: TenantRef) -> Client:
    """Notion, which posts to the company's host."""
    return Client(headers={"host": Domain.objects.get(tenant_id=committed_tenant.id).host})


def test_events_are_set_up_and_come(owner_page: Page, connection: Connection, service: Client) -> None:
    page = owner_page
    page.goto(f"/workspaces/{connection.pk}/")
    page.get_by_role("link", name="Not set up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Events")
    assert violations(page) == []

    page.get_by_role("button", name="Open an address").click()
    address = page.get_by_label("Address for events").input_value()
    path = re.sub(r"^https?://[^/]+", "", address)
    assert violations(page) == []

    assert post(service, path, {"verification_token": SIGNING_KEY}, key=None).status_code == 204
    page.reload()
    page.get_by_role("button", name="Show the verification token").click()
    expect(page.get_by_label("Verification token")).to_have_value(SIGNING_KEY)
    assert violations(page) == []

    for kind in ("page.properties_updated", "comment.created", "page.deleted"):
        post(service, path, json.dumps(event_json(kind)).encode())
    page.goto(f"/workspaces/{connection.pk}/events/")
    expect(page.get_by_text("Receiving")).to_be_visible()
    expect(page.get_by_text("Nothing here depends on it.")).to_be_visible()
    assert violations(page) == []

    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Renew the address").first.click()
    assert violations(page) == []
    page.get_by_role("dialog").get_by_role("button", name="Renew the address").click()
    expect(page.get_by_label("Address for events")).not_to_have_value(address)


def test_silence_and_another_token_fit_a_narrow_window_in_the_dark(
    browser: Browser,
    site: Site,
    watched: Watched,
    connection: Connection,
    committed_tenant: TenantRef,
    service: Client,
) -> None:
    context = open_context(browser, site, viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    watched.listen(page)
    sign_in(page, site.owner_email, OWNER_PASSWORD)
    page.goto(f"/workspaces/{connection.pk}/events/")
    page.get_by_role("button", name="Open an address").click()
    path = re.sub(r"^https?://[^/]+", "", page.get_by_label("Address for events").input_value())
    post(service, path, {"verification_token": SIGNING_KEY}, key=None)
    post(service, path, event_json())
    post(service, path, {"verification_token": "secret_another"}, key=None)
    with tenant_scope(committed_tenant), atomic():
        WebhookSubscription.objects.update(
            state="silent",
            state_reason="Changes were found that no event told of.",
            last_event_at=timezone.now(),
        )
    page.reload()
    expect(page.get_by_text("Notion has fallen silent")).to_be_visible()
    expect(page.get_by_text("Another token came")).to_be_visible()
    assert violations(page) == []
    assert overflow(page) <= 0
    page.goto(f"/workspaces/{connection.pk}/")
    assert violations(page) == []
    context.close()
