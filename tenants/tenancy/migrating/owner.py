"""Whether the running code is a tenant's own migration: then its models are reached as the owner of the schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_alias: ContextVar[str | None] = ContextVar("owner_at_work", default=None)


def owner_at_work() -> str | None:
    """The owner's database alias, while a migration's Python runs for a tenant."""
    return _alias.get()


@contextmanager
def working_as_owner(alias: str) -> Iterator[None]:
    """Send the models' statements through ``alias`` until the block ends, also where nobody said ``using``."""
    token = _alias.set(alias)
    try:
        yield
    finally:
        _alias.reset(token)
