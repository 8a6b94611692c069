"""The example that makes the brake ask, run as somebody runs it, against the demo's sandbox."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.conf import settings

from integrations.sandbox.notion.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[3]


def test_many_rows_are_changed_at_once_as_a_person(demo_sandbox: Sandbox) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "examples/change_many_rows.py",
            "--sandbox",
            settings.NOTION_BASE_URL,
            "--rows",
            "60",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("60 rows of Engineering & IT")
    workspace = demo_sandbox.workspace("Acme Head Office")
    now = max(item.edited for item in workspace.items["page"].values())
    assert sum(item.edited == now for item in workspace.items["page"].values()) >= 60
