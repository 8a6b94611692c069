"""Streamed answers end with what let them in: the sign-in, the token, the visit, or a permission of whoever asked.

A request is judged once, a stream goes on for minutes. So it is judged again while it lasts, once a second at most: by
the same rules, in the two queries a request costs. What it is about need not be known: an answer that began with a
permission that is gone ends, and whoever watches asks again and is told.
"""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import structlog
from asgiref.sync import sync_to_async
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from tenants.accounts.access import UserActor
from tenants.accounts.networks import client_address
from tenants.accounts.selectors import actor_for
from tenants.accounts.sessions.standing import Refused, standing_of
from tenants.accounts.support.allowed import support_actor
from tenants.accounts.support.visits import holds
from tenants.accounts.tokens.services import actor_for_token_row
from tenants.tenancy import atomic
from tenants.tenancy.middleware import host_of

log = structlog.get_logger(__name__)

EVENT_STREAM: Final = "text/event-stream"
# What a page that watches is told last: it loads itself again, and shows where its reader stands now (ui.js).
OVER: Final = b"event: stream:over\ndata:\n\n"
# How long what was found holds: a revocation is felt about this much later, and a second of a step of the stream.
LOOK_SECONDS: Final = 1.0


def end_when_revoked(request: HttpRequest, response: HttpResponseBase) -> None:
    """Have ``response``, if it is streamed to somebody, end once they would not be let in as they were.

    Its parts are made in the tenant's scope. Strangers' streams are left alone.
    """
    actor = getattr(request, "actor", None)
    if isinstance(response, StreamingHttpResponse) and isinstance(actor, UserActor):
        # The iterator itself: what the property gives does not close it.
        parts: Any = response._iterator  # type: ignore[attr-defined]
        watch = Watch(request, actor)
        last = [OVER] if response.headers["Content-Type"] == EVENT_STREAM else []
        response.streaming_content = (
            _async_parts(watch, parts, last) if response.is_async else _parts(watch, parts, last)
        )


class Watch:
    """Who a stream is for, as they stood when it began."""

    def __init__(self, request: HttpRequest, actor: UserActor) -> None:
        self._actor, self._standing = actor, getattr(request, "standing", None)
        self._address, self._host = client_address(request), host_of(request)
        self._due_at = time.monotonic() + LOOK_SECONDS

    def is_over(self) -> bool:
        """Whether the stream has to end; asks the database when the last look is old enough."""
        if time.monotonic() < self._due_at:
            return False
        now = self._as_they_stand()
        self._due_at = time.monotonic() + LOOK_SECONDS
        began = self._actor
        if now is not None and now.holding.covers(began.holding) and now.shares >= began.shares:
            return False
        log.info("stream.ended", user_id=began.user_id, because="signed_out" if now is None else "access")
        return True

    @atomic
    def _as_they_stand(self) -> UserActor | None:
        if self._actor.token_id is not None:
            return actor_for_token_row(self._actor.token_id, address=self._address)
        if self._standing is None:
            return None
        found = standing_of(
            sign_in_id=str(self._standing.sign_in_id),
            user=self._actor.user,
            address=self._address,
            host=self._host,
        )
        if isinstance(found, Refused):
            return None
        if found.visit is not None:
            return support_actor(self._actor.user, found.visit) if holds(found.visit) else None
        return actor_for(self._actor.user)


def _parts(watch: Watch, parts: Iterator[Any], last: list[bytes]) -> Iterator[Any]:
    for part in parts:
        # Asked when the part is there: a stream waits before it has one, and what came meanwhile is not shown.
        if watch.is_over():
            yield from last
            return
        yield part


async def _async_parts(watch: Watch, parts: AsyncIterator[Any], last: list[bytes]) -> AsyncIterator[Any]:
    async for part in parts:
        if await sync_to_async(watch.is_over)():
            for each in last:
                yield each
            return
        yield part
