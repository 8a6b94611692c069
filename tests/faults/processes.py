"""The product's processes as a test starts, kills and ends them: each leads a process group of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from config.embedded import free_port

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = "tests.faults.settings"


@dataclass(frozen=True)
class Started:
    """A process and the file its output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """Kill it and all its children at once, as a lost machine would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=20)


class Processes:
    """Starts what a test needs; `stop_all` kills what is left."""

    def __init__(self, logs: Path, environment: Mapping[str, str], *, jobs: str = "") -> None:
        """`jobs` is a module of tests whose jobs the workers know as well."""
        self._include = ["--include", jobs] if jobs else []
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "LOG_LEVEL": "INFO",
            "OUTBOUND_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
            **environment,
        }
        self._logs = logs
        self._started: list[Started] = []

    def worker(self) -> Started:
        """A Celery worker that listens."""
        worker = self._start_worker()
        self._until(worker, lambda: " ready." in worker.output(), "listens")
        return worker

    def dispatcher(self) -> Started:
        """A dispatcher that hands out."""
        dispatcher = self._start("dispatcher", "manage.py", "dispatcher")
        self._until(dispatcher, lambda: "dispatcher.started" in dispatcher.output(), "hands out")
        return dispatcher

    def background(self) -> tuple[Started, Started]:
        """A worker and a dispatcher, started side by side."""
        worker = self._start_worker()
        dispatcher = self.dispatcher()
        self._until(worker, lambda: " ready." in worker.output(), "listens")
        return worker, dispatcher

    def site(self) -> tuple[Started, int]:
        """A worker, a dispatcher and a web server, started side by side; returns the web server and its port."""
        port = free_port()
        web = self._start(
            "web", "-m", "gunicorn", "config.wsgi:application", "--worker-class=gthread", "--workers=1",
            "--threads=8", f"--bind=127.0.0.1:{port}", "--no-control-socket",
        )  # fmt: skip
        self.background()
        self._until(web, lambda: status_of(port, "/readyz") == 200, "is ready")
        return web, port

    def sandbox(self, port: int, *arguments: str) -> Started:
        """A Notion that answers on `port`."""
        sandbox = self._start("sandbox", "manage.py", "sandbox", "notion", "--port", str(port), *arguments)
        self._until(sandbox, lambda: status_of(port, "/_sandbox/state") == 200, "answers")
        return sandbox

    def run(self, module: str, *arguments: str, seconds: float = 240) -> str:
        """Run a module to its end; returns what it printed. Raises: AssertionError with what it complained of."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop_all(self) -> None:
        """Kill what still runs."""
        for started in self._started:
            started.kill()

    def _start_worker(self) -> Started:
        return self._start(
            "worker", "-m", "celery", "-A", "config", "worker", "--concurrency=2", "--loglevel=info",
            "--without-gossip", "--without-mingle", *self._include,
        )  # fmt: skip

    def _start(self, name: str, *command: str) -> Started:
        log = self._logs / f"{name}-{len(self._started)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        started = Started(name, process, log)
        self._started.append(started)
        return started

    def _until(self, started: Started, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 60
        while not holds():
            assert started.is_running, f"the {started.name} ended by itself:\n{started.output()[-4000:]}"
            assert time.monotonic() < deadline, f"no {started.name} {what} after a minute"
            time.sleep(0.05)


def status_of(port: int, path: str) -> int:
    """The status a server on loopback answers with; 0 when it does not answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()
