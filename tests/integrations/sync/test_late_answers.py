"""An answer that comes late overrides nobody: neither what a person did meanwhile nor a token given since."""

from typing import Any, cast

import pytest
from django.utils import timezone

from integrations.capabilities import ProblemKind, SourceError
from integrations.events import ConnectionSuspended
from integrations.models import Connection, SyncRun
from integrations.sync.journal import Journal
from integrations.sync.leases import take_lease
from integrations.sync.outcomes import suspend_connection
from integrations.sync.session import SyncSession
from tenants.tenancy import TenantRef
from tests.fakes.events import PublishedEvents

REFUSED = SourceError("It needs a new token.", service="notion", kind=ProblemKind.UNAUTHORISED)


@pytest.fixture
def connection(tenant: TenantRef) -> Connection:
    return Connection.objects.create(
        connector="notion", name="North", account_id="a", workspace_id="w", token_changed_at=timezone.now()
    )


def session_of(connection: Connection) -> SyncSession:
    nobody: Any = None
    run = SyncRun(connection=connection, kind="poll", trigger="schedule")
    return SyncSession(
        connection=connection, run=run, parts=[], source=nobody, guard=nobody, journal=Journal(run),
        lease_token=take_lease(connection.pk), heartbeat=lambda: None,
    )  # fmt: skip


def refuse(session: SyncSession) -> Connection:
    suspend_connection(session, Connection.State.REAUTHORISE, REFUSED)
    return Connection.objects.get()


def test_a_refused_token_stops_the_workspace(
    connection: Connection, published_events: PublishedEvents
) -> None:
    assert refuse(session_of(connection)).state == Connection.State.REAUTHORISE
    assert len(list(published_events.of(ConnectionSuspended))) == 1


@pytest.mark.parametrize("state", ["paused", "disconnected", "blocked"])
def test_what_a_person_did_meanwhile_stays(
    connection: Connection, state: str, published_events: PublishedEvents
) -> None:
    session = session_of(connection)
    Connection.objects.update(state=state, state_reason="By hand.")
    after = refuse(session)
    assert (after.state, after.state_reason) == (state, "By hand.")
    assert not list(published_events.of(ConnectionSuspended))
    assert not SyncRun.objects.exists()


@pytest.mark.parametrize("values", [{"token_changed_at": None}, {"auth_kind": Connection.AuthKind.OAUTH}])
def test_a_fresh_token_is_not_declared_dead_by_the_answer_to_the_old_one(
    connection: Connection, values: dict[str, object]
) -> None:
    session = session_of(connection)
    Connection.objects.update(**cast(dict[str, Any], values))
    assert refuse(session).state == Connection.State.CONNECTED


def test_access_that_renewed_itself_under_way_can_end(connection: Connection) -> None:
    Connection.objects.update(auth_kind=Connection.AuthKind.OAUTH)
    connection.refresh_from_db()
    session = session_of(connection)
    Connection.objects.update(token_changed_at=timezone.now())
    assert refuse(session).state == Connection.State.REAUTHORISE
