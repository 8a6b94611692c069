"""Child processes of the demo: each in a process group of its own, stopped together, and only those."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from tenants.foundation.errors import DomainError

log = structlog.get_logger(__name__)

_GRACE_SECONDS = 5.0
_TAIL_LINES = 25
_MAX_RESTARTS = 5
_QUICK_DEATH_SECONDS = 30.0


class ChildEnded(DomainError):
    """A process the demo needs came to an end by itself; the message holds the last lines of its log."""

    default_code = "demo.child_ended"


@dataclass(slots=True)
class Child:
    """One process: how it is started, where its output goes, and the process while it runs."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log_path: Path
    process: subprocess.Popen[bytes]
    started_at: float
    restarts: int = 0

    @property
    def is_running(self) -> bool:
        """True until the process ended. Asks without reaping, so that its group's id stays its own."""
        if self.process.returncode is not None:
            return False
        if not hasattr(os, "waitid"):
            return self.process.poll() is None
        with contextlib.suppress(ChildProcessError):
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None
        return False

    def tail(self) -> str:
        """Return the last lines the process wrote."""
        try:
            lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-_TAIL_LINES:])


def _start(name: str, command: Sequence[str], environment: Mapping[str, str], log_path: Path) -> Child:
    wrapped = (sys.executable, "-m", "integrations.demo.bound_child", *command)
    with log_path.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 (our own commands, no shell)
            wrapped,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**environment, "DEMO_PARENT": str(os.getpid())},
            start_new_session=True,
        )
    return Child(name, tuple(command), environment, log_path, process, time.monotonic())


class Supervisor:
    """Starts children, notices when one ends, and stops what it started in reverse order.

    Use from one thread: on Linux a child is bound to the thread that started it.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    @property
    def children(self) -> tuple[Child, ...]:
        """The children that were started and not stopped, in order."""
        return tuple(self._children)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start a process in a group of its own; its output goes to `<name>.log`. Raises OSError."""
        self._logs.mkdir(parents=True, exist_ok=True)
        log_path = self._logs / f"{name}.log"
        log_path.write_bytes(b"")
        child = _start(name, command, environment, log_path)
        self._children.append(child)
        return child

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a process and wait for its end. Raises ChildEnded when it fails."""
        self.finish(self.start(name, command, environment))

    def finish(self, child: Child) -> None:
        """Wait for a process that is meant to end. Raises ChildEnded when it failed."""
        status = child.process.wait()
        self._children.remove(child)
        if status != 0:
            raise ChildEnded(f"“{child.name}” failed with status {status}:\n{child.tail()}")

    def wait_until(self, is_ready: Callable[[], bool], child: Child, *, seconds: float = 60.0) -> None:
        """Wait until a started service answers. Raises ChildEnded when it ends before, or takes too long."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if not child.is_running:
                raise ChildEnded(f"“{child.name}” ended with status {child.process.wait()}:\n{child.tail()}")
            if time.monotonic() > deadline:
                raise ChildEnded(f"“{child.name}” did not answer within {seconds:.0f} s:\n{child.tail()}")
            time.sleep(0.05)

    def ended(self) -> list[Child]:
        """Return the children that ended by themselves."""
        return [child for child in self._children if not child.is_running]

    def restart(self, child: Child) -> None:
        """Start a child again that ended by itself.

        Raises: ChildEnded when it keeps ending soon after its start.
        """
        _signal_group(child, signal.SIGKILL)
        status = child.process.wait()
        has_lasted = time.monotonic() - child.started_at > _QUICK_DEATH_SECONDS
        child.restarts = 1 if has_lasted else child.restarts + 1
        if child.restarts > _MAX_RESTARTS:
            raise ChildEnded(f"“{child.name}” keeps ending (status {status}):\n{child.tail()}")
        log.warning("demo.child_restarted", child=child.name, status=status, restarts=child.restarts)
        again = _start(child.name, child.command, child.environment, child.log_path)
        child.process, child.started_at = again.process, again.started_at

    def stop_all(self) -> list[str]:
        """Stop every child, the last started first, and return their names. May be called again."""
        stopped = []
        for child in reversed(self._children):
            # Only the leader: it knows in which order its own children have to end.
            _signal_leader(child, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        for child in reversed(self._children):
            while child.is_running and time.monotonic() < deadline:
                time.sleep(0.02)
            if child.is_running:
                log.info("demo.child_killed", child=child.name)
            # Before it is reaped: what a process left behind in its group goes with it.
            _signal_group(child, signal.SIGKILL)
            child.process.wait()
            stopped.append(child.name)
        self._children.clear()
        return stopped


def _signal_leader(child: Child, number: signal.Signals) -> None:
    if child.is_running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.process.pid, number)


def _signal_group(child: Child, number: signal.Signals) -> None:
    """Send a signal to the group a child leads; a reaped child's id may be somebody else's by now."""
    if child.process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, number)
