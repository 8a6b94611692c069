"""Events survive the way into JSON and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.outbox.bus import DomainEvent, restore
from tenants.outbox.encoding import decode, encode


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class EverythingHappened(DomainEvent):
    name: ClassVar[str] = "test.everything_happened"
    thing_id: UUID
    other_ids: tuple[UUID, ...] = ()
    pair: tuple[str, int] = ("", 0)
    due_on: date | None = None
    due_at: datetime | None = None
    color: Color = Color.RED
    hours: Decimal | None = None
    share: float = 0.5
    is_done: bool = False
    counts: Mapping[str, int] | None = None


EVENTS = st.builds(
    EverythingHappened,
    tenant_id=st.uuids(),
    actor_id=st.none() | st.uuids(),
    thing_id=st.uuids(),
    other_ids=st.lists(st.uuids(), max_size=3).map(tuple),
    pair=st.tuples(st.text(max_size=9), st.integers()),
    due_on=st.none() | st.dates(),
    due_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    color=st.sampled_from(Color),
    hours=st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    share=st.floats(allow_nan=False, allow_infinity=False),
    is_done=st.booleans(),
    counts=st.none() | st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


@given(EVENTS)
def test_what_comes_back_equals_what_was_stored(event: EverythingHappened) -> None:
    payload = json.loads(json.dumps(event.payload()))

    again = restore(
        EverythingHappened,
        payload,
        event_id=event.event_id,
        actor_id=event.actor_id,
        occurred_at=event.occurred_at,
        tenant_id=event.tenant_id,
    )

    assert again == event
    assert type(again.color) is Color


def test_a_time_keeps_its_moment_in_any_zone() -> None:
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=timezone(timedelta(hours=1)))

    assert decode(datetime, encode(moment)) == moment


def test_what_could_not_come_back_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="cannot carry a set"):
        encode({1, 2})
    with pytest.raises(TypeError, match="cannot carry a bytes"):
        encode([b"raw"])


def test_a_field_that_a_later_release_dropped_is_left_out() -> None:
    thing_id = uuid4()

    event = restore(
        EverythingHappened,
        {"thing_id": str(thing_id), "long_gone": 1},
        event_id=uuid4(),
        actor_id=None,
        occurred_at=datetime.now(UTC),
        tenant_id=uuid4(),
    )

    assert isinstance(event, EverythingHappened)
    assert event.thing_id == thing_id
