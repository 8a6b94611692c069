"""A page that watches a sync, on a real server: signed out elsewhere, it stops at once and shows the entrance."""

from http.client import HTTPConnection

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from integrations.models import Connection, SyncRun
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.accounts.sessions.services import end_sign_ins
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.journeys.conftest import Site
from tests.people import signed_in_client

# Far beyond a second or two, far below the fifty a stream lives by itself.
PATIENCE_SECONDS = 30


@pytest.fixture
def run(committed_tenant: TenantRef) -> SyncRun:
    """A sync under way."""
    with tenant_scope(committed_tenant), atomic():
        connection = Connection.objects.create(
            connector="notion", name="Watched", account_id="a", workspace_id="w", workspace_name="Watched"
        )
        return SyncRun.objects.create(
            connection=connection, kind="import", trigger="person", state=SyncRun.State.RUNNING
        )


def sign_out_everywhere(site: Site) -> None:
    with tenant_scope(site.tenant), atomic():
        end_sign_ins(User.objects.get(email=site.owner_email), because="revoked")


def test_the_connection_ends_long_before_the_streams_own_time(site: Site, run: SyncRun) -> None:
    with tenant_scope(site.tenant), atomic():
        owner = actor_for(User.objects.get(email=site.owner_email))
        browser = signed_in_client(f"{site.tenant.slug}.localhost", owner)
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value
    connection = HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE_SECONDS)
    headers = {
        "Host": f"{site.tenant.slug}.localhost:{site.port}",
        "Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}",
        "Accept": "text/event-stream",
    }
    connection.request("GET", f"/sync/runs/{run.pk}/live/", headers=headers)
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.readline().startswith(b"data:")
    sign_out_everywhere(site)
    with tenant_scope(site.tenant), atomic():
        Connection.objects.update(name="Renamed", workspace_name="Renamed")
    try:
        rest = answer.read()
    except TimeoutError:
        pytest.fail("The stream went on.")
    finally:
        connection.close()
    assert rest.endswith(b"event: stream:over\ndata:\n\n")
    assert b"Renamed" not in rest


def test_the_page_leads_to_the_entrance_by_itself(owner_page: Page, site: Site, run: SyncRun) -> None:
    owner_page.goto(f"/sync/runs/{run.pk}/")
    expect(owner_page.locator("#live .badge").first).to_have_text("Running")
    sign_out_everywhere(site)
    owner_page.wait_for_url("**/account/sign-in/**", timeout=PATIENCE_SECONDS * 1000)
    expect(owner_page.get_by_label("E-mail")).to_be_visible()
