"""Cells whose database does not answer are left out of the loop until a thread of their own has got an answer."""

import threading
from collections.abc import Callable

import structlog
from django.db import DatabaseError, InterfaceError, connections

from tenants.dispatch.metrics import CELL_UP

log = structlog.get_logger(__name__)


class Absences:
    """Which cells are away. Connecting to a machine that is gone takes seconds: the others must not wait for that.

    ``ask`` raises while a cell does not answer; it is called every ``seconds`` for each that is away.
    """

    def __init__(self, ask: Callable[[str], object], *, seconds: float) -> None:
        self._ask, self._seconds = ask, seconds
        self._away: dict[str, threading.Thread] = {}
        self._ended = threading.Event()

    def is_away(self, cell: str) -> bool:
        """Whether the cell is to be left out for now."""
        thread = self._away.get(cell)
        return thread is not None and thread.is_alive()

    def begin(self, cell: str, error: Exception) -> None:
        """Leave the cell out from now on, until it answers."""
        CELL_UP.labels(cell=cell).set(0)
        log.warning("dispatcher.cell_lost", cell=cell, error=str(error).strip())
        thread = threading.Thread(target=self._watch, args=[cell], name=f"waiting-for-{cell}", daemon=True)
        self._away[cell] = thread
        thread.start()

    def end(self) -> None:
        """Stop watching."""
        self._ended.set()
        for thread in self._away.values():
            thread.join(timeout=self._seconds + 10)

    def _watch(self, cell: str) -> None:
        try:
            while not self._ended.wait(self._seconds):
                try:
                    self._ask(cell)
                except (DatabaseError, InterfaceError):
                    connections[cell].close()
                else:
                    CELL_UP.labels(cell=cell).set(1)
                    log.info("dispatcher.cell_back", cell=cell)
                    return
        finally:
            connections[cell].close()
