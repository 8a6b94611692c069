"""Children of the demo: in groups of their own, restarted, stopped with all they left, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integrations.demo.supervisor import ChildEnded, Supervisor

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(child.pid, flush=True)\n"
    "time.sleep(60)",
)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "logs")
    yield supervisor
    supervisor.stop_all()


def _environment() -> dict[str, str]:
    return dict(os.environ)


def _is_alive(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def _eventually(is_so: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def test_a_child_leads_a_group_of_its_own_and_is_stopped_by_name(supervisor: Supervisor) -> None:
    child = supervisor.start("sleeper", SLEEP, _environment())
    assert child.is_running
    assert os.getpgid(child.process.pid) == child.process.pid != os.getpgid(0)
    assert supervisor.stop_all() == ["sleeper"]
    assert not _is_alive(child.process.pid)


def test_stopping_leaves_processes_alone_that_it_did_not_start(supervisor: Supervisor) -> None:
    other = subprocess.Popen(SLEEP)
    try:
        supervisor.start("sleeper", SLEEP, _environment())
        supervisor.stop_all()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_child_that_ignores_the_request_is_killed_with_what_it_started(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.demo.supervisor._GRACE_SECONDS", 0.3)
    child = supervisor.start("stubborn", STUBBORN, _environment())
    assert _eventually(lambda: child.tail().strip().isdecimal())
    grandchild = int(child.tail())
    supervisor.stop_all()
    assert not _is_alive(child.process.pid)
    assert _eventually(lambda: not _is_alive(grandchild))


def test_a_command_that_fails_shows_what_it_wrote(supervisor: Supervisor) -> None:
    with pytest.raises(ChildEnded, match="status 3:\nno database here"):
        supervisor.run(
            "prepare",
            (sys.executable, "-c", "print('no database here'); raise SystemExit(3)"),
            _environment(),
        )
    assert supervisor.children == ()


def test_waiting_ends_when_the_child_does(supervisor: Supervisor) -> None:
    child = supervisor.start("web", (sys.executable, "-c", "print('port taken')"), _environment())
    with pytest.raises(ChildEnded, match="port taken"):
        supervisor.wait_until(lambda: False, child, seconds=20)


def test_a_child_that_dies_is_noticed_and_started_again(supervisor: Supervisor) -> None:
    child = supervisor.start("worker", SLEEP, _environment())
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    assert _eventually(lambda: supervisor.ended() == [child])
    supervisor.restart(child)
    assert child.is_running
    assert child.process.pid != first
    assert supervisor.ended() == []


def test_a_child_that_keeps_dying_is_given_up(supervisor: Supervisor) -> None:
    child = supervisor.start("worker", (sys.executable, "-c", "print('broken')"), _environment())
    with pytest.raises(ChildEnded, match=r"keeps ending[\s\S]*broken"):
        for _ in range(10):
            assert _eventually(lambda: supervisor.ended() == [child])
            supervisor.restart(child)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's help is Linux's")
def test_children_end_when_their_starter_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from integrations.demo.supervisor import Supervisor\n"
        "child = Supervisor(Path(sys.argv[1])).start('sleeper', sys.argv[2:], dict(os.environ))\n"
        "print(child.process.pid, flush=True)\n"
        "time.sleep(60)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), *SLEEP],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert starter.stdout is not None
    with starter.stdout:
        pid = int(starter.stdout.readline())
        assert _eventually(lambda: b"time.sleep" in Path(f"/proc/{pid}/cmdline").read_bytes())
        starter.kill()
        starter.wait()
    assert _eventually(lambda: not _is_alive(pid))
