"""What the demo starts beside itself: the sandbox, the web server, the worker and the dispatcher."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from django.conf import settings

from integrations.demo.addresses import OAUTH_CLIENT_ID, Addresses
from integrations.demo.ports import LOOPBACK
from integrations.demo.supervisor import Child, Supervisor
from integrations.demo.workspaces import WorkspaceFile
from integrations.sandbox.notion.content.loopback import SandboxCalls
from tenants.foundation.errors import ExternalServiceError

WEB_THREADS = 8
WORKER_SLOTS = 4


def manage(*arguments: str) -> tuple[str, ...]:
    """Return the command line of one of our own commands."""
    return (sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments)


class Processes:
    """The demo's processes, by name; each is started by one call and waited for by another."""

    def __init__(self, supervisor: Supervisor, addresses: Addresses) -> None:
        self._supervisor = supervisor
        self._addresses = addresses
        self._environment = addresses.for_children()

    def start_sandbox(self, files: Sequence[WorkspaceFile], state: Path) -> Child:
        """Start the Notion sandbox; what `state` knows is not loaded again."""
        load = [part for file in files for part in ("--load", str(file.path))]
        port = str(self._addresses.sandbox.number)
        client = f"{OAUTH_CLIENT_ID}:{self._addresses.oauth_secret}"
        options = ("--port", port, "--state", str(state), "--oauth-client", client, "--window-urls")
        return self._start("sandbox", manage("sandbox", "notion", *options, *load))

    def wait_for_sandbox(self, child: Child) -> dict[str, int]:
        """Wait until the sandbox answers; returns pages by workspace name. Raises ChildEnded."""
        calls = SandboxCalls(self._addresses.sandbox_url)
        self._supervisor.wait_until(_answering(calls.state), child)
        return {workspace["name"]: workspace["pages"] for workspace in calls.state()["workspaces"]}

    def start_assets(self) -> Child:
        """Begin to build what the console serves but the repository does not hold."""
        return self._start("build-assets", manage("build_assets"))

    def collect_assets(self, build: Child) -> Child:
        """Wait for the build and begin to collect everything into one folder. Raises ChildEnded."""
        self._supervisor.finish(build)
        return self._start("collectstatic", manage("collectstatic", "--noinput"))

    def start_background(self) -> None:
        """Start the dispatcher and a worker: from now on jobs run."""
        self._start(
            "worker",
            (
                *(sys.executable, "-m", "celery", "-A", "config", "worker", "--queues=work,platform"),
                *(f"--concurrency={WORKER_SLOTS}", "--without-gossip", "--without-mingle", "--loglevel=INFO"),
            ),
        )
        self._start("dispatcher", manage("dispatcher"))

    def start_web(self) -> Child:
        """Start the web server."""
        bind = f"{LOOPBACK}:{self._addresses.web.number}"
        return self._start(
            "web",
            (
                *(sys.executable, "-m", "gunicorn", "config.wsgi:application", "--worker-class=gthread"),
                *("--workers=1", f"--threads={WEB_THREADS}", f"--bind={bind}", "--no-control-socket"),
            ),
        )

    def wait_for_web(self, child: Child) -> None:
        """Wait until the web server is ready. Raises ChildEnded."""
        self._supervisor.wait_until(lambda: _is_ready(self._addresses.web.number), child)

    def _start(self, name: str, command: Sequence[str]) -> Child:
        return self._supervisor.start(name, command, self._environment)


def _answering(call: Callable[[], object]) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            call()
        except ExternalServiceError:
            return False
        return True

    return answers


def _is_ready(port: int) -> bool:
    connection = HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
