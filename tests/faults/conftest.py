"""Real workers and a real dispatcher for tests that break things."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connections
from pytest_django import Settings

from tenants.dispatch.dispatcher import Dispatcher

ROOT = Path(__file__).resolve().parents[2]


class Workers:
    """Celery worker processes of this test, each the leader of a process group of its own."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *, concurrency: int = 2) -> subprocess.Popen[bytes]:
        """Start a worker and wait until it listens."""
        before = self.log.read_text().count(" ready.") if self.log.exists() else 0
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [
                    sys.executable, "-m", "celery", "-A", "config", "worker", "--include", "tests.fakes.jobs",
                    "--concurrency", str(concurrency), "--loglevel", "info", "--without-gossip",
                    "--without-mingle",
                ],
                cwd=ROOT,
                env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", "LOG_LEVEL": "INFO"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self._running.append(process)
        wait_until(lambda: self._listens(process, before), seconds=120, what="the worker listens")
        return process

    def _listens(self, process: subprocess.Popen[bytes], before: int) -> bool:
        log = self.log.read_text()
        assert process.poll() is None, f"the worker ended at once: {log[-2000:]}"
        return log.count(" ready.") > before

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the worker and its children at once, as a lost machine would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=20)

    def stop_all(self) -> None:
        """End what is left."""
        for process in self._running:
            if process.poll() is None:
                self.kill(process)


def wait_until(holds: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Look every 50 ms until it is so.

    Raises: AssertionError.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(f"Within {seconds} s it did not happen that {what}.")


@pytest.fixture
def valkey() -> Iterator[redis.Redis]:
    """This test worker's own Valkey database, empty."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client


@pytest.fixture
def workers(tmp_path: Path, valkey: redis.Redis) -> Iterator[Workers]:
    """Starts Celery workers; whatever still runs when the test ends is killed."""
    group = Workers(tmp_path / "workers.log")
    yield group
    group.stop_all()


@pytest.fixture
def dispatcher(valkey: redis.Redis, settings: Settings) -> Iterator[Dispatcher]:
    """A dispatcher in a thread of this process; it takes a message for lost after two seconds."""
    settings.DISPATCH_HANDED_SECONDS = 2
    running = Dispatcher(settings.CELLS)

    def run() -> None:
        try:
            running.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, name="dispatcher")
    thread.start()
    yield running
    running.stop()
    thread.join(timeout=20)
    assert not thread.is_alive(), "the dispatcher did not stop"
