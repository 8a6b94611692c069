"""UUIDv7: unique, ordered, of the right form."""

import threading
import time
from uuid import UUID

import pytest

from tenants.foundation.ids import _Sequence, uuid7, uuid7_unix_ms


def test_an_id_has_version_seven_and_carries_the_time() -> None:
    before = time.time_ns() // 1_000_000
    value = uuid7()
    assert (value.version, value.variant) == (7, UUID(int=0x8 << 60).variant)
    assert before <= uuid7_unix_ms(value) <= before + 5_000


def test_ids_are_made_in_order_even_many_in_one_millisecond() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_stay_in_order_when_the_clock_goes_back() -> None:
    sequence = _Sequence()
    moments = [sequence.advance(now, 0xFFF) for now in (1000, 1000, 900, 1001, 1000)]
    assert moments == sorted(set(moments))


def test_a_full_counter_borrows_the_next_millisecond() -> None:
    sequence = _Sequence()
    moments = [sequence.advance(5, 0) for _ in range(5000)]
    assert moments == sorted(set(moments))
    assert moments[-1][0] == 6


def test_threads_never_get_the_same_id() -> None:
    made: list[UUID] = []

    def make() -> None:
        made.extend([uuid7() for _ in range(2000)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8000


def test_an_id_of_another_version_has_no_time() -> None:
    with pytest.raises(ValueError, match="version 4"):
        uuid7_unix_ms(UUID("12345678-1234-4234-8234-123456789012"))
