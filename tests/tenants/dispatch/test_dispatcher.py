"""The dispatcher's loop: what it does when the broker or the database does not answer, and how it stops."""

import contextlib
import io
import threading
import time
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
import redis
from celery import Celery
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections
from prometheus_client import REGISTRY

from tenants.dispatch import dispatcher, enqueue, handing
from tenants.dispatch.broker import BrokerDown, Sender
from tenants.dispatch.dispatcher import Dispatcher
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.waking import WakeListener, waker
from tenants.models import WorkItem
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.fakes.dispatch import states_of_work
from tests.tenants.tenancy.absent_cell import cell_away


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "BROKEN_SECONDS", 0.01)


def test_what_the_broker_did_not_take_is_ready_again(
    tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[UUID] = []

    def fail_after_one(self: Sender, cell: str, items: Sequence[UUID]) -> None:
        sent.append(items[0])
        raise BrokerDown(items[1:], ConnectionError("gone"))

    monkeypatch.setattr(Sender, "send", fail_after_one)
    with atomic():
        for _ in range(3):
            enqueue("test.unsent")

    assert Dispatcher([tenant.cell]).turn().sent == 1
    assert states_of_work(tenant, "test.unsent") == ["handed", "ready", "ready"]


def test_the_platforms_own_work_goes_to_a_queue_of_its_own(
    tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: dict[str, list[UUID]] = {}
    monkeypatch.setattr(
        Sender, "send", lambda _self, _cell, items, queue="work": sent.setdefault(queue, []).extend(items)
    )
    with atomic():
        for kind in ("test.one", "platform.check_cells", "test.two"):
            enqueue(kind)
    assert Dispatcher([tenant.cell]).turn().sent >= 3
    with cell_transaction(tenant.cell):
        kinds = dict(WorkItem.objects.filter(tenant_id=tenant.id).values_list("pk", "kind"))
    assert [kinds[item] for item in sent["platform"] if item in kinds] == ["platform.check_cells"]
    assert [kinds[item] for item in sent["work"] if kinds.get(item, "").startswith("test.")] == [
        "test.one", "test.two",
    ]  # fmt: skip


def test_when_the_first_queue_is_not_taken_the_second_is_ready_again_too(
    tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Sender, _cell: str, items: Sequence[UUID], queue: str = "") -> None:
        assert not queue, "nothing more is sent"
        raise BrokerDown(items, ConnectionError("gone"))

    monkeypatch.setattr(Sender, "send", fail)
    with atomic():
        for kind in ("test.unsent", "platform.check_cells"):
            enqueue(kind)
    assert Dispatcher([tenant.cell]).turn().sent == 0
    assert states_of_work(tenant, "test.unsent") == ["ready"]
    assert states_of_work(tenant, "platform.check_cells") == ["ready"]


def test_a_broker_that_does_not_listen_takes_nothing() -> None:
    items = [UUID(int=1), UUID(int=2)]

    with pytest.raises(BrokerDown) as caught:
        Sender(Celery(broker="redis://127.0.0.1:1/0")).send("cell_1", items)

    assert caught.value.unsent == items


def test_a_sender_whose_connection_broke_opens_another(databases: None) -> None:
    app = Celery(broker=settings.REDIS_URL)
    app.conf.task_default_queue = f"test-{uuid4()}"
    sender = Sender(app)
    with redis.Redis.from_url(settings.REDIS_URL) as valkey:
        sender.send("cell_1", [UUID(int=1)])
        own = valkey.client_id()
        for client in valkey.client_list():
            if client["db"] == settings.REDIS_URL.rpartition("/")[2] and int(client["id"]) != own:
                valkey.client_kill_filter(_id=client["id"])
        sent = 1
        for _ in range(3):  # it notices at the first try, and has mended it by the second
            with contextlib.suppress(BrokerDown):
                sender.send("cell_1", [UUID(int=2)])
                sent += 1

        assert sent >= 3
        assert valkey.llen(app.conf.task_default_queue) == sent
        valkey.delete(app.conf.task_default_queue)
    sender.close()


def test_a_cell_that_is_away_is_left_out_until_it_answers_and_costs_the_others_nothing(
    committed_tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, UUID]] = []
    monkeypatch.setattr(Sender, "send", lambda self, cell, items: sent.extend((cell, item) for item in items))
    tried: list[str] = []
    plain = handing.hand_out

    def hand_out(cell: str) -> object:
        tried.append(cell)
        return plain(cell)

    monkeypatch.setattr(dispatcher, "hand_out", hand_out)
    running = Dispatcher(["cell_2", committed_tenant.cell])
    with cell_away("cell_2"):
        running.turn()
        assert REGISTRY.get_sample_value("nts_cell_up", {"cell": "cell_2"}) == 0
        tried.clear()
        with tenant_scope(committed_tenant), atomic():
            enqueue("test.beside")
        for _ in range(20):
            running.turn()
        assert tried.count("cell_2") == 0
        assert tried.count(committed_tenant.cell) == 20
        assert committed_tenant.cell in {cell for cell, _ in sent}
    deadline = time.monotonic() + 10
    while "cell_2" not in tried and time.monotonic() < deadline:
        time.sleep(0.02)
        running.turn()
    assert "cell_2" in tried
    assert REGISTRY.get_sample_value("nts_cell_up", {"cell": "cell_2"}) == 1
    running._absences.end()


def test_a_wake_up_ends_the_wait_at_once(databases: None) -> None:
    drained = WakeListener(settings.CELLS, longest_wait=0.1)
    drained.wait()
    drained.close()
    listener = WakeListener(settings.CELLS, longest_wait=5)
    threading.Timer(0.2, waker.wake, settings.CELLS[:1]).start()

    started = time.monotonic()
    assert listener.wait()
    assert time.monotonic() - started < 4
    listener.close()


def test_wake_ups_do_not_pile_up(databases: None) -> None:
    for _ in range(5):
        waker.wake(settings.CELLS[0])
    listener = WakeListener(settings.CELLS, longest_wait=0.1)

    assert [listener.wait(), listener.wait()] == [True, False]
    listener.close()


def test_a_commit_reaches_the_broker_within_a_moment(
    committed_tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = threading.Event()
    monkeypatch.setattr(Sender, "send", lambda self, cell, items: sent.set())
    monkeypatch.setattr(dispatcher, "POLL_SECONDS", 30.0)
    running = Dispatcher([committed_tenant.cell])

    def run() -> None:
        try:
            running.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        time.sleep(0.3)
        with tenant_scope(committed_tenant), atomic():
            enqueue("test.quick")
        assert sent.wait(15), "it waited for the poll although it was woken"
    finally:
        running.stop()
        waker.wake(committed_tenant.cell)  # it need not wait for the poll to see that it is to stop
        thread.join(timeout=60)
    assert not thread.is_alive()


def test_the_command_looks_once_or_names_the_cells_there_are(
    tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[UUID] = []  # with whatever other companies of this server wait for
    monkeypatch.setattr(Sender, "send", lambda self, cell, items, queue="work": taken.extend(items))
    with atomic():
        enqueue("test.once")
    out = io.StringIO()

    call_command("dispatcher", "--once", stdout=out)
    assert out.getvalue() == f"{len(taken)} rows handed out.\n"
    assert states_of_work(tenant, "test.once") == ["handed"]
    with pytest.raises(CommandError, match="no cell called cell_x"):
        call_command("dispatcher", "--once", "--cell", "cell_x")
