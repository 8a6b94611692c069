"""Keeps an operation's lease while a step does something that does not tell how far it is."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Final

import structlog
from django.db import connections

from tenants.lifecycle.operations import OperationLost, Run

log = structlog.get_logger(__name__)
BEAT_SECONDS: Final = 10.0


@contextlib.contextmanager
def kept_alive(run: Run) -> Iterator[Callable[[], None]]:
    """Keep the operation's lease while a program works that does not tell how far it is.

    What it gives is called between two pieces of work; it raises OperationLost when another process took over.
    """
    ended, lost = threading.Event(), threading.Event()

    def beat() -> None:
        try:
            while not ended.wait(BEAT_SECONDS):
                run.beat()
        except OperationLost:
            lost.set()
        except Exception as error:
            # The database is away: the lease may run out, and then the next beat says so.
            log.warning("operation.beat_failed", error=str(error))
        finally:
            connections.close_all()

    def check() -> None:
        if lost.is_set():
            raise OperationLost(f"The operation {run.operation.pk} is another process's now.")

    thread = threading.Thread(target=beat, name="operation-beat", daemon=True)
    thread.start()
    try:
        yield check
    finally:
        ended.set()
        thread.join(timeout=30)
