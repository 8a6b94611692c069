"""Cursors: opaque, bound to the question they came from, and pages of a list."""

from __future__ import annotations

import json
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.notion.errors import NotionError, invalid, invalid_body


@dataclass(frozen=True)
class Place:
    """Where the next page begins: after `last_key`, which stood at `offset - 1` when it was read."""

    question: str
    offset: int
    last_key: Any
    generation: int = 0


class CursorBook:
    """Remembers what each cursor it gave out stands for; the oldest expire."""

    KEPT = 20_000

    def __init__(
        self, now: Callable[[], float] = time.time, lifetime: Callable[[], float | None] = lambda: None
    ) -> None:
        """`lifetime`: seconds a cursor is good for, None for ever."""
        self._now = now
        self._lifetime = lifetime
        self._places: OrderedDict[str, tuple[Place, float]] = OrderedDict()

    def give(self, place: Place) -> str:
        cursor = str(uuid.uuid4())
        self._places[cursor] = (place, self._now())
        while len(self._places) > self.KEPT:
            self._places.popitem(last=False)
        return cursor

    def place(self, cursor: Any, question: str) -> Place | None:
        """Where to go on; None without a cursor. Raises 400 for an unknown one or another question's."""
        if cursor is None:
            return None
        if not isinstance(cursor, str):
            raise invalid_body("body.start_cursor", "a string or `undefined`", cursor)
        place, given_at = self._places.get(cursor, (None, 0.0))
        lifetime = self._lifetime()
        is_old = lifetime is not None and self._now() - given_at >= lifetime
        if place is None or place.question != question or is_old:
            raise _refused(cursor)
        return place


def _refused(cursor: str) -> NotionError:
    return invalid(f"The start_cursor provided is invalid: {cursor}")


def question_of(*parts: Any) -> str:
    """What makes two requests the same question, whatever their page."""
    return json.dumps(parts, sort_keys=True, ensure_ascii=False)


def page_of[T](
    book: CursorBook,
    items: Sequence[T],
    key: Callable[[T], Any],
    question: str,
    cursor: Any,
    size: int,
) -> tuple[Sequence[T], str | None]:
    """One page of a list that may have changed since the cursor was given, and the next cursor."""
    place = book.place(cursor, question)
    start = 0
    if place is not None:
        start = place.offset
        if not (start <= len(items) and key(items[start - 1]) == place.last_key):
            found = next((at for at, item in enumerate(items) if key(item) == place.last_key), None)
            start = found + 1 if found is not None else min(start, len(items))
    page = items[start : start + size]
    if start + size >= len(items):
        return page, None
    return page, book.give(Place(question, start + len(page), key(page[-1])))
