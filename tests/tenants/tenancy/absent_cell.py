"""A cell whose server is not there, for tests of those that must do without it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections


@contextmanager
def cell_away(cell: str) -> Iterator[None]:
    """Until the block ends every new connection to ``cell`` is refused, in every thread."""
    settings = connections.settings[cell]
    port = settings["PORT"]
    connections[cell].close()
    settings["PORT"] = "1"
    try:
        yield
    finally:
        settings["PORT"] = port
        connections[cell].close()
