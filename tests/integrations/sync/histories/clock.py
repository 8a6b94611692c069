"""The time of a history, and its chance: both begin anew with each, so that the same history ends the same."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from unittest.mock import patch

from integrations.sandbox.notion.sandbox import Sandbox
from tenants.foundation import ids

#: Years ahead of the machine's clock, so that what the database writes by that one is told apart.
START = datetime(2090, 1, 2, 8, 0, 20, tzinfo=UTC)
_TICK = timedelta(milliseconds=1)


class HistoryClock:
    """What the product, the sandbox and the ids take for the time while it is `lent`."""

    def __init__(self) -> None:
        self.moment = START
        self.skew = timedelta()
        self._chance = Random(0)

    def restart(self, number: int) -> None:
        """Begin another history; each has ids of its own."""
        self.moment, self.skew = START, timedelta()
        self._chance.seed(number)

    def now(self) -> datetime:
        """The product's time; it moves on a little whenever somebody looks."""
        self.moment += _TICK
        return self.moment

    def advance(self, seconds: float, sandbox: Sandbox) -> None:
        """Let time pass on both sides. `skew` is how far the service's clock is ahead."""
        self.moment += timedelta(seconds=seconds)
        sandbox.clock.stop_at(self.moment + self.skew)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Whoever asks for the time, an id or a random pause is answered from here until the block ends."""
        clock, chance = self, self._chance

        class Moved(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
                return clock.now()

        def random_uuid() -> uuid.UUID:
            return uuid.UUID(int=chance.getrandbits(128), version=4)

        with (
            patch("django.utils.timezone.datetime", Moved),
            patch.object(ids, "os", SimpleNamespace(urandom=chance.randbytes)),
            patch.object(ids, "time", SimpleNamespace(time_ns=lambda: int(clock.moment.timestamp() * 1e9))),
            patch.object(ids, "_sequence", ids._Sequence()),
            patch("uuid.uuid4", random_uuid),
            patch("integrations.sync.engine.random", chance),
            patch("tenants.dispatch.registry._chance", chance),
        ):
            yield
