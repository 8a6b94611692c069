"""Somebody decides a conflict in the moment in which an answer is written down: both come to their end."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.db import connections

from integrations.capabilities import RemoteRecord, TaskSink, TaskSource
from integrations.models import Conflict, Connection, ExternalLink, Push, SyncedCollection, SyncRun
from integrations.sync.conflicts.services import choose
from integrations.sync.guarded_source import CallGuard
from integrations.sync.journal import Journal
from integrations.sync.leases import take_lease
from integrations.sync.push import settling
from integrations.sync.push.planning import Plan
from integrations.sync.push.settling import Prepared, settle
from integrations.sync.push.writer import Writer
from integrations.sync.session import SyncSession
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.factories.conflicts import conflicting

MOMENT = datetime(2026, 3, 2, 10, tzinfo=UTC)


def writer_of(connection: Connection) -> Writer:
    run = SyncRun(connection=connection, kind=SyncRun.Kind.PUSH, trigger=SyncRun.Trigger.EDIT)
    guard = cast(CallGuard, SimpleNamespace(take_count=lambda: 0, write_tally=lambda **_: None))
    session = SyncSession(
        connection=connection, run=run, parts=[], source=cast(TaskSource, None), guard=guard,
        lease_token=take_lease(connection.pk), journal=Journal(run), heartbeat=lambda: None,
    )  # fmt: skip
    return Writer(session, cast(TaskSink, None))


def test_a_choice_and_an_answer_about_the_same_record_wait_for_each_other(
    committed_tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant_scope(committed_tenant), atomic():
        row = conflicting(base="Old", local="Ours", remote="Theirs")
        link = ExternalLink.objects.select_related("connection").get(pk=row.link_id)
        collection = SyncedCollection.objects.get(pk=link.collection_id)
        push = Push.objects.create(
            connection=link.connection, collection=collection, link=link, task_id=row.task_id,
            state=Push.State.SENDING, sent={"estimate": "2.00"}, sent_generation=1,
        )  # fmt: skip
    is_settling, has_chosen, failures = threading.Event(), threading.Event(), list[BaseException]()

    def read_slowly(*_: Any) -> dict[str, Any]:
        is_settling.set()
        # Long enough for whoever decides to have come as far as they can.
        has_chosen.wait(1.5)
        return {}

    monkeypatch.setattr(settling, "read_back", read_slowly)
    monkeypatch.setattr(settling, "take_over", lambda *_: None)
    reply = RemoteRecord(
        id=link.remote_id, collection_id=collection.remote_id, url="", values={},
        created_at=MOMENT, edited_at=MOMENT,
    )  # fmt: skip
    plan = Plan(sent={"estimate": "2.00"})
    prepared = Prepared(push.pk, Push.Kind.UPDATE, row.task_id, 1, collection, link, plan)

    def alone(work: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                with tenant_scope(committed_tenant):
                    work()
            except BaseException as error:
                failures.append(error)
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def decide() -> None:
        choose(conflict_id=row.pk, side="remote", actor=SYSTEM)
        has_chosen.set()

    settled = alone(lambda: settle(writer_of(link.connection), prepared, reply))
    assert is_settling.wait(10)
    chosen = alone(decide)
    settled.join(30)
    chosen.join(30)

    assert failures == []
    with tenant_scope(committed_tenant), atomic():
        base = ExternalLink.objects.get(pk=link.pk).base
        assert base is not None
        assert (base["title"], base["estimate"]) == ("Theirs", "2.00")
        assert Conflict.objects.get().state == Conflict.State.SETTLED
