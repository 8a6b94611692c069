"""People and programs that use a company's API while something breaks: every answer noted, every failure repeated."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any


@dataclass(frozen=True)
class Api:
    """A company's API behind a port."""

    port: int
    host: str
    token: str

    def call(self, method: str, path: str, body: Any = None, *, key: str = "") -> tuple[int, Any]:
        """Status and JSON of one call; status 0 when there was no answer within ten seconds."""
        headers = {"Host": self.host, "Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = key
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException):
            return 0, None
        finally:
            connection.close()
        is_json = "json" in answer.headers.get("Content-Type", "")
        return answer.status, json.loads(content) if is_json else content.decode()


@dataclass
class Load:
    """What the callers did: titles that were accepted, and when calls failed (monotonic seconds, from and to)."""

    name: str
    accepted: list[str] = field(default_factory=list)
    failures: list[tuple[float, float, int, Any]] = field(default_factory=list)
    reads: int = 0

    def failures_outside(self, *windows: tuple[float, float]) -> list[tuple[float, float, int, Any]]:
        """The failed calls that no window touches."""
        return [
            failure
            for failure in self.failures
            if not any(failure[0] <= end and failure[1] >= start for start, end in windows)
        ]


@contextmanager
def load_on(api: Api, name: str, *, callers: int = 3) -> Iterator[Load]:
    """Let callers read and write until the block ends; a write that fails is repeated with the same key.

    The tasks they make are called after `name`, which has to be new.
    """
    load, ended = Load(name), threading.Event()
    threads = [
        threading.Thread(target=_call_on, args=(api, load, ended, number), name=f"caller-{number}")
        for number in range(callers)
    ]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        ended.set()
        for thread in threads:
            thread.join(timeout=30)
        assert not any(thread.is_alive() for thread in threads), "a caller hangs"


def _call_on(api: Api, load: Load, ended: threading.Event, number: int) -> None:
    done = 0
    while not ended.is_set():
        title, key = f"{load.name} {number}, call {done}", f"{load.name}-{number}-{done}"
        while not _noted(api, load, "POST", "/api/v1/tasks/", {"title": title}, key=key):
            time.sleep(0.2)
            if ended.is_set():
                return
        load.accepted.append(title)
        load.reads += _noted(api, load, "GET", "/api/v1/tasks/?page_size=20")
        done += 1
        ended.wait(0.05)


def _noted(api: Api, load: Load, method: str, path: str, body: Any = None, *, key: str = "") -> bool:
    started = time.monotonic()
    status, answer = api.call(method, path, body, key=key)
    if status in {200, 201}:
        return True
    load.failures.append((started, time.monotonic(), status, answer))
    return False
