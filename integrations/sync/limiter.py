"""The shared budget of calls: one place in Valkey that every worker of a connection asks before it calls."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final, cast
from uuid import UUID

import redis
import structlog
from django.conf import settings

from integrations.capabilities import LimitScope
from integrations.sync.retry import INLINE_WAIT_SECONDS
from tenants.foundation.errors import LimitReached
from tenants.foundation.ids import uuid7

log = structlog.get_logger(__name__)

WINDOW_SECONDS: Final = 60
#: We plan with 90 % of the budget; what the service counts and what we count are never the same to the call.
USED_SHARE: Final = 0.9
_RECOVERY_PER_MILLE: Final = 50
_PAUSE_WITHOUT_ADVICE_SECONDS: Final = 15.0
_REFUSED_BY: Final = {1: "budget", 2: "connection", 3: "workspace", 4: "endpoint"}


class Lane(StrEnum):
    """What a call is for, the most urgent first."""

    #: A person waits: an edit of theirs goes out, or a page of theirs asks.
    INTERACTIVE = "interactive"
    #: The service said that something changed.
    EVENTS = "events"
    #: A look for changes.
    BACKGROUND = "background"
    #: Everything is compared.
    RECONCILE = "reconcile"
    #: Everything is read for the first time.
    IMPORT = "import"
    #: Texts of pages: thousands of calls that must not keep a look for changes waiting.
    TEXTS = "texts"


#: What each lane may use of that. Whatever is less urgent stops earlier, so the next always finds some unspent: people
#: who wait in front of a page a fifth. (The import of 10,000 rows takes 101 calls: with 180 a minute it fits in one.)
LANE_SHARES: Final = {
    Lane.INTERACTIVE: 1.0,
    Lane.EVENTS: 0.8,
    Lane.BACKGROUND: 0.75,
    Lane.RECONCILE: 0.7,
    Lane.IMPORT: 0.65,
    Lane.TEXTS: 0.5,
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose budget a call is charged to; `budget` is calls per 60 s, None when the service has none."""

    connection_id: UUID
    workspace_id: str
    budget: int | None
    lane: Lane = Lane.BACKGROUND


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether a call may go out now; if not, in how many seconds and whose limit it is."""

    is_granted: bool
    wait_seconds: float = 0.0
    refused_by: str = ""


class Limiter:
    """Asks Valkey. If its keys are lost it starts anew; refusals of the service then correct it."""

    def __init__(self, store: redis.Redis, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._store = store
        self._sleep = sleep
        folder = Path(__file__).parent
        self._take = store.register_script((folder / "limiter.lua").read_text())
        self._refuse = store.register_script((folder / "limiter_refusal.lua").read_text())

    def take(self, caller: Caller, operation: str) -> Turn:
        """Take one call out of the budget if it has one left."""
        share = USED_SHARE * LANE_SHARES[caller.lane]
        keys = [
            self._key(caller, "calls", str(caller.connection_id)),
            *(self._pause_key(caller, scope, operation) for scope in _PAUSES),
            self._key(caller, "share"),
        ]
        allowed = (WINDOW_SECONDS * 1000, caller.budget or 0, round(share * 1000))
        answer = self._take(keys=keys, args=[*allowed, str(uuid7()), _RECOVERY_PER_MILLE])
        granted, wait_ms, refused_by = cast(list[int], answer)
        if granted:
            return Turn(is_granted=True)
        return Turn(False, wait_ms / 1000, _REFUSED_BY[refused_by])

    def wait_turn(self, caller: Caller, operation: str) -> None:
        """Return when the call may go out, after two seconds at most.

        Raises: LimitReached with the seconds to wait; the job then goes back into the queue.
        """
        waited = 0.0
        while not (turn := self.take(caller, operation)).is_granted:
            waited += turn.wait_seconds
            if waited > INLINE_WAIT_SECONDS:
                raise LimitReached(
                    f"The budget of calls is used up ({turn.refused_by}).",
                    code="sync.call_budget_used",
                    params={"refused_by": turn.refused_by},
                    retry_after_seconds=turn.wait_seconds,
                )
            self._sleep(turn.wait_seconds)

    def refused(
        self, caller: Caller, operation: str, *, scope: LimitScope, retry_after_seconds: float | None
    ) -> None:
        """Note that the service refused: every worker that shares the limit now waits."""
        seconds = _PAUSE_WITHOUT_ADVICE_SECONDS if retry_after_seconds is None else retry_after_seconds
        keys = [self._pause_key(caller, scope, operation), self._key(caller, "share")]
        is_shared = scope is LimitScope.WORKSPACE
        arguments = [max(1, round(seconds * 1000)), int(is_shared), _RECOVERY_PER_MILLE]
        self._refuse(keys=keys, args=arguments)
        log.warning("sync.call_refused", scope=scope.value, operation=operation, pause_seconds=seconds)

    def _pause_key(self, caller: Caller, scope: LimitScope, operation: str) -> str:
        if scope is LimitScope.WORKSPACE:
            return self._key(caller, "pause")
        parts = [str(caller.connection_id)] + ([operation] if scope is LimitScope.ENDPOINT else [])
        return self._key(caller, "pause", *parts)

    def _key(self, caller: Caller, *parts: str) -> str:
        # The braces keep all keys of a workspace in one slot of a cluster, as the script needs.
        return ":".join(
            ("sync", "limit", "{" + (caller.workspace_id or str(caller.connection_id)) + "}", *parts)
        )


_PAUSES: Final = (LimitScope.CONNECTION, LimitScope.WORKSPACE, LimitScope.ENDPOINT)


@lru_cache(maxsize=4)
def _store(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)


def shared_limiter() -> Limiter:
    """The limiter on this product's Valkey."""
    return Limiter(_store(settings.REDIS_URL))
