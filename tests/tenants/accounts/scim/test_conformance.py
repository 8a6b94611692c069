"""A tester nobody here wrote, against the real service on a real port."""

from collections import Counter
from collections.abc import Iterator

import httpx2
import pytest
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from tenants.accounts.access import SYSTEM
from tenants.accounts.models import EmailDomain
from tenants.accounts.scim.directories import DirectoryChange, change_directory, create_directory
from tenants.accounts.scim.tokens import issue_scim_token
from tenants.tenancy import TenantRef, atomic, tenant_scope


class Loopback(httpx2.HTTPTransport):
    """Dials this machine whatever name is asked for: no resolver knows the company's."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it with the name as it was in the Host header."""
        request.url = request.url.copy_with(host="127.0.0.1")
        return super().handle_request(request)


@pytest.fixture
def address(committed_tenant: TenantRef) -> Iterator[str]:
    """A server whose requests really commit."""
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler, connections_override={})
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    before = settings.PUBLIC_PORT
    settings.PUBLIC_PORT = thread.port
    yield f"http://{committed_tenant.slug}.localhost:{thread.port}/scim/v2"
    settings.PUBLIC_PORT = before
    thread.terminate()


@pytest.fixture
def key(committed_tenant: TenantRef) -> str:
    """The key of a directory whose user names are no addresses, as the tester makes them up."""
    with tenant_scope(committed_tenant), atomic():
        EmailDomain.objects.create(domain="people.example", nonce="n", state=EmailDomain.State.VERIFIED)
        directory = create_directory(actor=SYSTEM, name="Tester")
        change = DirectoryChange(
            username_domain="people.example", brake_percent=100, requests_per_minute=30_000
        )
        change_directory(directory=directory, actor=SYSTEM, change=change)
        return issue_scim_token(directory=directory, actor=SYSTEM).token.reveal()


def test_the_conformance_tester_finds_no_error(
    address: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=address, headers=headers, timeout=60, transport=Loopback()) as client:
        results = check_server(SyncSCIMClient(client))
    counts = Counter(result.status for result in results)
    with capsys.disabled():
        print("\nscim2-tester:", {status.name: number for status, number in sorted(counts.items(), key=str)})  # noqa: T201
    bad = [
        f"{each.status.name} {each.resource_type} {each.title}: {each.reason}"
        for each in results
        if each.status in {Status.ERROR, Status.CRITICAL, Status.DEVIATION}
    ]
    assert not bad, "\n".join(bad)
    assert counts[Status.SUCCESS] >= 100
