"""Webhooks over HTTP: the control paths, a real address, the thread, a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sandbox.notion.webhooks.deliveries import signature_of
from integrations.sandbox.notion.webhooks.thread import SendingThread
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller
from tests.integrations.sandbox.notion.sample import ADA, Json, task_id
from tests.integrations.sandbox.notion.test_control import control, look


class Receiver(HTTPServer):
    """Answers 200 and remembers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[bytes, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/notion/?key=1"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Receiver)
        assert self.path == "/hooks/notion/?key=1"
        self.server.received.append((raw, dict(self.headers.items())))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def subscribed(notion: Caller, receiver: Receiver) -> Json:
    body = {"workspace": sample.TOKEN, "url": receiver.url, "events": ["page.properties_updated"]}
    made = control(notion, "webhooks", body)
    return control(
        notion, "webhooks/confirm", {"id": made["id"], "verification_token": made["verification_token"]}
    )


def edit(notion: Caller, value: float) -> None:
    patch = {"properties": {"Hours": {"number": value}}}
    control(notion, "edit", {"page_id": task_id(1), "as": ADA, "patch": patch})


def test_subscribed_confirmed_and_delivered_over_http(notion: Caller, receiver: Receiver) -> None:
    subscription = subscribed(notion, receiver)
    assert subscription["state"] == "active"
    edit(notion, 4)
    assert control(notion, "webhooks/deliver", {})["attempts"] == []
    control(notion, "clock", {"advance_seconds": 10})
    (attempt,) = control(notion, "webhooks/deliver", {})["attempts"]
    assert (attempt["status"], attempt["entity_id"]) == (200, task_id(1))
    handshake, event = receiver.received
    assert "X-Notion-Signature" not in handshake[1]
    assert event[1]["X-Notion-Signature"] == signature_of(subscription["verification_token"], event[0])
    assert look(notion, "webhooks")["ended"] == {"page.properties_updated": {"delivered": 1}}
    control(notion, "webhooks", {"id": subscription["id"]}, method="DELETE")
    assert look(notion, "webhooks")["subscriptions"] == []


def test_rules_and_mishaps_are_set_over_http(notion: Caller, receiver: Receiver) -> None:
    subscribed(notion, receiver)
    rules = control(notion, "webhooks/rules", {"window_seconds": 0, "delay_seconds": 2})
    assert rules == {"window_seconds": 0, "delay_seconds": 2, "jitter_seconds": 0}
    control(notion, "webhooks/mishaps", {"kind": "loss"})
    edit(notion, 4)
    edit(notion, 5)
    assert len(control(notion, "webhooks/deliver", {"now": True})["attempts"]) == 1
    control(notion, "webhooks/mishaps", {"kind": "loss"})
    assert control(notion, "webhooks/mishaps", method="DELETE") == {"mishaps": []}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("webhooks", {"workspace": "Nobody", "url": "http://a.example"}),
        ("webhooks", {"workspace": sample.TOKEN}),
        ("webhooks/confirm", {"id": "x", "verification_token": "y"}),
        ("webhooks/rules", {"speed": 1}),
        ("webhooks/rules", {"window_seconds": -1}),
    ],
)
def test_mistakes_are_answered_with_a_sentence(notion: Caller, name: str, body: Json) -> None:
    with pytest.raises(AssertionError, match="error"):
        control(notion, name, body)


def test_an_address_where_nobody_listens_counts_as_an_attempt(sandbox: Sandbox) -> None:
    made = sandbox.webhooks.subscribe("Test Workspace", "http://127.0.0.1:1/hooks/")
    assert made.handshake_status == 0
    sandbox.webhooks.confirm(made.id, made.verification_token)
    sandbox.edit(task_id(1), ADA, {"properties": {"Hours": {"number": 4}}})
    assert [one.status for one in sandbox.webhooks.deliver_now()] == [0]
    assert sandbox.webhooks.waiting()[0]["attempt_number"] == 2


def test_a_served_sandbox_sends_by_itself(sandbox: Sandbox, receiver: Receiver) -> None:
    made = sandbox.webhooks.subscribe("Test Workspace", receiver.url)
    sandbox.webhooks.confirm(made.id, made.verification_token)
    sandbox.webhooks.rules(window_seconds=0)
    with SendingThread(sandbox.webhooks, pause_seconds=0.01):
        sandbox.edit(task_id(1), ADA, {"properties": {"Hours": {"number": 4}}})
        deadline = time.monotonic() + 10
        while len(receiver.received) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(receiver.received) == 2


def test_a_subscription_outlives_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    first = Sandbox(state=tmp_path)
    first.add_workspace(sample.workspace_line(), [*sample.frame_objects(), *sample.tasks(1)])
    kept = first.webhooks.subscribe("Test Workspace", receiver.url)
    first.webhooks.confirm(kept.id, kept.verification_token)
    gone = first.webhooks.subscribe("Test Workspace", receiver.url)
    first.webhooks.unsubscribe(gone.id)
    first.close()
    for hours in (1, 2):  # from the journal, then from the snapshot it was folded into
        again = Sandbox(state=tmp_path)
        assert [one.as_json() for one in again.webhooks.subscriptions()] == [kept.as_json()]
        again.edit(task_id(1), ADA, {"properties": {"Hours": {"number": hours}}})
        assert [one.status for one in again.webhooks.deliver_now()] == [200]
        again.close()
