"""UUIDv7 identifiers: known before a row is saved, and in the order in which they were made."""

import os
import threading
import time
from uuid import UUID

_RANDOM_BITS = 62
_COUNTER_BITS = 12
_COUNTER_SPACE = 1 << _COUNTER_BITS
# Half of the counter is left free when a millisecond starts, so a burst rarely has to borrow from the clock.
_COUNTER_SEED_MASK = (_COUNTER_SPACE >> 1) - 1


class _Sequence:
    """The last millisecond and counter handed out by this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millisecond = 0
        self._counter = 0

    def advance(self, now_ms: int, seed: int) -> tuple[int, int]:
        """Return the next (millisecond, counter): greater than the last one even if the clock goes back."""
        with self._lock:
            if now_ms > self._millisecond:
                self._millisecond, self._counter = now_ms, seed & _COUNTER_SEED_MASK
            elif self._counter + 1 < _COUNTER_SPACE:
                self._counter += 1
            else:
                self._millisecond, self._counter = self._millisecond + 1, 0
            return self._millisecond, self._counter


_sequence = _Sequence()


def uuid7() -> UUID:
    """Make a UUID of version 7 (RFC 9562 §5.7); within a process each is greater than the one before.

    48 bits of Unix milliseconds, 12 bits of counter (method 1 of §6.2), 62 random bits.
    """
    random = int.from_bytes(os.urandom(10))
    millisecond, counter = _sequence.advance(time.time_ns() // 1_000_000, random >> _RANDOM_BITS)
    value = (millisecond & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= counter << 64
    value |= 0b10 << 62
    value |= random & ((1 << _RANDOM_BITS) - 1)
    return UUID(int=value)


def uuid7_unix_ms(value: UUID) -> int:
    """Return the Unix time in milliseconds at which a UUIDv7 was made.

    Raises: ValueError for a UUID of another version.
    """
    if value.version != 7:
        msg = f"A UUID of version {value.version} carries no time of this form."
        raise ValueError(msg)
    return value.int >> 80
