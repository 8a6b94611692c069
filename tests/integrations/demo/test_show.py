"""The demo as a person starts it: from nothing to companies in step, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.demo.companies import SignIn
from integrations.demo.show import sign_in_lines

ROOT = Path(__file__).resolve().parents[3]
OURS = ("DATABASE_URL", "REDIS_URL", "NOTION_BASE_URL", "PYTEST_XDIST_WORKER", "EMBEDDED_SERVICES")


@pytest.fixture(scope="module")
def var_dir() -> Iterator[Path]:
    """A place for databases of one's own; not below pytest's, which PostgreSQL's account may not enter."""
    folder = Path(tempfile.mkdtemp(prefix="nts-demo-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _environment(var_dir: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**kept, "VAR_DIR": str(var_dir), "DJANGO_SETTINGS_MODULE": "config.settings.local"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _left_behind(var_dir: Path) -> list[str]:
    """Command lines of processes that were started for this demo and still run."""
    wanted = f"VAR_DIR={var_dir}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
@pytest.mark.xdist_group("demo")
def test_it_starts_from_nothing_prints_one_object_and_leaves_nothing_running(var_dir: Path) -> None:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        busy = int(somebody.getsockname()[1])
        done = subprocess.run(
            [
                *(sys.executable, "manage.py", "demo", "--once", "--json"),
                *("--port", str(busy), "--sandbox-port", str(_free_port())),
            ],
            cwd=ROOT,
            env=_environment(var_dir),
            capture_output=True,
            text=True,
            timeout=600,
        )
    assert done.returncode == 0, done.stderr
    assert f"Port {busy} is busy: the console takes " in done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {"tenants", "connections", "tasks", "notion_calls", "sync_failures", "seconds"}
    assert (told["tenants"], told["connections"], told["sync_failures"]) == (2, 4, 0)
    assert told["tasks"] >= 4_000
    assert told["notion_calls"] < 400
    assert _left_behind(var_dir) == []


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
@pytest.mark.xdist_group("demo")
def test_it_goes_on_where_it_stopped_lives_and_ends_with_ctrl_c(var_dir: Path) -> None:
    output = var_dir / "output.txt"
    with output.open("w") as stream:
        demo = subprocess.Popen(
            [
                *(sys.executable, "manage.py", "demo"),
                *("--port", str(_free_port()), "--sandbox-port", str(_free_port())),
            ],
            cwd=ROOT,
            env=_environment(var_dir),
            stdout=stream,
            stderr=stream,
        )
        try:
            deadline = time.monotonic() + 300
            while output.read_text().count("”: ") < 2 and time.monotonic() < deadline and demo.poll() is None:
                time.sleep(0.2)
        finally:
            demo.send_signal(signal.SIGINT)
            status = demo.wait(timeout=60)
    told = output.read_text()
    assert status == 0, told
    for company in ("acme", "globex", "platform"):
        assert f"http://{company}.localhost:" in told
    for role in ("owner", "admin", "manager", "member", "guest"):
        assert f"    {role}" in told
    assert told.count("”: ") >= 2, told
    assert "Stopped: web, dispatcher, worker, sandbox, postgres, valkey." in told
    assert _left_behind(var_dir) == []


def test_the_addresses_stand_above_those_who_can_sign_in_there() -> None:
    sign_ins = [
        SignIn("Acme", "http://acme.localhost:8000", "owner", "Ada Quillfeather", "ada@acme.example"),
        SignIn("Acme", "http://acme.localhost:8000", "guest", "Elif Sternhagen", "elif@acme.example"),
        SignIn("Platform", "http://platform.localhost:8000", "owner", "Olive", "o@platform.example"),
    ]
    lines = [line for line in sign_in_lines(sign_ins, "otter-brook-fjord-1234") if line]
    assert lines[0] == "Acme: http://acme.localhost:8000"
    assert lines[1].split()[:2] == ["owner", "ada@acme.example"]
    assert lines[3] == "Platform: http://platform.localhost:8000"
    assert lines[-1].endswith("otter-brook-fjord-1234")
