"""A stream that is open ends when what let its reader in is gone: it is not left to run to its end."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.console import sync_runs
from integrations.models import Connection, SyncRun
from tenants.accounts import streams
from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.access.bindings import revoke_role
from tenants.accounts.models import ApiToken, CustomRole, RoleBinding, UserSession
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import deactivate_user
from tenants.accounts.sessions.services import end_sign_ins
from tenants.accounts.tokens.services import revoke_api_token
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic
from tenants.tenancy.directory import directory
from tenants.tenancy.transactions import current_alias
from tests.people import person, signed_in_client, token_client

Ending = Callable[[UserActor], None]


@pytest.fixture(autouse=True)
def _looks_at_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(sync_runs, "STEP_SECONDS", 0.0)


@pytest.fixture
def watcher(tenant: TenantRef) -> UserActor:
    return person(tenant, Role.MEMBER, "Wanda Watcher-Example")


@pytest.fixture
def run(tenant: TenantRef) -> SyncRun:
    """A sync under way, which a page could watch until it ends."""
    with atomic():
        connection = Connection.objects.create(
            connector="notion", name="Watched", account_id="a", workspace_id="w", workspace_name="Watched"
        )
        return SyncRun.objects.create(
            connection=connection, kind="import", trigger="person", state=SyncRun.State.RUNNING
        )


def signed_out(actor: UserActor) -> None:
    end_sign_ins(actor.user, because="revoked")


def deactivated(actor: UserActor) -> None:
    deactivate_user(user=actor.user, actor=SYSTEM)


def role_taken(actor: UserActor) -> None:
    revoke_role(binding=RoleBinding.objects.get(user=actor.user), actor=SYSTEM)


def role_run_out(actor: UserActor) -> None:
    """Nobody does anything: the time of a role is over, the sign-in goes on."""
    RoleBinding.objects.filter(user=actor.user).update(expires_at=timezone.now() - timedelta(seconds=1))


def idle_too_long(actor: UserActor) -> None:
    UserSession.objects.filter(user=actor.user).update(last_seen_at=timezone.now() - timedelta(days=30))


ENDINGS = {
    "signed out": signed_out,
    "deactivated": deactivated,
    "role taken": role_taken,
    "role run out": role_run_out,
    "idle too long": idle_too_long,
}


def opened(client: Client, run: SyncRun) -> Iterator[bytes]:
    """The parts of a page that watches a run, its first shown."""
    answer: Any = client.get(f"/sync/runs/{run.pk}/live/")
    assert answer.headers["Content-Type"] == "text/event-stream"
    parts: Iterator[bytes] = iter(answer.streaming_content)
    assert b"Watched" in next(parts)
    return parts


def rename(run: SyncRun) -> None:
    """Change what is watched: the next part would show it."""
    with atomic():
        Connection.objects.filter(pk=run.connection_id).update(workspace_name="Renamed", name="Renamed")


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_next_part_is_not_sent_any_more(ending: str, run: SyncRun, host: str, watcher: UserActor) -> None:
    parts = opened(signed_in_client(host, watcher), run)
    with atomic():
        ENDINGS[ending](watcher)
    rename(run)
    assert list(parts) == [streams.OVER]


def test_it_goes_on_for_whoever_is_still_let_in(
    run: SyncRun, host: str, watcher: UserActor, tenant: TenantRef
) -> None:
    parts = opened(signed_in_client(host, watcher), run)
    with atomic():
        end_sign_ins(person(tenant, Role.MEMBER, "Other Other-Example").user, because="revoked")
    rename(run)
    assert any(b"Renamed" in next(parts) for _ in range(5))
    with atomic():
        SyncRun.objects.filter(pk=run.pk).update(state=SyncRun.State.SUCCEEDED)
    assert list(parts)[-1].startswith(b"event: done")


def test_a_suspended_companys_streams_end(
    run: SyncRun, host: str, watcher: UserActor, tenant: TenantRef
) -> None:
    parts = opened(signed_in_client(host, watcher), run)
    Tenant.objects.filter(pk=tenant.id).update(state=Tenant.State.SUSPENDED)
    directory.forget()
    assert list(parts) == []


def test_a_stream_by_token_ends_with_the_token(
    tenant: TenantRef, host: str, owner: UserActor, rf: RequestFactory
) -> None:
    token_client(host, owner)
    token = ApiToken.objects.get(user=owner.user)
    request = rf.get("/", headers={"host": host})
    request.actor = actor_for(owner.user, token_id=token.pk, scopes=frozenset(token.scopes))  # type: ignore[attr-defined]
    parts = watched(request)
    assert [next(parts), next(parts)] == [b"part", b"part"]
    with atomic():
        revoke_api_token(token=token, actor=owner)
    assert list(parts) == []


def test_a_role_that_allows_less_ends_it_and_one_that_allows_more_does_not(
    run: SyncRun, host: str, watcher: UserActor
) -> None:
    role = CustomRole.objects.create(name="Watchers", codes=["accounts.view_users", "integrations.view"])
    RoleBinding.objects.filter(user=watcher.user).update(role="", custom_role=role)
    parts = opened(signed_in_client(host, actor_for(watcher.user)), run)
    CustomRole.objects.filter(pk=role.pk).update(codes=[*role.codes, "tasks.view"])
    assert next(parts)
    CustomRole.objects.filter(pk=role.pk).update(codes=["accounts.view_users"])
    assert list(parts) == [streams.OVER]


def test_a_look_costs_two_queries_and_none_before_it_is_due(
    tenant: TenantRef, host: str, owner: UserActor, rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_client(host, owner)
    token = ApiToken.objects.get(user=owner.user)
    request = rf.get("/", headers={"host": host})
    request.actor = actor_for(owner.user, token_id=token.pk, scopes=frozenset(token.scopes))  # type: ignore[attr-defined]
    looking = watched(request)
    with CaptureQueriesContext(connections[current_alias()]) as asked:
        next(looking)
    assert len([each for each in asked if each["sql"].startswith("SELECT")]) == 2
    monkeypatch.setattr(streams, "LOOK_SECONDS", 3600.0)
    resting = watched(request)
    with CaptureQueriesContext(connections[current_alias()]) as asked:
        assert [next(resting) for _ in range(100)] == [b"part"] * 100
    assert len(asked) == 0


def test_a_stranger_who_would_watch_is_told_to_load_the_page_again(run: SyncRun, stranger: Client) -> None:
    """The sign-in page is nothing a stream could show: the browser would ask for it without end."""
    asking = {"Accept": "text/html, text/event-stream"}
    answer = stranger.get(f"/sync/runs/{run.pk}/live/", headers=asking)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")
    assert answer.content == streams.OVER
    assert stranger.get(f"/sync/runs/{run.pk}/live/").status_code == 302


def watched(request: HttpRequest) -> Iterator[bytes]:
    """The parts of an endless stream for whoever asks, judged as the product judges them."""

    def endless() -> Iterator[bytes]:
        while True:
            yield b"part"

    answer = StreamingHttpResponse(endless())
    streams.end_when_revoked(request, answer)
    return iter(answer.streaming_content)  # type: ignore[arg-type]
