"""Notion's own JavaScript client, unmodified, works on the sandbox.

Needs `node`, and once `npm` with a registry it can reach: the client is kept under `var/`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import RunningSandbox, WebhookInbox
from tests.integrations.sandbox.notion import sample

CLIENT = "@notionhq/client@5.26.0"
SCRIPT = Path(__file__).with_name("official_client.mjs")
pytestmark = pytest.mark.xdist_group("official client")
ROOT = Path(__file__).resolve().parents[4] / "var" / "notionhq-client-5.26.0"


@pytest.fixture(scope="session")
def client_root() -> Path:
    """The folder whose `node_modules` holds the client; skips with the reason where that cannot be."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if (ROOT / "node_modules" / "@notionhq" / "client" / "package.json").exists():
        return ROOT
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"npm is not installed and {CLIENT} is not kept in {ROOT}")
    # Somewhere else first: whoever else looks finds the client whole or not at all.
    ROOT.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="notionhq-", dir=ROOT.parent))
    command = [npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", "--ignore-scripts", CLIENT]
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not install {CLIENT} within two minutes")
    if made.returncode != 0:
        pytest.skip(f"npm could not install {CLIENT}: {made.stderr[-300:]}")
    if (ROOT / "node_modules").exists():
        return ROOT
    shutil.rmtree(ROOT, ignore_errors=True)
    place.rename(ROOT)
    return ROOT


@pytest.mark.parametrize("version", ["2026-03-11", "2025-09-03"])
def test_the_official_client_reads_and_writes(
    running: RunningSandbox,
    sandbox: Sandbox,
    client_root: Path,
    with_tasks: Callable[..., None],
    version: str,
) -> None:
    with_tasks(*sample.tasks(120))
    sandbox.set_limits(result_cap=70)
    node = shutil.which("node")
    assert node is not None
    arguments = [running.base_url, sample.TOKEN, version, sample.TASKS, sample.task_id(1), sample.HOME]
    made = subprocess.run(
        [node, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "NOTION_CLIENT_ROOT": str(client_root)},
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout) == {
        "me": sample.BOT,
        "users": True,
        "sources": [sample.TASKS],
        "rows": 70,
        "full": True,
        "filtered": 3,
        "past_the_cap": 120,
        "page": True,
        "status": "Not started",
        "updated": "Done",
        "blocks": 1,
        "markdown": "- [x] check",
        "home": ["child_database"],
        "error": {"code": "object_not_found", "status": 404, "known": True},
    }


def test_the_official_client_knows_what_the_sandbox_has_grown(
    running: RunningSandbox, sandbox: Sandbox, client_root: Path
) -> None:
    back = "https://product.example/back"
    sandbox.oauth.register("an-id", "a-secret", redirect_uris=[back])
    location = sandbox.oauth.allow("an-id", "Test Workspace", sample.ADA, redirect_uri=back)
    sandbox.add_template(sample.TASKS, "Bug", markdown="## Steps")
    inbox = WebhookInbox()
    sandbox.webhooks.sender = inbox
    subscription = sandbox.webhooks.subscribe("Test Workspace", "http://a.example/")
    sandbox.webhooks.confirm(subscription.id, subscription.verification_token)
    sandbox.edit(sample.task_id(2), sample.ADA, {"properties": {"Hours": {"number": 1}}})
    sandbox.webhooks.deliver_now()
    event = inbox.received[-1]
    node = shutil.which("node")
    assert node is not None
    arguments = [
        running.base_url,
        "an-id",
        "a-secret",
        location.partition("code=")[2],
        back,
        sample.TASKS,
        sample.DATABASE,
        sample.task_id(1),
        event.raw.decode(),
        event.headers["X-Notion-Signature"],
        subscription.verification_token,
    ]
    made = subprocess.run(
        [node, str(SCRIPT.with_name("official_client_more.mjs")), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "NOTION_CLIENT_ROOT": str(client_root)},
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout) == {
        "rotated": True,
        "active": True,
        "old": False,
        "bot": True,
        "markdown": "# Head\n- [x] done",
        "comment": True,
        "comments": 1,
        "upload": ["uploaded", 5],
        "file": "hello",
        "views": 2,
        "rows": [5, 2, 3],
        "gone": True,
        "template": "## Steps",
        "signature": True,
        "forged": False,
        "revoked": "unauthorized",
    }
