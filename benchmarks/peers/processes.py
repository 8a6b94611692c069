"""The parent's side: starts a worker per system and way, and asks it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Peer:
    """A worker process."""

    def __init__(self, system: str, **environment: str) -> None:
        self.system = system
        # What they say of themselves is looked at when something is wrong: BENCH_VERBOSE=1.
        errors = None if os.environ.get("BENCH_VERBOSE") else subprocess.DEVNULL
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.peers"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
            env={**os.environ, "BENCH_SYSTEM": system, **environment},
        )  # fmt: skip

    def ask(self, command: str, **arguments: Any) -> Any:
        """Have one command done. Raises: RuntimeError with the worker's words."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([command, arguments]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The worker of {self.system} ended during {command}.")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self.system}, {command}: {answer['error']}")
        return answer["result"]

    def end(self) -> None:
        """Let the process go."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


@contextmanager
def peer(system: str, **environment: str) -> Iterator[Peer]:
    """A worker that ends with the block."""
    worker = Peer(system, **environment)
    try:
        yield worker
    finally:
        worker.end()
