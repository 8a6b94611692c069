"""The webhooks of a sandbox: subscribe, confirm, and deliver what is due, on demand or from a thread."""

from __future__ import annotations

import hmac
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog

from integrations.sandbox.notion.clock import Clock
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.oauth import clients
from integrations.sandbox.notion.rendering import VERSION, dumped
from integrations.sandbox.notion.webhooks import deliveries
from integrations.sandbox.notion.webhooks.deliveries import MAX_ATTEMPTS, Attempt, Delivery, Sender
from integrations.sandbox.notion.webhooks.mishaps import Mishap, Mishaps
from integrations.sandbox.notion.webhooks.subscriptions import EVERY_EVENT, OBJECT, Subscription
from integrations.sandbox.notion.webhooks.watching import Watcher
from integrations.sandbox.notion.webhooks.windows import Event
from integrations.sandbox.notion.world import World, integration_id

log = structlog.get_logger(__name__)
REMEMBERED = 20_000
HELD_BACK_SECONDS = 60.0


class Webhooks:
    """Public methods may be called from any thread; nothing is sent while the sandbox's lock is held."""

    def __init__(self, world: World, clock: Clock, lock: threading.RLock, save: Callable[[], None]) -> None:
        """`save` writes what the world noted to the journal."""
        self._world = world
        self._save = save
        self._clock = clock
        self._lock = lock
        self.watcher = Watcher(clock, self._emit)
        self.mishaps = Mishaps()
        self.delay_seconds = 0.0
        self.jitter_seconds = 0.0
        self.sender: Sender = self._send
        self._waiting: list[Delivery] = []
        self._ended: deque[Delivery] = deque(maxlen=REMEMBERED)
        self.listen()

    # -- subscriptions ---------------------------------------------------------------------------

    def subscribe(
        self, workspace: str, url: str, events: Iterable[str] = (EVERY_EVENT,), *, api_version: str = VERSION
    ) -> Subscription:
        """Make a subscription and send its handshake; it waits for `confirm`.

        `workspace`: id or name (its first connection), a token (that connection), or the client id of a
        public connection, whose subscription gets the events of all workspaces. Raises ValueError.
        """
        with self._lock:
            chosen = (events,) if isinstance(events, str) else tuple(events)
            subscription = Subscription(
                url=url, events=chosen, api_version=api_version, **self._of(workspace)
            )
            self._keep(subscription)
        self.send_handshake(subscription.id)
        return subscription

    def send_handshake(self, subscription_id: str) -> int:
        """POST the verification token, unsigned; returns the status answered, 0 for none."""
        subscription = self.subscription(subscription_id)
        body = dumped({"verification_token": subscription.verification_token})
        status = self.sender(subscription.url, body, {"Content-Type": "application/json"})
        with self._lock:
            subscription.handshake_status = status
            self._keep(subscription)
        return status

    def confirm(self, subscription_id: str, verification_token: str) -> Subscription:
        """Paste the token back: from now on events are sent. Raises ValueError for a wrong one."""
        with self._lock:
            subscription = self.subscription(subscription_id)
            given, right = verification_token.encode(), subscription.verification_token.encode()
            if not hmac.compare_digest(given, right):
                raise ValueError("this is not the subscription's verification token")
            subscription.state = "active"
            self._keep(subscription)
            return subscription

    def pause(self, subscription_id: str, *, paused: bool = True) -> Subscription:
        """Stop sending, or go on. Raises ValueError for one that was never confirmed."""
        with self._lock:
            subscription = self.subscription(subscription_id)
            if subscription.state == "pending":
                raise ValueError("the subscription is not confirmed")
            subscription.state = "paused" if paused else "active"
            subscription.failures_in_a_row = 0
            self._keep(subscription)
            return subscription

    def unsubscribe(self, subscription_id: str) -> None:
        """Events still waiting for it are dropped."""
        with self._lock:
            gone = self.subscription(subscription_id)
            self._world.forget(OBJECT, gone.id)
            self._waiting = [one for one in self._waiting if one.subscription.id != gone.id]
            self.listen()
            self._save()

    def subscription(self, subscription_id: str) -> Subscription:
        """Raises ValueError for an unknown id."""
        found = self._world.kept.get(OBJECT, {}).get(subscription_id)
        if not isinstance(found, Subscription):
            raise ValueError(f"no subscription with id {subscription_id}")
        return found

    def subscriptions(self) -> list[Subscription]:
        with self._lock:
            found = self._world.kept.get(OBJECT, {}).values()
            return [one for one in found if isinstance(one, Subscription)]

    # -- rules -----------------------------------------------------------------------------------

    def rules(self, **values: Any) -> Json:
        """Set `window_seconds`, `delay_seconds`, `jitter_seconds` (at most so much more), `seed`; returns all."""
        with self._lock:
            known = {"window_seconds", "delay_seconds", "jitter_seconds", "seed"}
            if set(values) - known:
                raise ValueError(f"unknown rule; known: {', '.join(sorted(known))}")
            for name, value in values.items():
                if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                    raise ValueError(f"{name} must be a number of at least 0")
            if "seed" in values:
                self.mishaps.seed(int(values["seed"]))
            self.watcher.seconds = float(values.get("window_seconds", self.watcher.seconds))
            self.delay_seconds = float(values.get("delay_seconds", self.delay_seconds))
            self.jitter_seconds = float(values.get("jitter_seconds", self.jitter_seconds))
            return {
                "window_seconds": self.watcher.seconds,
                "delay_seconds": self.delay_seconds,
                "jitter_seconds": self.jitter_seconds,
            }

    def mishap(self, **values: Any) -> Mishap:
        """Something befalls the next events that match, see `Mishap`. Raises ValueError."""
        with self._lock:
            return self.mishaps.queue(**values)

    # -- delivering ------------------------------------------------------------------------------

    def deliver_due(self) -> list[Attempt]:
        """Close the windows that are over and make every attempt that is due by the sandbox's clock."""
        with self._lock:
            self.watcher.close()
            due = self._take(self._clock.now().timestamp())
        return [self._attempt(delivery) for delivery in due]

    def deliver_now(self) -> list[Attempt]:
        """Close all windows and make one attempt for everything that waits, due or not."""
        with self._lock:
            self.watcher.close(everything=True)
            due = self._take(float("inf"))
        return [self._attempt(delivery) for delivery in due]

    def waiting(self) -> list[Json]:
        """Deliveries still to be made (again)."""
        with self._lock:
            return [one.as_json() for one in self._waiting]

    def report(self) -> Json:
        """Counts by type and end, and what still waits."""
        with self._lock:
            ended: dict[str, dict[str, int]] = {}
            for delivery in self._ended:
                counts = ended.setdefault(delivery.event_type, {})
                counts[delivery.state] = counts.get(delivery.state, 0) + 1
            return {
                "subscriptions": [one.as_json() for one in self.subscriptions()],
                "rules": self.rules(),
                "mishaps": self.mishaps.waiting(),
                "open_windows": self.watcher.open_windows,
                "waiting": self.waiting(),
                "ended": ended,
            }

    def close_windows(self) -> None:
        """After a call: with windows of no length each call makes its own events. The caller holds the lock."""
        self.watcher.close()

    def listen(self) -> None:
        """Watch the world exactly while somebody would hear of it."""
        self.watcher.is_listening = any(one.state == "active" for one in self.subscriptions())

    # -- within ----------------------------------------------------------------------------------

    def _emit(self, event: Event) -> None:
        for subscription in self.subscriptions():
            if not subscription.wants(event.type):
                continue
            receivers = subscription.receivers(event.workspace, event.seen_through)
            if receivers:
                self._queue(
                    Delivery(subscription, deliveries.payload_of(event, subscription, receivers), 0.0)
                )

    def _queue(self, delivery: Delivery) -> None:
        now = self._clock.now().timestamp()
        delivery.due_at = now + self.delay_seconds
        if self.jitter_seconds:
            delivery.due_at += self.jitter_seconds * self.mishaps.chance()
        copies = 0
        for mishap in self.mishaps.befalling(delivery.event_type):
            if mishap.kind == "loss":
                delivery.state = "lost"
            elif mishap.kind == "delay":
                delivery.due_at += mishap.delay_seconds
            elif mishap.kind == "duplicate":
                copies += 1
            elif mishap.kind == "reorder":
                delivery.is_held_back = True
            elif mishap.kind == "unknown_workspace":
                delivery.payload["workspace_id"] = str(uuid.uuid4())
            elif mishap.kind == "unknown_type":
                delivery.payload["type"] = f"{delivery.payload['entity']['type']}.sparkled"
            else:
                delivery.signature = "none" if mishap.kind == "no_signature" else "wrong"
        if delivery.state == "lost":
            self._ended.append(delivery)
            return
        self._waiting.append(delivery)
        for _ in range(copies):
            twin = Delivery(delivery.subscription, delivery.payload, delivery.due_at)
            self._waiting.append(twin)

    def _take(self, until: float) -> list[Delivery]:
        """What is due, the earliest first; one held back comes after the one behind it."""
        sendable = [one for one in self._waiting if one.subscription.state == "active"]
        due = sorted((one for one in sendable if one.due_at <= until), key=lambda one: one.due_at)
        for delivery in [one for one in due if one.is_held_back]:
            at = due.index(delivery)
            is_alone = at + 1 == len(due)
            if is_alone and delivery.due_at + HELD_BACK_SECONDS > until:
                due.remove(delivery)  # waits for another event to go before it
                continue
            delivery.is_held_back = False
            due.remove(delivery)
            due.insert(at + 1, delivery)
        taken = {one.id for one in due}
        self._waiting = [one for one in self._waiting if one.id not in taken]
        return due

    def _attempt(self, delivery: Delivery) -> Attempt:
        body = deliveries.body_of(delivery)
        number = delivery.attempt
        status = self.sender(delivery.subscription.url, body, deliveries.headers_of(delivery, body))
        made = Attempt(
            type=delivery.event_type,
            event_id=delivery.payload["id"],
            entity_id=delivery.payload["entity"]["id"],
            workspace_id=delivery.payload["workspace_id"],
            attempt_number=number,
            url=delivery.subscription.url,
            status=status,
            payload={**delivery.payload, "attempt_number": number},
        )
        with self._lock:
            delivery.statuses.append(status)
            self._count_failures(delivery.subscription, is_taken=made.is_taken)
            if made.is_taken:
                delivery.state = "delivered"
                self._ended.append(delivery)
            elif number >= MAX_ATTEMPTS:
                delivery.state = "failed"
                self._ended.append(delivery)
            else:
                delivery.attempt += 1
                delivery.due_at = self._clock.now().timestamp() + deliveries.retry_seconds(number)
                self._waiting.append(delivery)
        return made

    def _send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        return deliveries.send(url, body, headers, self._world.questions.webhook_timeout_seconds)

    def _count_failures(self, subscription: Subscription, *, is_taken: bool) -> None:
        """Whether Notion stops sending to an address that never answers is an open question."""
        subscription.failures_in_a_row = 0 if is_taken else subscription.failures_in_a_row + 1
        most = self._world.questions.webhook_disable_after
        if most is not None and subscription.failures_in_a_row >= most and subscription.state == "active":
            subscription.state = "paused"
            self._keep(subscription)
            log.info("sandbox_webhook.disabled", url=subscription.url)

    def _keep(self, subscription: Subscription) -> None:
        self._world.keep(OBJECT, subscription)
        self.listen()
        self._save()

    def _of(self, name: str) -> Json:
        """Whose events: keys of a Subscription."""
        if name in self._world.kept.get(clients.OBJECT, {}):
            return {"integration_id": integration_id(name), "client_id": name}
        workspace = self._world.find(name)
        if workspace is None:
            raise ValueError(f"unknown workspace, token or client {name!r}")
        connection = self._world.tokens.get(name, workspace.connections[0])
        return {
            "integration_id": connection.integration_id,
            "workspace_id": workspace.id,
            "bot_id": connection.id,
        }
