"""On the way: handshake, signature, attempts, and all that may go wrong between."""

from __future__ import annotations

import hashlib
import hmac
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sandbox.notion.webhooks.deliveries import send
from integrations.sandbox.notion.webhooks.subscriptions import Subscription
from tests.fakes.notion_sandbox import WebhookInbox
from tests.integrations.sandbox.notion import contract, sample
from tests.integrations.sandbox.notion.sample import ADA, BEN, task_id
from tests.integrations.sandbox.notion.webhooks.conftest import URL

HOUR = 3600


def edit(sandbox: Sandbox, number: int, value: float = 4) -> None:
    sandbox.edit(task_id(number), ADA, {"properties": {"Hours": {"number": value}}})


def test_the_handshake_is_one_unsigned_post_with_the_token(sandbox: Sandbox, inbox: WebhookInbox) -> None:
    made = sandbox.webhooks.subscribe("Test Workspace", URL, ["page.created"])
    (sent,) = inbox.received
    assert sent.body == {"verification_token": made.verification_token}
    assert made.verification_token.startswith("secret_")
    assert "X-Notion-Signature" not in sent.headers
    assert (made.state, made.handshake_status) == ("pending", 200)


def test_nothing_is_sent_before_the_token_was_pasted_back(sandbox: Sandbox, inbox: WebhookInbox) -> None:
    made = sandbox.webhooks.subscribe("Test Workspace", URL)
    with pytest.raises(ValueError, match="not the subscription's"):
        sandbox.webhooks.confirm(made.id, "secret_guess")
    edit(sandbox, 1)
    assert sandbox.webhooks.deliver_now() == []
    sandbox.webhooks.confirm(made.id, made.verification_token)
    edit(sandbox, 1, 5)
    assert len(sandbox.webhooks.deliver_now()) == 1


def test_a_handshake_nobody_answers_can_be_sent_again(sandbox: Sandbox, inbox: WebhookInbox) -> None:
    inbox.answers = [0]
    made = sandbox.webhooks.subscribe("Test Workspace", URL)
    assert made.handshake_status == 0
    assert sandbox.webhooks.send_handshake(made.id) == 200
    assert inbox.bodies[0] == inbox.bodies[1]


@pytest.mark.parametrize(
    ("url", "events", "message"),
    [
        ("ftp://x.example", ["page.created"], "http or https"),
        (URL, ["page.sparkled"], "unknown events page.sparkled"),
        (URL, [], "at least one"),
    ],
)
def test_an_impossible_subscription_is_refused(
    sandbox: Sandbox, inbox: WebhookInbox, url: str, events: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sandbox.webhooks.subscribe("Test Workspace", url, events)
    assert inbox.received == []


def test_the_signature_is_over_the_raw_bytes(
    sandbox: Sandbox, inbox: WebhookInbox, subscription: Subscription
) -> None:
    edit(sandbox, 1)
    sandbox.webhooks.deliver_now()
    (sent,) = inbox.received
    expected = hmac.new(subscription.verification_token.encode(), sent.raw, hashlib.sha256).hexdigest()
    assert sent.headers["X-Notion-Signature"] == f"sha256={expected}"


def test_only_chosen_events_are_sent(sandbox: Sandbox, inbox: WebhookInbox) -> None:
    made = sandbox.webhooks.subscribe("Test Workspace", URL, ["page.deleted"])
    sandbox.webhooks.confirm(made.id, made.verification_token)
    inbox.clear()
    edit(sandbox, 1)
    sandbox.trash(task_id(2), ADA)
    sandbox.webhooks.deliver_now()
    assert inbox.types == ["page.deleted"]


def test_a_refused_event_is_tried_eight_times_within_a_day(
    sandbox: Sandbox, inbox: WebhookInbox, subscription: Subscription
) -> None:
    inbox.answers = [500] * 20
    edit(sandbox, 1)
    sandbox.webhooks.deliver_now()
    waits = []
    for _ in range(7):
        before = sandbox.clock.now()
        while not sandbox.webhooks.deliver_due():
            sandbox.clock.advance(30)
        waits.append((sandbox.clock.now() - before).total_seconds())
    assert waits == sorted(waits)
    assert waits[0] == pytest.approx(60, abs=30)
    assert sum(waits) == pytest.approx(24 * HOUR, abs=HOUR)
    assert [body["attempt_number"] for body in inbox.bodies] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert len({body["id"] for body in inbox.bodies}) == 1
    sandbox.clock.advance(48 * HOUR)
    assert sandbox.webhooks.deliver_due() == []
    assert sandbox.webhooks.report()["ended"] == {"page.properties_updated": {"failed": 1}}


def test_an_event_is_not_tried_again_once_taken(
    sandbox: Sandbox, inbox: WebhookInbox, subscription: Subscription
) -> None:
    inbox.answers = [503, 202]
    edit(sandbox, 1)
    assert [one.status for one in sandbox.webhooks.deliver_now()] == [503]
    assert [one.status for one in sandbox.webhooks.deliver_now()] == [202]
    assert sandbox.webhooks.deliver_now() == []


def test_events_wait_as_long_as_the_rules_say(
    sandbox: Sandbox, inbox: WebhookInbox, subscription: Subscription
) -> None:
    sandbox.webhooks.rules(window_seconds=5, delay_seconds=100)
    edit(sandbox, 1)
    for seconds, arrived in ((5, 0), (99, 0), (1, 1)):
        sandbox.clock.advance(seconds)
        assert len(sandbox.webhooks.deliver_due()) == arrived


@pytest.mark.usefixtures("subscription")
class TestMishaps:
    def deliver(self, sandbox: Sandbox, *, pages: int = 3) -> list[Any]:
        for number in range(1, pages + 1):
            edit(sandbox, number)
        return sandbox.webhooks.deliver_now()

    def test_a_lost_event_never_comes(self, sandbox: Sandbox, inbox: WebhookInbox) -> None:
        sandbox.webhooks.mishap(kind="loss", skip=1)
        assert [one.entity_id for one in self.deliver(sandbox)] == [task_id(1), task_id(3)]
        assert sandbox.webhooks.deliver_now() == []
        assert sandbox.webhooks.report()["ended"]["page.properties_updated"] == {"delivered": 2, "lost": 1}

    def test_a_doubled_event_comes_twice_with_one_id(self, sandbox: Sandbox, inbox: WebhookInbox) -> None:
        sandbox.webhooks.mishap(kind="duplicate")
        made = self.deliver(sandbox, pages=1)
        assert len(made) == 2
        assert len({one.event_id for one in made}) == 1

    def test_an_event_out_of_order_comes_after_the_next(self, sandbox: Sandbox, inbox: WebhookInbox) -> None:
        sandbox.webhooks.mishap(kind="reorder")
        assert [one.entity_id for one in self.deliver(sandbox)] == [task_id(2), task_id(1), task_id(3)]

    def test_a_late_event_comes_late(self, sandbox: Sandbox, inbox: WebhookInbox) -> None:
        sandbox.webhooks.mishap(kind="delay", delay_seconds=300)
        edit(sandbox, 1)
        edit(sandbox, 2)
        sandbox.clock.advance(60)
        assert [one.entity_id for one in sandbox.webhooks.deliver_due()] == [task_id(2)]
        sandbox.clock.advance(300)
        assert [one.entity_id for one in sandbox.webhooks.deliver_due()] == [task_id(1)]

    def test_a_forged_event_has_another_signature_or_none(
        self, sandbox: Sandbox, inbox: WebhookInbox
    ) -> None:
        sandbox.webhooks.mishap(kind="wrong_signature")
        sandbox.webhooks.mishap(kind="no_signature", skip=1)
        self.deliver(sandbox)
        token = sandbox.webhooks.subscriptions()[0].verification_token
        right = [
            sent.headers.get("X-Notion-Signature")
            == "sha256=" + hmac.new(token.encode(), sent.raw, hashlib.sha256).hexdigest()
            for sent in inbox.received
        ]
        assert right == [False, False, True]
        assert "X-Notion-Signature" not in inbox.received[1].headers

    def test_an_event_may_name_what_nobody_knows(self, sandbox: Sandbox, inbox: WebhookInbox) -> None:
        sandbox.webhooks.mishap(kind="unknown_workspace")
        sandbox.webhooks.mishap(kind="unknown_type", skip=1)
        self.deliver(sandbox)
        strange, new, usual = inbox.bodies
        assert strange["workspace_id"] != usual["workspace_id"] == sample.WORKSPACE
        assert new["type"] == "page.sparkled"

    def test_chance_is_the_same_each_time(self, sandbox: Sandbox, inbox: WebhookInbox) -> None:
        runs = []
        for value in (1.5, 2.5):
            sandbox.webhooks.rules(seed=7)
            sandbox.webhooks.mishaps.clear()
            sandbox.webhooks.mishap(kind="loss", probability=0.5, times=None)
            for number in range(1, 6):
                edit(sandbox, number, value)
            runs.append([one.entity_id for one in sandbox.webhooks.deliver_now()])
        assert runs[0] == runs[1]
        assert 0 < len(runs[0]) < 5

    @pytest.mark.parametrize(
        "values", [{"kind": "theft"}, {"match": "("}, {"probability": 0}, {"times": 0}, {"colour": 1}]
    )
    def test_an_impossible_mishap_is_refused(self, sandbox: Sandbox, values: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"."):
            sandbox.webhooks.mishap(**values)


def test_a_public_connection_hears_of_all_its_workspaces_at_one_address(
    sandbox: Sandbox, inbox: WebhookInbox
) -> None:
    client = sandbox.oauth.register("client-1", "s")
    for name in ("one", "two"):
        workspace_id = sample.an_id(f"workspace {name}")
        user = sample.person(sample.an_id(f"owner {name}"), f"Owner {name}")
        line = sample.workspace_line(id=workspace_id, name=f"Public {name}", tokens=[f"ntn_{name}"])
        page = sample.home_page() | {"id": sample.an_id(f"page {name}")}
        sandbox.add_workspace(line, [user, page])
        location = sandbox.oauth.allow("client-1", workspace_id, user["id"], redirect_uri="http://a.example/")
        sandbox.oauth.exchange(client, location.partition("code=")[2], None)
    made = sandbox.webhooks.subscribe("client-1", URL)
    sandbox.webhooks.confirm(made.id, made.verification_token)
    inbox.clear()
    for name in ("one", "two"):
        title = {"properties": {"title": {"title": [{"text": {"content": name}}]}}}
        sandbox.edit(sample.an_id(f"page {name}"), sample.an_id(f"owner {name}"), title)
    edit(sandbox, 1)  # a workspace that never allowed this integration
    sandbox.webhooks.deliver_now()
    assert [body["workspace_name"] for body in inbox.bodies] == ["Public one", "Public two"]
    connection = sandbox.oauth.connection("client-1", "Public one")
    assert connection is not None
    assert len({body["integration_id"] for body in inbox.bodies}) == 1
    assert inbox.bodies[0]["accessible_by"] == [
        {"id": sample.an_id("owner one"), "type": "person"},
        {"id": connection.id, "type": "bot"},
    ]
    if contract.is_available:
        for body in inbox.bodies:
            contract.assert_webhook_conforms(body)
    sandbox.oauth.withdraw("client-1", "Public two")
    sandbox.edit(
        sample.an_id("page two"), sample.an_id("owner two"), {"icon": {"type": "emoji", "emoji": "🌱"}}
    )
    assert sandbox.webhooks.deliver_now() == []


def test_a_paused_subscription_hears_nothing(
    sandbox: Sandbox, inbox: WebhookInbox, subscription: Subscription
) -> None:
    sandbox.webhooks.pause(subscription.id)
    sandbox.edit(task_id(1), BEN, {"properties": {"Hours": {"number": 1}}})
    sandbox.webhooks.pause(subscription.id, paused=False)
    assert sandbox.webhooks.deliver_now() == []
    sandbox.webhooks.unsubscribe(subscription.id)
    edit(sandbox, 1)
    assert sandbox.webhooks.deliver_now() == []


def test_a_name_below_localhost_is_this_machine_and_the_name_travels_along() -> None:
    heard: list[tuple[str, str]] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.path, self.headers["Host"]))
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        answering = Thread(target=server.handle_request)
        answering.start()
        url = f"http://acme.localhost:{server.server_port}/hooks/notion/a-key/"
        assert send(url, b"{}", {"Content-Type": "application/json"}, 10) == 204
        answering.join()
        assert heard == [("/hooks/notion/a-key/", f"acme.localhost:{server.server_port}")]
