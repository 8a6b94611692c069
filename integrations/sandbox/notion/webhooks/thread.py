"""Sends what is due in the background, for a sandbox that is served."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import structlog

from integrations.sandbox.notion.webhooks.outgoing import Webhooks

log = structlog.get_logger(__name__)
PAUSE_SECONDS = 0.5


class SendingThread:
    """A context: delivers until its block ends."""

    def __init__(self, webhooks: Webhooks, *, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._webhooks = webhooks
        self._pause_seconds = pause_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def start(self) -> None:
        """Begin; ends with the process where the context is not used."""
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(self._pause_seconds):
            try:
                self._webhooks.deliver_due()
            except Exception:
                # One event that cannot be sent must not end all others.
                log.exception("sandbox_webhooks.failed")
