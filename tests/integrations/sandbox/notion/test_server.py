"""`manage.py sandbox notion` as a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller
from tests.integrations.sandbox.notion.test_file_uploads import create, send
from tests.integrations.sandbox.notion.webhooks.test_control import Receiver

REPOSITORY = Path(__file__).resolve().parents[4]
pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """A running process; `kill` takes the whole group, as pulling the plug would."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self.base_url = f"http://127.0.0.1:{port}"

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self._process.poll() is None, "the sandbox ended by itself"
            try:
                if Caller(self.base_url).raw("GET", "/_sandbox/state")[0] == 200:
                    return
            except (ConnectionError, http.client.HTTPException):
                time.sleep(0.05)
        raise AssertionError("the sandbox did not answer within a minute")

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> int:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(20)

    def control(self, name: str, body: Any) -> Any:
        status, _, content = Caller(self.base_url).raw("POST", f"/_sandbox/{name}", json.dumps(body).encode())
        assert status == 200, content
        return json.loads(content)


@contextmanager
def served(*arguments: str) -> Iterator[Served]:
    port = free_port()
    command = [
        sys.executable,
        str(REPOSITORY / "manage.py"),
        "sandbox",
        "notion",
        "--port",
        str(port),
        *arguments,
    ]
    process = subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True)
    running = Served(process, port)
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.ndjson"
    lines = [sample.workspace_line(), *sample.frame_objects(), *sample.tasks(20)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_killed_server_goes_on_where_it_was(file: Path, tmp_path: Path) -> None:
    arguments = ["--load", str(file), "--state", str(tmp_path / "state"), "--budget", "off"]
    hours = {"properties": {"Hours": {"number": 42}}}
    with served(*arguments) as running:
        notion = Caller(running.base_url)
        assert notion.patch(f"/v1/pages/{sample.task_id(1)}", hours).status == 200
        running.kill()
    with served(*arguments) as running:
        page = Caller(running.base_url).get(f"/v1/pages/{sample.task_id(1)}").body
        assert page["properties"]["Hours"]["number"] == 42
        assert running.stop() == 0


def test_clock_budget_and_broken_connections_work_behind_the_real_server(file: Path) -> None:
    with served("--load", str(file), "--budget", "3") as running:
        notion = Caller(running.base_url)
        running.control("clock", {"mode": "manual", "now": "2027-01-01T10:00:30Z"})
        assert notion.get("/v1/users/me").headers["date"] == "Fri, 01 Jan 2027 10:00:30 GMT"
        running.control("faults", {"kind": "reset"})
        with pytest.raises(ConnectionResetError):
            notion.raw("GET", "/v1/users/me")
        running.control("faults", {"kind": "half"})
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            notion.raw("GET", "/v1/users")
        assert [notion.get("/v1/users/me").status for _ in range(2)] == [200, 429]
        running.control("clock", {"advance_seconds": 60})
        encoded = notion.get(f"/v1/pages/{sample.task_id(1)}/properties/a%5Dqs").body
        assert encoded["type"] == "select"


def test_a_file_that_is_not_there_is_a_sentence_and_not_a_server(tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "sandbox", "notion", "--load", str(tmp_path / "none.ndjson")]
    made = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode != 0
    assert "none.ndjson" in made.stderr
    assert "Traceback" not in made.stderr


def test_webhooks_oauth_and_files_work_behind_the_real_server(file: Path) -> None:
    with Receiver() as receiver, served("--load", str(file), "--oauth-client", "an-id:a-secret") as running:
        threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        notion = Caller(running.base_url)
        made = running.control("webhooks", {"workspace": sample.TOKEN, "url": receiver.url})
        pasted = {"id": made["id"], "verification_token": made["verification_token"]}
        assert running.control("webhooks/confirm", pasted)["state"] == "active"
        running.control("webhooks/rules", {"window_seconds": 0})
        notion.patch(f"/v1/pages/{sample.task_id(1)}", {"properties": {"Hours": {"number": 1}}})
        deadline = time.monotonic() + 20
        while len(receiver.received) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert json.loads(receiver.received[1][0])["type"] == "page.properties_updated"
        receiver.shutdown()

        form = {"client_id": "an-id", "redirect_uri": "http://a.example/", "decision": "deny"}
        browser = Caller(running.base_url, headers={"Content-Type": "application/x-www-form-urlencoded"})
        status, headers, _ = browser.raw("POST", "/v1/oauth/authorize", urlencode(form).encode())
        assert (status, headers["location"]) == (302, "http://a.example/?error=access_denied")

        upload = create(notion, filename="big.png")
        assert send(notion, upload["id"], bytes(9 * 1024 * 1024)).body["content_length"] == 9 * 1024 * 1024
