"""Serves the sandbox with gunicorn: one process that holds the state, several threads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gunicorn.app.base  # type: ignore[import-untyped]
import gunicorn.util  # type: ignore[import-untyped]

from integrations.sandbox.notion.app import NotionApplication
from integrations.sandbox.notion.sandbox import UNCHANGED, Sandbox
from integrations.sandbox.notion.webhooks.thread import SendingThread
from integrations.sandbox.notion.window.pages import WINDOW


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """What the command line says. `budget` is calls a minute, None for none, UNCHANGED as loaded."""

    host: str = "127.0.0.1"
    port: int = 8790
    load: tuple[Path, ...] = ()
    state: Path | None = None
    budget: Any = UNCHANGED
    latency_ms: int = 0
    threads: int = 16
    oauth_client: tuple[str, str] | None = None
    has_window_urls: bool = False


class SandboxServer(gunicorn.app.base.BaseApplication):  # type: ignore[misc]
    """`run()` serves until a signal ends it."""

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"{self._options.host}:{self._options.port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": self._options.threads,
            "timeout": 0,  # a worker that was replaced would lose what only memory holds
            "keepalive": 75,
            "graceful_timeout": 2,
            "loglevel": "warning",
            "control_socket_disable": True,
            "worker_tmp_dir": None,
            "proc_name": "notion-sandbox",
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> NotionApplication:
        """Runs in the worker, so that a worker that died is replaced by one that replays the journal."""
        options = self._options
        sandbox = Sandbox(
            load=options.load,
            state=options.state,
            budget=options.budget,
            latency_ms=options.latency_ms,
            window_url=f"http://{options.host}:{options.port}{WINDOW}" if options.has_window_urls else "",
        )
        if options.oauth_client is not None:
            sandbox.oauth.register(*options.oauth_client)
        # gunicorn writes the Date header itself and asks this function; clients take the time from it.
        gunicorn.util.http_date = lambda timestamp=None: sandbox.clock.http_date()
        SendingThread(sandbox.webhooks).start()
        return NotionApplication(sandbox)
