"""A record the service fails for holds up no other change, and is tried more and more rarely."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Push
from integrations.sync import guarded_sink, guarded_source
from integrations.sync.push import sender
from integrations.sync.push.sender import push_changes
from tests.integrations.sync.push.conftest import Desk


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repetitions of a call follow at once."""
    for kind in (guarded_source.GuardedTaskSource, guarded_sink.GuardedTaskSink):
        given = kind.__init__.__kwdefaults__
        assert given is not None
        monkeypatch.setitem(given, "sleep", lambda _seconds: None)


def edited(home: Desk, pages: list[str]) -> list[str]:
    """The pages whose tasks were edited here, in the order in which they are sent."""
    for page in pages:
        home.edit(home.task_of(page), title=f"Changed here {page}")
    home.tell()
    home.hurry()
    pushes = Push.objects.select_related("link").order_by("id")
    return [push.link.remote_id for push in pushes if push.link is not None]


def send(home: Desk) -> None:
    push_changes(connection_id=home.connection.pk, heartbeat=lambda: None)


def test_a_record_that_is_always_locked_holds_up_no_other(home: Desk, pages: list[str]) -> None:
    first, *others = edited(home, pages[:3])
    home.sandbox.fault(match=f"PATCH /v1/pages/{first}", kind="status", status=409, times=None)

    send(home)

    assert [home.title(page) for page in others] == [f"Changed here {page}" for page in others]
    assert Push.objects.get().link.remote_id == first  # type: ignore[union-attr]


def test_it_is_tried_more_and_more_rarely_until_it_works(home: Desk, pages: list[str]) -> None:
    (first,) = edited(home, pages[:1])
    home.sandbox.fault(match=f"PATCH /v1/pages/{first}", kind="status", status=409, times=None)

    pauses = []
    for _ in range(6):
        Push.objects.update(not_before=timezone.now())
        send(home)
        pauses.append(Push.objects.get().not_before - timezone.now())

    assert pauses[-1] > pauses[-2] > pauses[-3] > timedelta(seconds=10)
    home.sandbox.faults.clear()
    Push.objects.update(not_before=timezone.now())
    send(home)
    assert home.title(first) == f"Changed here {first}"
    assert not Push.objects.exists()


def test_what_cannot_be_looked_up_holds_up_no_other_and_waits_longer_with_time(
    home: Desk, pages: list[str]
) -> None:
    first, *others = edited(home, pages[:3])
    broken_off = Push.objects.filter(link__remote_id=first)
    long_ago = timezone.now() - timedelta(minutes=10)
    broken_off.update(state=Push.State.SENDING, sent={"title": "Never arrived"}, sent_at=long_ago)
    home.sandbox.fault(match=f"GET /v1/pages/{first}", kind="status", status=500, times=None)

    send(home)

    assert [home.title(page) for page in others] == [f"Changed here {page}" for page in others]
    left = Push.objects.get()
    assert left.state == Push.State.AMBIGUOUS
    assert left.not_before > timezone.now() + timedelta(minutes=2)


def test_a_service_that_fails_for_several_in_a_row_is_left_alone(
    home: Desk, pages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MAX_STRIKES", 2)
    edited(home, pages)
    home.sandbox.fault(match="PATCH /v1/pages/", kind="status", status=409, times=None)
    home.calls()

    send(home)

    assert len({call for call in home.calls() if call.startswith("PATCH /v1/pages/")}) == 2
    assert not Push.objects.exclude(state="waiting").exists()
    assert not Push.objects.filter(not_before__lte=timezone.now()).exists()
