"""Idempotency keys, what they need to know of where they are kept: no web framework, no table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tenants.foundation.errors import Conflict, InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One use of a key: by whom, for what, and the fingerprint of what was sent."""

    actor_id: str
    route: str
    key: str
    request_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """What was answered the first time."""

    status: int
    body: Any
    headers: dict[str, str]


class IdempotencyStore(Protocol):
    """Remembers claims and answers in the tenant's own schema."""

    def claim(self, claim: Claim) -> StoredAnswer | None:
        """Take the key, or return the answer it already has.

        Raises: Conflict while the first request is at work, InvalidInput when the key came with another body.
        """
        ...

    def keep(self, claim: Claim, answer: StoredAnswer) -> None:
        """Remember the answer for a day."""
        ...

    def release(self, claim: Claim) -> None:
        """Give the key up: the request failed and may be tried again."""
        ...


_stores: list[Callable[[], IdempotencyStore]] = []


def use_idempotency_store(factory: Callable[[], IdempotencyStore]) -> None:
    """Plug in where claims are kept; called once, when the application starts."""
    _stores[:] = [factory]


def idempotency_store() -> IdempotencyStore:
    """Return the store that was plugged in. Raises: RuntimeError when none was."""
    if not _stores:
        msg = "No idempotency store is plugged in."
        raise RuntimeError(msg)
    return _stores[0]()


def in_progress() -> Conflict:
    """Make the error for a key whose first request is still at work."""
    return Conflict("A request with this key is being worked on.", code="conflict.idempotency_in_progress")


def key_reused() -> InvalidInput:
    """Make the error for a key that came with another body."""
    return InvalidInput(
        "This idempotency key was used with another request.", code="invalid_input.idempotency_key_reused"
    )
