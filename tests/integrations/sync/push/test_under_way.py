"""What may still be under way is never made a second time, and what others write meanwhile is kept."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import Connection, ExternalLink, Push
from integrations.sync import guarded_sink
from integrations.sync.leases import LEASE_SECONDS, LeaseLost
from integrations.sync.push import one_push, settling
from integrations.sync.push.looking_up import IN_FLIGHT
from integrations.sync.push.sender import push_changes
from tasks.models import Task
from tenants.foundation.ids import uuid7
from tenants.tenancy import atomic
from tests.integrations.sync.push.conftest import CREATE, Desk, titles

GATEWAYS = [
    {"status": 524, "body": "<html>A timeout occurred</html>"},
    {"status": 520, "body": ""},
    {"status": 502, "body": "<html>Bad gateway</html>"},
    {"status": 502, "body": {"message": "Internal server error"}},
    {"status": 502, "code": "gateway_timeout"},
    {"status": 503, "code": "service_unavailable"},
    {"status": 504, "code": "gateway_timeout"},
]


@pytest.mark.parametrize("answer", GATEWAYS)
def test_behind_a_gateway_s_answer_a_making_may_still_go_on(home: Desk, answer: dict[str, Any]) -> None:
    home.sandbox.fault(kind="status", operation=CREATE, **answer)

    home.create(title="Perhaps")
    home.send()
    home.send()

    assert Push.objects.get().state == Push.State.AMBIGUOUS
    assert home.calls().count(CREATE) == 1

    Push.objects.update(sent_at=timezone.now() - IN_FLIGHT - timedelta(seconds=1))
    home.send()
    home.send()

    assert titles(home).count("Perhaps") == 1
    assert not Push.objects.exists()


def test_an_error_the_service_names_itself_is_the_end_of_it(home: Desk) -> None:
    home.sandbox.fault(kind="status", status=500, operation=CREATE)

    home.create(title="At once")
    home.send()
    home.send()

    assert titles(home).count("At once") == 1
    assert not Push.objects.exists()


def test_each_attempt_is_noted_and_keeps_the_connection(home: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Any, Any]] = []
    long_ago = timezone.now() - timedelta(minutes=10)

    @atomic
    def time_passes(*_: Any, **__: Any) -> None:
        seen.append((Push.objects.get().sent_at, Connection.objects.get().lease_expires_at))
        Push.objects.update(sent_at=long_ago)
        Connection.objects.update(lease_expires_at=timezone.now() + timedelta(seconds=1))

    monkeypatch.setattr(guarded_sink, "log", SimpleNamespace(info=time_passes))
    home.sandbox.fault(kind="status", status=409, operation=CREATE, times=2)
    home.create(title="Third time")
    began = timezone.now()
    home.send()

    assert titles(home).count("Third time") == 1
    assert len(seen) == 2
    for sent_at, expires_at in seen:
        assert sent_at >= began
        assert expires_at >= began + timedelta(seconds=LEASE_SECONDS - 1)


def test_whoever_lost_the_connection_between_two_attempts_makes_no_second_one(
    home: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_over(*_: Any, **__: Any) -> None:
        Connection.objects.update(lease_token=uuid7())

    monkeypatch.setattr(guarded_sink, "log", SimpleNamespace(info=taken_over))
    home.sandbox.fault(kind="status", status=409, operation=CREATE)
    home.create(title="Somebody else's now")
    home.tell()
    home.hurry()
    with pytest.raises(LeaseLost):
        push_changes(connection_id=home.connection.pk, heartbeat=lambda: None)

    assert home.calls().count(CREATE) == 1
    assert titles(home).count("Somebody else's now") == 0


def test_what_is_noted_of_a_link_while_its_edit_is_sent_stays(
    desk: Desk, pages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.task_of(pages[0])
    agree = settling._agree

    def noted_meanwhile(link: ExternalLink, *rest: Any) -> Any:
        ExternalLink.objects.filter(pk=link.pk).update(body_hash="of another text", failures=7)
        return agree(link, *rest)

    monkeypatch.setattr(settling, "_agree", noted_meanwhile)
    # What an answer says beside is another matter.
    monkeypatch.setattr(settling, "take_over", lambda *_: None)
    desk.edit(task, title="Sent")
    desk.send()

    link = desk.link_of(task)
    assert (link.body_hash, link.failures) == ("of another text", 7)
    assert link.base is not None
    assert link.base["title"] == "Sent"


def test_a_choice_made_while_an_edit_is_sent_counts(
    desk: Desk, pages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.task_of(pages[0])
    call = one_push._Sending._call

    def chosen_meanwhile(self: Any, prepared: Any) -> Any:
        with atomic():
            link = desk.link_of(task)
            ExternalLink.objects.filter(pk=link.pk).update(base={**(link.base or {}), "estimate": "7.00"})
        return call(self, prepared)

    monkeypatch.setattr(one_push._Sending, "_call", chosen_meanwhile)
    monkeypatch.setattr(settling, "take_over", lambda *_: None)
    desk.edit(task, title="Sent")
    desk.send()

    base = desk.link_of(task).base
    assert base is not None
    assert (base["title"], base["estimate"]) == ("Sent", "7.00")


LOCKED = ("integrations_connection", "tasks_task", "integrations_externallink", "integrations_push")


@pytest.mark.parametrize("is_new", [False, True])
def test_settling_locks_as_everybody_does(
    home: Desk, pages: list[str], is_new: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = home.create(title="The parent") if is_new else home.task_of(pages[0])
    if is_new:
        child = Task.objects.get(pk=home.task_of(pages[1]).pk)
        home.edit(child, parent_id=parent.pk)
    else:
        home.edit(parent, title="Sent")
    home.tell()
    home.hurry()
    note = settling._note_arrival
    asked: list[str] = []

    def captured(*given: Any) -> None:
        with CaptureQueriesContext(connections[home.tenant.cell]) as queries:
            note(*given)
        asked.extend(query["sql"] for query in queries.captured_queries)

    monkeypatch.setattr(settling, "_note_arrival", captured)
    push_changes(connection_id=home.connection.pk, heartbeat=lambda: None)

    places = [min(number for number, sql in enumerate(asked) if _locks(sql, table)) for table in LOCKED]
    assert places == sorted(places)


def _locks(sql: str, table: str) -> bool:
    is_locking = " FOR UPDATE" in sql or " FOR NO KEY UPDATE" in sql
    return sql.startswith((f'UPDATE "{table}"', f'INSERT INTO "{table}"', f'DELETE FROM "{table}"')) or (
        is_locking and f'FROM "{table}"' in sql
    )
