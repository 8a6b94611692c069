"""A run as it goes: the stream of one company shows nothing of another, whoever asks at the same time."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from integrations.console import sync_runs
from integrations.models import Connection, SyncRun
from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.models import Domain
from tenants.tenancy import TenantRef, atomic, current_tenant, tenant_scope
from tenants.tenancy.context import current_tenant_or_none
from tests.people import signed_in_client


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_runs, "STEP_SECONDS", 0.0)


def running_sync() -> SyncRun:
    """A run under way in the open scope, of a workspace called after the company."""
    slug = current_tenant().slug
    with atomic():
        connection = Connection.objects.create(
            connector="notion", name=f"Canary of {slug}", account_id=slug, workspace_id=slug,
            workspace_name=f"Canary of {slug}",
        )  # fmt: skip
        return SyncRun.objects.create(
            connection=connection, kind="import", trigger="person", state=SyncRun.State.RUNNING
        )


def stream_of(client: Client, run: SyncRun) -> Any:
    answer: Any = client.get(f"/sync/runs/{run.pk}/live/")
    assert answer.headers["Content-Type"] == "text/event-stream"
    return answer


def next_event(parts: Iterator[bytes]) -> str:
    """The next part with something in it; the scope is closed between two parts, as it is in a web server."""
    for part in parts:
        if b"data:" in part:
            return part.decode()
    return ""


@pytest.fixture
def two_streams(
    tenant: TenantRef, other_tenant: TenantRef, console: Client
) -> Iterator[tuple[Callable[[], str], Callable[[], str], SyncRun, SyncRun]]:
    ours = running_sync()
    mine = stream_of(console, ours)
    with tenant_scope(other_tenant):
        run = running_sync()
        host = Domain.objects.get(tenant_id=other_tenant.id).host
        person = actor_for(User.objects.get(email=f"owner@{other_tenant.slug}.example"))
        theirs = stream_of(signed_in_client(host, person), run)
    here, there = iter(mine.streaming_content), iter(theirs.streaming_content)
    yield (lambda: next_event(here)), (lambda: next_event(there)), ours, run
    for answer in (mine, theirs):
        answer.close()


def test_two_streams_read_in_turn_each_show_their_own_company(
    two_streams: Any, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    mine, theirs, ours, run = two_streams
    for turn in range(3):
        with atomic():
            SyncRun.objects.filter(pk=ours.pk).update(done=turn + 1, total=10)
            with tenant_scope(other_tenant):
                SyncRun.objects.filter(pk=run.pk).update(done=turn + 5, total=10)
        here, there = mine(), theirs()
        assert f"Canary of {tenant.slug}" in here
        assert f"Canary of {other_tenant.slug}" in there
        assert other_tenant.slug not in here
        assert f"Canary of {tenant.slug}" not in there


def test_a_stream_reads_its_company_while_another_ones_scope_is_open(
    two_streams: Any, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    mine, _theirs, _ours, _run = two_streams
    with tenant_scope(other_tenant):
        assert f"Canary of {tenant.slug}" in mine()
        assert current_tenant_or_none() == other_tenant


def test_a_run_of_another_company_is_not_streamed(
    tenant: TenantRef, other_tenant: TenantRef, console: Client, owner: UserActor
) -> None:
    with tenant_scope(other_tenant):
        run = running_sync()
    answer = console.get(f"/sync/runs/{run.pk}/live/")
    assert answer.status_code == 404
    assert b"Canary" not in answer.content
